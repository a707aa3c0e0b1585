"""The page of a comparison: tables, pictures and settings in one HTML file, from files alone."""

from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from diffsim import report
from surrogates import statistics

from ._offline_comparison import stored_cells
from ._offline_default import REACH
from ._offline_recipe import RECIPES, levels
from ._offline_report import ARMS, METHODS, Cells, draw, figures_of, pictures, scores, write_table
from ._registry import find
from ._schema import ConfigurationError, validated
from ._store import Figures, read_request, write_text

STUDY, PAGE = "offline_comparison", "comparison.html"
_TONES = {"helps": "good", "hurts": "poor"}


def compare(directory: Path, page: Path | None = None) -> tuple[Figures, Path]:
    """(figures, path of the page) of a run that is finished or was cut short.

    Tables and pictures are written beside the page. Nothing is trained or simulated.

    **Raises:** `ConfigurationError` if the directory is no run of the study; `ValueError` if no
    task of it is complete.
    """
    request = read_request(directory)
    if request.get("study") != STUDY:
        raise ConfigurationError(
            f"{directory} must hold a run of {STUDY}, but holds {request.get('study')!r}."
        )
    settings = validated(find(STUDY).configuration, request["configuration"], STUDY)
    cells, missing = stored_cells(settings, directory)
    page = page or directory / PAGE
    figures = figures_of(cells, settings)
    write_table(cells, settings, page.parent / f"{STUDY}.md")
    draw(cells, settings, page.parent)
    return figures, write_text(page, render(cells, missing, settings, figures))


def render(cells: Cells, missing: dict[str, list[str]], settings: Any, figures: Figures) -> str:
    """The page as text; pictures stand in it."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = (resources.files("experiments") / "templates" / "offline.html.j2").read_text("utf-8")
    images = {name: report.embedded(figure) for name, figure in pictures(cells, settings).items()}
    return environment.from_string(template).render(
        style=report.packaged("report.css"),
        pictures=images,
        settings=settings.model_dump(mode="json"),
        figures=figures,
        missing=missing,
        arms=[_arm(figures, arm) for arm in ARMS],
        levels=_levels(cells, settings.primary),
        tasks=_tasks(cells, settings.primary),
        columns=("plain", *ARMS),
        methods=len(METHODS),
        reach=REACH,
    )


def _arm(figures: Figures, arm: str) -> dict[str, Any]:
    verdict = str(figures[f"{arm}_verdict"])
    names = ("iqm", "effect", "low", "high", "holm_p", "improvement", "tasks_hurt", "best_control")
    row = {name: figures[f"{arm}_{name}"] for name in names}
    return row | {"name": arm, "verdict": verdict, "tone": _TONES.get(verdict, "fair")}


def _levels(cells: Cells, metric: str) -> list[tuple[str, statistics.Interval, bool]]:
    """(name, level, whether it is a recipe of ours), the best first."""
    found = sorted(levels(cells, metric).items(), key=lambda item: -item[1].value)
    return [(name, level, name in RECIPES) for name, level in found]


def _tasks(cells: Cells, metric: str) -> list[dict[str, Any]]:
    """The mean score of each task and arm."""
    return [
        {
            "name": task,
            "stay": scores({task: of_task}, "best_offline", metric, ("stay",)).mean(),
            "means": [scores({task: of_task}, arm, metric).mean() for arm in ("plain", *ARMS)],
        }
        for task, of_task in cells.items()
    ]
