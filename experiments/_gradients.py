"""The check of derivatives that `diffsim check-gradients` makes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._asked_config import AbstractRecovery
from ._config import load
from ._schema import ConfigurationError, nearest
from ._store import Figures

if TYPE_CHECKING:
    from diffsim import Problem


def load_configured(name: str) -> AbstractRecovery | None:
    """The configuration, if the name is that of a file. Needs no JAX."""
    return load(name) if name.endswith((".yaml", ".yml")) or Path(name).is_file() else None


def checked(name: str, configuration: AbstractRecovery | None) -> tuple[Any, Figures]:
    """The check, and what it found as figures."""
    from diffsim import check_gradients

    check = check_gradients(_problem(name, configuration))
    figures: Figures = {
        "problem": name,
        "passed": check.passed(),
        "modes": _finite(check.mode_disagreement),
        "finite_differences": _finite(check.finite_difference_disagreement),
    }
    return check, figures


def _problem(name: str, configuration: AbstractRecovery | None) -> "Problem":
    if configuration is not None:
        from ._build import build

        return build(configuration).problem
    from diffsim import problems

    known = _named(problems)
    if name not in known:
        raise ConfigurationError(
            f"a problem must be a configuration file or one of {', '.join(known)}, but is "
            f"{name!r}{nearest(name, known)}"
        )
    return getattr(problems, name)()


def _named(module: Any) -> list[str]:
    """Functions that make a problem without being told anything."""
    import inspect

    found = []
    for name, function in vars(module).items():
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        parameters = inspect.signature(function).parameters.values()
        if all(p.default is not p.empty for p in parameters):
            found.append(name)
    return sorted(found)


def _finite(value: float) -> float | None:
    return value if value == value else None
