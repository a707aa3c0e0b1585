"""The waveform in a configuration, where it is declared, not read from the measured potential."""

from typing import Literal

from pydantic import Field, model_validator

from ._schema import (
    Hertz,
    PureNumber,
    Second,
    Strict,
    Volt,
    VoltPerSecond,
)

# Kind -> (class in `diffsim.electrochem`, keys that must be given, keys that may be).
WAVEFORMS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "linear_sweep": ("LinearSweep", ("start", "end", "scan_rate"), ()),
    "cyclic_sweep": ("CyclicSweep", ("start", "vertex", "scan_rate"), ("end", "cycles")),
    "piecewise_linear": ("PiecewiseLinear", ("durations", "corners"), ()),
    "potential_step": ("PotentialStep", ("step", "step_duration"), ("rest", "rest_duration")),
    "double_step": (
        "DoubleStep",
        ("first", "second", "first_duration", "second_duration"),
        ("rest", "rest_duration"),
    ),
    "staircase": ("Staircase", ("start", "step", "tread", "steps"), ("cyclic",)),
    "square_wave": ("SquareWave", ("start", "step", "amplitude", "frequency"), ()),
    "differential_pulse": (
        "DifferentialPulse",
        ("start", "step", "amplitude", "period", "pulse"),
        (),
    ),
    "measured": ("Measured", (), ("pieces", "prominence")),
}
# Whose files hold one row for each pulse: its forward and its reverse current.
PULSES = ("square_wave", "differential_pulse")


class Modulation(Strict):
    """A sine on top (AC voltammetry)."""

    amplitude: Volt
    frequency: Hertz
    phase: PureNumber = 0.0


class Waveform(Strict):
    """What was applied, by the names of the Python classes.

    Times in the file count from the beginning of the waveform, a rest before a step included.
    """

    kind: Literal[
        "linear_sweep",
        "cyclic_sweep",
        "piecewise_linear",
        "potential_step",
        "double_step",
        "staircase",
        "square_wave",
        "differential_pulse",
        "measured",
    ]
    start: Volt | None = None
    end: Volt | None = None
    vertex: Volt | list[Volt] | None = None
    scan_rate: VoltPerSecond | None = None
    cycles: int | None = Field(default=None, ge=1)
    durations: list[Second] | None = None
    corners: list[Volt] | None = None
    step: Volt | None = None
    step_duration: Second | None = None
    rest: Volt | None = None
    rest_duration: Second | None = None
    first: Volt | None = None
    second: Volt | None = None
    first_duration: Second | None = None
    second_duration: Second | None = None
    tread: Second | None = None
    steps: int | None = Field(default=None, ge=1)
    cyclic: bool | None = None
    amplitude: Volt | None = None
    frequency: Hertz | None = None
    period: Second | None = None
    pulse: Second | None = None
    pieces: int | None = Field(default=None, ge=1)
    prominence: PureNumber | None = None
    modulation: Modulation | None = None

    @model_validator(mode="after")
    def _check(self):
        _, needed, allowed = WAVEFORMS[self.kind]
        given = set(self.arguments())
        known = (*needed, *allowed)
        if extra := sorted(given - set(known)):
            raise ValueError(
                f"{', '.join(extra)} must not be given for a waveform of kind {self.kind} (it has "
                f"{', '.join(known)})"
            )
        if missing := [name for name in needed if name not in given]:
            raise ValueError(
                f"{', '.join(missing)} must be given for a waveform of kind {self.kind}, but is "
                "missing"
            )
        if self.modulation is not None and self.kind in PULSES:
            raise ValueError(f"modulation must not be given for a waveform of kind {self.kind}")
        return self

    def arguments(self) -> dict:
        """Arguments of the class, in SI units."""
        given = self.model_dump(exclude_none=True)
        return {name: v for name, v in given.items() if name not in ("kind", "modulation")}
