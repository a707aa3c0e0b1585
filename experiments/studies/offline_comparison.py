"""Offline optimisation on problems whose truth we own: does sharpness help, by a rule?"""

from pathlib import Path

from pydantic import Field, field_validator

from .._schema import Strict
from .._store import Figures
from .._study import AbstractStudy

SIMULATORS = (
    "steady_state", "steady_state_biased", "cell_design", "voltammetric_recovery", "sweep_design",
    "resistive_recovery",
)  # fmt: skip
# These too can be asked for: simulators that cost minutes to hours of CPU, and the functions on
# which the default recipe was tuned.
KNOWN = (
    *SIMULATORS, "shell_shape", "waveform_design", "five_scan_recovery", "branin", "hartmann6",
    "levy8", "styblinski_tang8",
)  # fmt: skip


class OfflineSettings(Strict):
    """What can be set. The primary metric is fixed here, before anything runs."""

    primary: str = Field("p50", pattern="^(p100|p50|top1)$")
    tasks: tuple[str, ...] = SIMULATORS
    seeds: int = Field(20, ge=2, le=100)
    pool: int = Field(300, ge=40, le=20000)
    designs: int = Field(16, ge=1, le=1024, description="returned by each run")
    reach: float = Field(0.25, gt=0, description="path of every search, in units of √d")
    width: int = Field(64, ge=1, le=2048)
    members: int = Field(3, ge=2, le=20)
    epochs: int = Field(60, ge=1, le=10000)
    batch: int = Field(50, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    dual_rate: float = Field(0.3, gt=0, description="of the multipliers of IGNITE and COMs")
    coms_steps: int = Field(8, ge=1, le=200, description="of COMs' inner ascent, whole path")
    margin: float = Field(0.01, gt=0, description="of equivalence, in normalised score")

    @field_validator("tasks")
    @classmethod
    def _known_tasks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in KNOWN]
        if unknown or not value:
            raise ValueError(f"tasks must be some of {', '.join(KNOWN)}, but are {list(value)}")
        return value


class OfflineComparison(AbstractStudy):
    """Six searches, plain and under seven other trainings, on simulators and functions.

    Arms share weights, batches, starts and the distance that a search may travel; "placebo" has
    other random numbers. Every (task, arm) is a file. The verdict is `statistics.verdict`.
    """

    name = "offline_comparison"
    line = "offline optimisation on our own problems: sharpness against its controls, by a rule"
    configuration = OfflineSettings

    def run(self, configuration: OfflineSettings, directory: Path) -> Figures:
        from .._offline_comparison import run_cells
        from .._offline_report import draw, figures_of, write_table
        from .._pipeline import cpu_seconds

        began = cpu_seconds()
        cells = run_cells(configuration, directory)
        figures = figures_of(cells, configuration)
        write_table(cells, configuration, directory / "offline_comparison.md")
        draw(cells, configuration, directory)
        return figures | {"cpu_s": cpu_seconds() - began}
