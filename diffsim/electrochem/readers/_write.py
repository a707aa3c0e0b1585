"""Measurements as plain CSV, for other programs and for safe keeping."""

from pathlib import Path

from ._measurement import Measurement

_COMMENTS = {
    "technique": "",
    "instrument": "",
    "scan_rate": " V/s",
    "compensated_resistance": " ohm",
    "sensitivity": " A/V",
    "sample_interval": " V",
    "quiet_time": " s",
}


def write_csv(measurement: Measurement, path: str | Path) -> None:
    """Write a measurement as CSV that `read` reads back to the same bits.

    Columns `time_s`, `potential_V`, `current_A`, oxidation positive; the standard metadata become
    comment lines above them. Further columns and the rest of the metadata are left out: for
    everything, write `measurement.to_dataset()` to netCDF.

    **Arguments:**

    - `measurement`: what to write.
    - `path`: the file; one that is there is replaced.
    """
    lines = [f"# source: {measurement.metadata.get('source')}", "# convention: iupac"]
    for key, unit in _COMMENTS.items():
        value = measurement.metadata.get(key)
        if value is not None:
            text = repr(value) if isinstance(value, float) else " ".join(str(value).split())
            lines.append(f"# {key}: {text}{unit}")
    lines.append("time_s,potential_V,current_A")
    rows = zip(measurement.time, measurement.potential, measurement.current, strict=True)
    lines += [",".join(repr(float(value)) for value in row) for row in rows]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
