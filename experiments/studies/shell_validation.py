"""Thin shells against problems with known answers."""

import json
from pathlib import Path

from pydantic import Field

from .._schema import Strict
from .._store import Figures, write_text
from .._study import AbstractStudy


class ShellValidationSettings(Strict):
    """What can be set of the study."""

    refinement: int = Field(
        1, ge=1, le=3, description="meshes of each case, each half as fine as the one before"
    )
    only: str = Field("", description="a tag or a part of a name; all cases if empty")


class ShellValidation(AbstractStudy):
    """Largest relative error of every case, at the resolution that the case states.

    Each finished case is kept in `cases.json`, so that a killed study goes on where it was.
    """

    name = "shell_validation"
    line = (
        "thin shells against known answers: elastica, buckling, plates, vibrations, curved shells, "
        "contact, friction, creases"
    )
    configuration = ShellValidationSettings

    def run(self, configuration: ShellValidationSettings, directory: Path) -> Figures:
        from diffsim import problems

        kept = directory / "cases.json"
        done = json.loads(kept.read_text()) if kept.exists() else {}
        cases = problems.shell_cases()
        for case in cases:
            if configuration.only not in (*case.tags, "") and configuration.only not in case.name:
                continue
            for level in range(configuration.refinement):
                key = f"{case.name}_error" if level == 0 else f"{case.name}_error_coarser_{level}"
                if key not in done:
                    done[key] = _error(case, max(4, case.resolution // 2**level))
                    write_text(kept, json.dumps(done, indent=1))
            done[f"{case.name}_tolerance"] = case.tolerance
        chosen = [case for case in cases if f"{case.name}_error" in done]
        missed = [case.name for case in chosen if not _kept(done[f"{case.name}_error"], case)]
        return {**done, "missed": ", ".join(missed) or "none"}


def _kept(error: float | None, case) -> bool:
    return error is not None and error <= case.tolerance


def _error(case, resolution: int) -> float | None:
    """The error, or None for a simulation that failed, which counts as missed."""
    from diffsim import SimulationError

    try:
        return case.error(resolution)
    except SimulationError:
        return None
