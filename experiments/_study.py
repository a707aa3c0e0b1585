"""What a study is."""

import abc
import importlib.util
import os
from pathlib import Path
from typing import ClassVar

from ._schema import Strict
from ._store import Figures


class NoSettings(Strict):
    """The configuration of a study that has nothing to set."""


class AbstractStudy(abc.ABC):
    """A named computation with a typed configuration, which ends in a flat table of figures.

    A study is one module of `experiments/studies/` with one final subclass (or a list `STUDIES` of
    studies that differ in what they are made with). The module must not
    import JAX or diffsim at its top: `diffsim list` imports it. Imports belong inside `run`.

    **Class attributes:**

    - `name`: what `diffsim run` calls it.
    - `line`: one line for `diffsim list`.
    - `configuration`: the type of its settings, a `Strict` model with defaults throughout.
    """

    name: ClassVar[str]
    line: ClassVar[str]
    configuration: ClassVar[type[Strict]] = NoSettings

    @abc.abstractmethod
    def run(self, configuration: Strict, directory: Path) -> Figures:
        """Compute, leaving every file in `directory`, and return the figures.

        The directory may hold what a killed run left there: what is in it is to be used again
        (`ds.solve(..., directory=directory / "log")` does so), and each file is to be written
        beside its target and renamed.
        """

    def available(self) -> str | None:
        """None if all that the study needs is there, else what is missing. Must be cheap."""
        return None


def require_extra(module: str, extra: str, unless: str) -> None:
    """**Raises:** `ValueError` if a package is missing that a setting asks for; before the work."""
    if importlib.util.find_spec(module) is None:
        raise ValueError(
            f"{module} is needed and not installed: pip install 'diffsim[{extra}]', or --set "
            f"{unless}."
        )


def shared_data(name: str) -> Path:
    """Where measurements that are not part of the package lie.

    `$DIFFSIM_DATA/name` if that is set, else `../shared/data/name` beside the repository or the
    working directory. The path need not exist.
    """
    given = os.environ.get("DIFFSIM_DATA")
    if given:
        return Path(given) / name
    places = [root / "shared" / "data" / name for root in (_repository().parent, Path.cwd().parent)]
    return next((place for place in places if place.exists()), places[0])


def _repository() -> Path:
    return Path(__file__).resolve().parent.parent
