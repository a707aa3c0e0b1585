"""Figures, table and picture of `offline_comparison`, from its cells alone."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from surrogates import statistics

from ._offline_recipe import RECIPES, levels, recipe_figures
from ._store import Figures, write_text

CONTROLS: tuple[str, ...] = ("sam", "weight_decay", "placebo", "early_stop")
ARMS: tuple[str, ...] = ("ignite", "ignite2", *CONTROLS)
METHODS = ("ascent", "ensemble_mean", "ensemble_min", "reinforce", "coms", "ram")
Cells = dict[str, dict[str, dict[str, Any]]]


def scores(cells: Cells, arm: str, metric: str, methods=METHODS) -> np.ndarray:
    """(task·method, seed)."""
    return np.asarray(
        [cells[task][arm]["methods"][m][metric] for task in cells for m in methods], float
    )


def _by_task(cells: Cells, arm: str, metric: str) -> np.ndarray:
    """(task, seed): the mean over methods, so that tasks are what is resampled."""
    whole = scores(cells, arm, metric)
    return whole.reshape(len(cells), len(METHODS), -1).mean(axis=1)


def figures_of(cells: Cells, settings: Any) -> Figures:
    """The flat table: for each arm its level, its effect over plain, and the verdict."""
    metric = settings.primary
    arms = {arm: _by_task(cells, arm, metric) for arm in ("plain", *ARMS)}
    effects = {a: statistics.hierarchical_effect(arms[a], arms["plain"]) for a in ARMS}
    tests = [
        statistics.paired_effect(arms[a].mean(axis=0), arms["plain"].mean(axis=0)).p_value
        for a in ARMS
    ]
    adjusted = dict(zip(ARMS, statistics.holm(np.asarray(tests)), strict=True))
    figures: Figures = {"tasks": len(cells), "seeds": settings.seeds}
    figures["plain_iqm"] = statistics.interquartile_mean(arms["plain"]).value
    for arm, effect in effects.items():
        rivals = [control for control in CONTROLS if control != arm]
        best = max(rivals, key=lambda control: effects[control].value)
        over = statistics.hierarchical_effect(arms[arm], arms[best])
        same = statistics.equivalence(
            arms[arm].mean(axis=0), arms["plain"].mean(axis=0), settings.margin
        )
        hurt = np.mean(arms[arm].mean(axis=1) < arms["plain"].mean(axis=1))
        figures |= {
            f"{arm}_iqm": statistics.interquartile_mean(arms[arm]).value,
            f"{arm}_effect": effect.value,
            f"{arm}_low": effect.low,
            f"{arm}_high": effect.high,
            f"{arm}_holm_p": float(adjusted[arm]),
            f"{arm}_improvement": statistics.probability_of_improvement(arms[arm], arms["plain"]),
            f"{arm}_tasks_hurt": float(hurt),
            f"{arm}_best_control": best,
            f"{arm}_verdict": statistics.verdict(effect, adjusted[arm], over, same < 0.05),
        }
    figures |= _methods(cells, metric) | recipe_figures(cells, metric)
    for name in ("coverage", "unweighted_coverage", "informative", "effective"):
        each = [np.mean(cells[task]["certificate"][name]) for task in cells]
        figures[f"certificate_{name}"] = float(np.mean(each))
    return figures


def _methods(cells: Cells, metric: str) -> Figures:
    """Levels of the methods, and what true gradients add."""
    figures: Figures = {}
    for method, level in levels(cells, metric).items():
        figures |= {f"{method}_iqm": level.value, f"{method}_iqm_low": level.low,
                    f"{method}_iqm_high": level.high}  # fmt: skip
    stay = statistics.interquartile_mean(scores(cells, "best_offline", metric, ("stay",)))
    figures["best_offline_iqm"] = stay.value
    taught = scores(cells, "sobolev", metric, ("ascent",))
    effect = statistics.hierarchical_effect(taught, scores(cells, "plain", metric, ("ascent",)))
    figures |= {"sobolev_effect": effect.value, "sobolev_low": effect.low,
                "sobolev_high": effect.high}  # fmt: skip
    for name in ("gradient_cosine", "rank_correlation_hidden", "over_optimism", "travelled"):
        for arm in ("plain", "ignite", "sobolev"):
            figures[f"{arm}_{name}"] = float(np.mean(scores(cells, arm, name, ("ascent",))))
    for method in ("ascent", "reinforce", "coms"):
        for name in ("away", "travelled"):
            figures[f"{method}_{name}"] = float(np.mean(scores(cells, "plain", name, (method,))))
    return figures


def write_table(cells: Cells, settings: Any, path: Path) -> None:
    """Mean score of each task and arm, over methods and seeds, as markdown."""
    columns = ("plain", *ARMS)
    lines = [
        f"Normalised true score, {settings.primary} of {settings.designs} designs, mean over "
        f"{len(METHODS)} methods and {settings.seeds} seeds.",
        "",
        "| task | best offline | " + " | ".join(columns) + " | gp ascent |",
        "|---" * (len(columns) + 3) + "|",
    ]
    for task in cells:
        one = {task: cells[task]}
        stay = np.mean(scores(one, "best_offline", settings.primary, ("stay",)))
        means = [np.mean(scores(one, arm, settings.primary)) for arm in columns]
        process = np.mean(scores(one, "gp", settings.primary, ("gp_ascent",)))
        row = " | ".join(f"{value:.3f}" for value in (stay, *means, process))
        lines.append(f"| {task} | {row} |")
    write_text(path, "\n".join(lines) + "\n")


def draw(cells: Cells, settings: Any, directory: Path) -> list[Path]:
    """The pictures as PNG files, each written beside and renamed."""
    paths = []
    for name, figure in pictures(cells, settings).items():
        path = directory / f"{name}.png"
        beside = path.with_name(f".{path.name}.partial.png")
        figure.savefig(beside, dpi=130)
        paths.append(beside.rename(path))
    return paths


def pictures(cells: Cells, settings: Any) -> dict[str, Figure]:
    """The figures of the comparison by name."""
    metric = settings.primary
    return {
        "offline_comparison": _effects(cells, metric),
        "offline_levels": _levels(cells, metric),
    }


def _effects(cells: Cells, metric: str) -> Figure:
    """Effects over plain: each task a dot, the pooled mean with its interval."""
    plain = _by_task(cells, "plain", metric)
    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    for row, arm in enumerate(ARMS):
        treated = _by_task(cells, arm, metric)
        effect = statistics.hierarchical_effect(treated, plain)
        each = (treated - plain).mean(axis=1)
        for column, value in enumerate(each):
            label = list(cells)[column].replace("_", " ") if row == 0 else None
            axes.plot(value, row + 0.22, "o", ms=4, color=f"C{column}", label=label)
        axes.plot([effect.low, effect.high], [row, row], color="k", lw=2)
        axes.plot(effect.value, row, "D", color="k", ms=6)
    axes.axvline(0.0, color="0.5", lw=1)
    axes.set_yticks(range(len(ARMS)), [arm.replace("_", " ") for arm in ARMS])
    axes.invert_yaxis()
    axes.set_xlabel(f"normalised true score minus plain ({metric}); 95 % over tasks and seeds")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _levels(cells: Cells, metric: str) -> Figure:
    """Each method's interquartile mean over tasks and seeds, the best on top."""
    found = levels(cells, metric)
    order = sorted(found, key=lambda method: found[method].value)
    figure = Figure(figsize=(6.5, 1.4 + 0.2 * len(order)), layout="constrained")
    axes = figure.subplots()
    for row, method in enumerate(order):
        level = found[method]
        colour = "C3" if method in RECIPES else "0.3"
        axes.plot([level.low, level.high], [row, row], color=colour, lw=2)
        axes.plot(level.value, row, "o", color=colour, ms=6)
    stay = statistics.interquartile_mean(scores(cells, "best_offline", metric, ("stay",)))
    axes.axvline(stay.value, color="0.5", lw=1, ls="--", label="best offline design")
    axes.set_yticks(range(len(order)), [method.replace("_", " ") for method in order])
    axes.set_ylim(-0.7, len(order) - 0.3)
    axes.set_xlabel(f"interquartile mean of the normalised true score ({metric}), 95 %")
    # Above: inside it would hide a row.
    axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure
