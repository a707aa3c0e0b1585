"""Fe(III)/Fe(II) on platinum: the case study of Differentiable Electrochemistry, on its data."""

from pathlib import Path

from .._store import Figures
from .._study import AbstractStudy, NoSettings, shared_data


class Fe3Fe2(AbstractStudy):
    """Planar, edge and full model against the published fit of the same five curves."""

    name = "fe3_fe2"
    line = "rate constants of Fe(III)/Fe(II) on Pt against a published fit of the same data"

    def run(self, configuration: NoSettings, directory: Path) -> Figures:
        raise NotImplementedError("the study fe3_fe2 is not written yet.")

    def available(self) -> str | None:
        folder = shared_data("fe3_fe2_pt")
        return None if folder.is_dir() else f"{folder} is not there (or set DIFFSIM_DATA)."
