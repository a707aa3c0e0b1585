"""Measured files that travel with the package, exactly as the instrument wrote them.

`ferrocene/` holds the voltammograms of the main job (`diffsim run ferrocene`); where they come
from, what is known of the experiment and what is not stands in `ferrocene/PROVENANCE.md`.
The files are read by the same CHI reader as a user's own files
(`diffsim.electrochem.readers.read`).
"""

from pathlib import Path
from types import MappingProxyType

_STEM = "MeCN_Ar_0.1MTBAPF6_3mMFc_1mMFe-tpyPY2Me"

# Scan rate in V/s -> file of the series swept 0 -> -1.7 -> 1 -> 0 V.
_FERROCENE = MappingProxyType(
    {
        0.025: f"{_STEM}_-1.7_to_1V_25mVs.txt",
        0.05: f"{_STEM}_-1.7_to_1V_50mVs.txt",
        0.1: f"{_STEM}_-1.7_to_1V_100mVs.txt",
        0.5: f"{_STEM}_-1.7_to_1V_500mVs.txt",
        1.0: f"{_STEM}_-1.7_to_1V_1Vs.txt",
    }
)


def folder() -> Path:
    """The folder of the data files on this machine."""
    return Path(__file__).parent


def ferrocene() -> dict[float, Path]:
    """The ferrocene series of five scan rates.

    **Returns:**

    A dictionary from the scan rate in V/s to the path of its file, slowest first.
    """
    return {rate: folder() / "ferrocene" / name for rate, name in _FERROCENE.items()}


def ferrocene_repeat() -> Path:
    """A second voltammogram at 0.1 V/s, of the narrower window 0 -> -1.2 -> 1 -> 0 V."""
    return folder() / "ferrocene" / f"{_STEM}_-1.2_to_1V_100mVs.txt"


def ferrocene_blank() -> Path:
    """The electrolyte alone at 0.1 V/s, 0 -> -1.2 -> 1 -> 0 V."""
    return folder() / "ferrocene" / "MeCN_Ar_0.1MTBAPF6_-1.2_to_1V_100mVs.txt"
