"""TF-Bind-8: offline optimisation with and without sharpness, on an exact table."""

from pathlib import Path

from pydantic import Field, field_validator

from .._schema import Strict
from .._store import Figures
from .._study import AbstractStudy, shared_data

METHODS = (
    "gradient_ascent", "short_ascent", "ensemble_mean", "ensemble_min", "reinforce", "cma_es",
    "coms", "ram", "cbas", "mins", "enumeration",
)  # fmt: skip
# Ours, or a control: no published method.
OWN, RECIPE = ("short_ascent", "enumeration"), "default_recipe"
KNOWN = (*METHODS, "gp_ascent", RECIPE)
ARMS = ("plain", "ignite", "ignite2", "placebo")


class TFBind8Settings(Strict):
    """What can be set of the study. The primary metric is fixed here, before it runs."""

    primary: str = Field("p100", pattern="^(p100|p80|p50|top1)$")
    methods: tuple[str, ...] = KNOWN
    arms: tuple[str, ...] = Field(ARMS, description="the last two of gradient ascent only")
    seeds: int = Field(16, ge=2, le=64)
    designs: int = Field(128, ge=1, le=1024, description="returned by each run")
    width: int = Field(128, ge=1, le=4096, description="of two hidden layers; published: 2048")
    epochs: int = Field(20, ge=1, le=1000, description="published: 100")
    members: int = Field(5, ge=2, le=20, description="of an ensemble")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam; published: 3e-4")
    coms_steps: int = Field(10, ge=1, le=200, description="of COMs' inner ascent; published: 50")
    generations: int = Field(100, ge=1, le=1000, description="of CMA-ES, from each design")
    bo_seeds: int = Field(
        0, ge=0, le=64, description="of BO-qEI (extra `bo`), which runs one seed after the other"
    )
    seed: int = Field(0, description="of all random numbers: another one shares none")

    @field_validator("methods")
    @classmethod
    def _known_methods(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _known("methods", value, KNOWN)

    @field_validator("arms")
    @classmethod
    def _known_arms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "plain" not in value:
            raise ValueError(
                f"arms must hold plain, which all are compared with, not {list(value)}"
            )
        return _known("arms", value, ARMS)


def _known(field: str, value: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    if not value or not set(value) <= set(known):
        raise ValueError(f"{field} must be some of {', '.join(known)}, but are {list(value)}")
    return value


class TFBind8Study(AbstractStudy):
    """Methods of offline optimisation, each plain and with IGNITE at its published settings.

    All arms of a method start from the same weights and see the same batches: the effect is a
    paired difference. `gradient_ascent_placebo` is the same method with other random numbers.
    """

    name = "tf_bind_8"
    line = "offline optimisation of DNA binding, with and without sharpness, exact oracle"
    configuration = TFBind8Settings

    def available(self) -> str | None:
        folder = shared_data("tf_bind_8")
        return None if folder.is_dir() else f"{folder} is not there (or set DIFFSIM_DATA)."

    def run(self, configuration: TFBind8Settings, directory: Path) -> Figures:
        from surrogates import tasks

        from .._pipeline import cpu_seconds
        from .._tf_bind_8 import run_cells

        began = cpu_seconds()
        cells = run_cells(tasks.TFBind8(shared_data("tf_bind_8")), configuration, directory)
        figures = _figures(cells, configuration.primary)
        figures["cpu_s"] = cpu_seconds() - began
        if "ignite" in configuration.arms and _methods(cells):
            _draw(cells, configuration.primary, directory / "tf_bind_8.png")
        return figures


def _figures(cells, primary: str) -> Figures:
    import numpy as np

    from surrogates import statistics

    figures: Figures = {"best_offline": cells["best_offline"]["p100"][0]}
    for name, cell in cells.items():
        if "p50" in cell:
            method = name.removesuffix("-plain").replace("-", "_")
            figures[f"{method}_p100"] = float(np.mean(cell["p100"]))
            figures[f"{method}_p100_sd"] = float(np.std(cell["p100"]))
            figures[f"{method}_p50"] = float(np.mean(cell["p50"]))
    pairs = {m: (f"{m}-ignite", f"{m}-plain", "ignite") for m in _methods(cells)}
    pairs["gradient_ascent_fixed"] = ("gradient_ascent-ignite2", "gradient_ascent-plain", "ignite2")
    pairs["gradient_ascent_chance"] = (
        "gradient_ascent-placebo",
        "gradient_ascent-plain",
        "placebo",
    )
    effects = {
        method: statistics.paired_effect(
            np.asarray(cells[treated][primary]), np.asarray(cells[control][primary])
        )
        for method, (treated, control, _) in pairs.items()
        if treated in cells
    }
    p_values = np.asarray([effect.p_value for effect in effects.values()])
    adjusted = statistics.holm(p_values) if effects else p_values
    for (method, effect), p_value in zip(effects.items(), adjusted, strict=True):
        stem = f"{method}_{pairs[method][2]}"
        figures |= {
            f"{stem}_effect": effect.mean,
            f"{stem}_low": effect.low,
            f"{stem}_high": effect.high,
            f"{stem}_holm_p": float(p_value),
        }
    return figures | (_recipe_over_each(cells, primary) if RECIPE in cells else {})


def _recipe_over_each(cells, primary: str) -> Figures:
    """The default recipe less every published method, paired by seed; its level, and the best."""
    import numpy as np

    from surrogates import statistics

    ours = np.asarray(cells[RECIPE][primary])
    published = [m for m in _methods(cells) if m not in OWN]
    if not published:
        return {}
    theirs = {m: np.asarray(cells[f"{m}-plain"][primary]) for m in published}
    level = {m: statistics.interquartile_mean(s[None]).value for m, s in theirs.items()}
    best = max(level, key=lambda method: level[method])
    figures: Figures = {"best_published": best, "best_published_iqm": level[best]}
    own = statistics.interquartile_mean(ours[None])
    figures |= {f"{RECIPE}_iqm": own.value, f"{RECIPE}_iqm_low": own.low}
    figures[f"{RECIPE}_iqm_high"] = own.high
    for method, scores in theirs.items():
        over = statistics.paired_effect(ours[: len(scores)], scores)
        for name in ("mean", "low", "high", "p_value", "pairs"):
            figures[f"recipe_over_{method}_{name.replace('mean', 'effect')}"] = getattr(over, name)
        if len(scores) == len(ours):
            level_over = statistics.interquartile_difference(ours, scores)
            figures |= {
                f"recipe_iqm_over_{method}": level_over.value,
                f"recipe_iqm_over_{method}_low": level_over.low,
                f"recipe_iqm_over_{method}_high": level_over.high,
            }
    return figures


def _methods(cells) -> tuple[str, ...]:
    """All that were run, of those with networks: BO-qEI only if seeds were given to it."""
    return tuple(method for method in (*METHODS, "bo_qei") if f"{method}-plain" in cells)


def _draw(cells, primary: str, path: Path) -> None:
    """Each run a dot, arms beside each other; and the paired differences."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    methods = _methods(cells)
    for row, method in enumerate(methods):
        plain, treated = (np.asarray(cells[f"{method}-{arm}"][primary]) for arm in _ARMS)
        jitter = np.random.default_rng(0).uniform(-0.08, 0.08, plain.size)
        for offset, scores, colour, arm in ((-0.15, plain, "C0", "plain"),
                                            (0.15, treated, "C1", "IGNITE")):  # fmt: skip
            label = arm if row == 0 else None
            left.plot(scores, row + offset + jitter, ".", color=colour, alpha=0.6, label=label)
            left.plot(scores.mean(), row + offset, "|", color="k", ms=11)
        right.plot(treated - plain, row + jitter, ".", color="C2", alpha=0.6)
        right.plot(np.mean(treated - plain), row, "|", color="k", ms=14)
    left.axvline(cells["best_offline"]["p100"][0], color="0.5", ls="--", lw=1, label="best offline")
    right.axvline(0.0, color="0.5", lw=1)
    for axes in (left, right):
        axes.set_yticks(range(len(methods)), methods)
        axes.invert_yaxis()
    left.set_xlabel(f"true score of the designs, {primary}")
    right.set_xlabel(f"IGNITE minus plain, paired by seed, {primary}")
    left.legend(fontsize=8)
    beside = path.with_name(f".{path.name}.partial.png")
    figure.savefig(beside, dpi=130)
    plt.close(figure)
    beside.rename(path)


_ARMS = ("plain", "ignite")
