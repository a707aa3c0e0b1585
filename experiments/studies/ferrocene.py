"""Real ferrocene voltammograms, which travel with the package."""

from pathlib import Path

from .._store import Figures
from .._study import AbstractStudy, NoSettings


class Ferrocene(AbstractStudy):
    """Joint fit of five scan rates: which parameters do real, imperfect data determine?"""

    name = "ferrocene"
    line = "kinetics and transport of ferrocene from five real voltammograms (data included)"

    def run(self, configuration: NoSettings, directory: Path) -> Figures:
        raise NotImplementedError("the study ferrocene is not written yet.")
