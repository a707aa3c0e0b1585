"""All studies, found in `experiments/studies/`, and how one is carried out."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from . import studies as _package
from ._schema import ConfigurationError, Strict, nearest, validated
from ._store import Figures, claim, store_figures, stored_figures
from ._study import AbstractStudy


def studies() -> dict[str, AbstractStudy]:
    """Every study by name, in alphabetical order: one for each `AbstractStudy` that a module
    defines, and those in its `STUDIES`."""
    found: dict[str, AbstractStudy] = {}
    for module in pkgutil.iter_modules(_package.__path__):
        loaded = importlib.import_module(f"{_package.__name__}.{module.name}")
        for _, kind in inspect.getmembers(loaded, inspect.isclass):
            if issubclass(kind, AbstractStudy) and kind.__module__ == loaded.__name__:
                found[kind.name] = kind()
        found |= {study.name: study for study in getattr(loaded, "STUDIES", ())}
    return dict(sorted(found.items()))


def find(name: str) -> AbstractStudy:
    """The study of a name.

    **Raises:** `ConfigurationError` naming the nearest one.
    """
    known = studies()
    if name not in known:
        raise ConfigurationError(
            f"a study must be one of {', '.join(known)}, but is {name!r}{nearest(name, known)}"
        )
    return known[name]


def configure(study: AbstractStudy, settings: Mapping[str, str]) -> Strict:
    """The configuration of a study from texts such as {"starts": "30"}, read as YAML.

    **Raises:** `ConfigurationError` naming the key.
    """
    content = {}
    for key, text in settings.items():
        try:
            content[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            content[key] = text
    return validated(study.configuration, content, study.name)


def directory_of(study: AbstractStudy, configuration: Strict, root: Path) -> Path:
    """Where the result of a configuration goes."""
    return root / f"{study.name}-{configuration.digest()}"


def execute(
    study: AbstractStudy, configuration: Strict, directory: Path, *, force: bool = False
) -> tuple[Figures, bool]:
    """The figures of a study, and whether they were there already.

    **Raises:** `ConfigurationError` if data are missing or the directory holds another result.
    """
    request = request_of(study, configuration)
    stored = None if force else stored_figures(directory)
    if stored is not None:
        claim(directory, request)
        return stored, True
    missing = study.available()
    if missing:
        raise ConfigurationError(f"the study {study.name} cannot run: {missing}")
    claim(directory, request, force=force)
    return store_figures(directory, study.run(configuration, directory)), False


def request_of(study: AbstractStudy, configuration: Strict) -> dict[str, Any]:
    """What is noted in the directory of a result."""
    return {"study": study.name, "configuration": configuration.model_dump(mode="json")}
