"""Does flat training make a surrogate that can be attacked further?"""

from pathlib import Path

from pydantic import Field

from .._schema import Strict
from .._store import Figures
from .._study import AbstractStudy

KINDS = ("plain", "sam", "ignite", "ignite2", "sobolev")


class AttacksSharpnessSettings(Strict):
    """What can be set of the study."""

    seeds: int = Field(20, ge=3, le=100, description="random problems, one network of each kind")
    size: int = Field(10, ge=2, le=50, description="variables")
    samples: int = Field(400, ge=50, le=10000, description="training points: few, on purpose")
    epochs: int = Field(300, ge=1, le=5000, description="of training")
    points: int = Field(48, ge=8, le=1000, description="from which attacks are tried")


class AttacksSharpness(AbstractStudy):
    """S(r), exploitation gap and truly feasible designs for each kind of training, paired by seed.

    Primary: the radius up to which half of the attacks improve the oracle. Differences from plain
    training have intervals for four comparisons at once (Bonferroni, 98.75 % each), and a verdict
    needs one without zero. The exploitation gap is the true value minus the predicted one at the
    design that the surrogate alone returns (SLSQP, four starts), over the standard deviation of the
    true values; positive is over-optimistic.
    Sobolev training sees true derivatives, which the others do not.
    """

    name = "attacks_sharpness"
    line = "does sharpness-aware training help directional attacks? S(r) and exploitation gap"
    configuration = AttacksSharpnessSettings

    def run(self, configuration: AttacksSharpnessSettings, directory: Path) -> Figures:
        import numpy as np

        from .. import _attack_cells as shared
        from .._attack_figures import draw_profiles

        cells = {
            kind: [
                _cell(configuration, kind, seed, directory) for seed in range(configuration.seeds)
            ]
            for kind in KINDS
        }
        figures: Figures = {}
        plain = _columns(cells["plain"])
        bars, shares = {}, {}
        for kind in KINDS:
            own = _columns(cells[kind])
            for name in ("success_radius", "exploitation_gap", "truly_feasible"):
                statistic = np.mean if name == "truly_feasible" else np.median
                low, high = shared.interval(own[name], statistic)
                figures[f"{kind}_{name}"] = float(statistic(own[name]))
                figures[f"{kind}_{name}_low"], figures[f"{kind}_{name}_high"] = low, high
            gap = [figures[f"{kind}_exploitation_gap{end}"] for end in ("", "_low", "_high")]
            bars[kind] = tuple(gap)
            shares[kind] = np.mean([c["share"] for c in cells[kind]], axis=0)
            if kind != "plain":
                figures |= _verdict(kind, own, plain)
        draw_profiles(_radii(), shares, bars, directory / "profiles.png")
        return figures


def _columns(cells: list[dict]) -> dict:
    import numpy as np

    names = ("success_radius", "exploitation_gap", "truly_feasible")
    return {name: np.array([float(c[name]) for c in cells]) for name in names}


def _verdict(kind: str, own: dict, plain: dict) -> Figures:
    """By the paired intervals: of the radius over that of plain training, and of the gaps."""
    import numpy as np

    logs = np.log(own["success_radius"] / plain["success_radius"])
    ratio = {name: float(np.exp(v)) for name, v in _median(logs).items()}
    gap = _median(own["exploitation_gap"] - plain["exploitation_gap"])
    figures: Figures = {f"{kind}_radius_over_plain{end}": v for end, v in ratio.items()}
    figures |= {f"{kind}_gap_minus_plain{end}": v for end, v in gap.items()}
    figures[f"{kind}_verdict"] = _word(ratio["_low"] > 1.0, ratio["_high"] < 1.0)
    figures[f"{kind}_gap_verdict"] = _word(gap["_high"] < 0.0, gap["_low"] > 0.0)
    return figures


def _median(values) -> dict[str, float]:
    import numpy as np

    from .. import _attack_cells as shared

    low, high = shared.interval(values, error=0.05 / (len(KINDS) - 1))
    return {"": float(np.median(values)), "_low": low, "_high": high}


def _word(better: bool, worse: bool) -> str:
    return "helps" if better else "hurts" if worse else "no difference shown"


def _radii():
    import numpy as np

    return np.geomspace(2e-3, 0.5, 12)


def _cell(settings: AttacksSharpnessSettings, kind: str, seed: int, directory: Path) -> dict:
    from .. import _attack_cells as shared

    path = directory / "cells" / f"{kind}-{seed:03d}.json"
    return shared.kept(path, lambda: _measured(settings, kind, seed))


def _measured(settings: AttacksSharpnessSettings, kind: str, seed: int) -> dict:
    """Train one network and measure it against the truth."""
    import jax.numpy as jnp
    import numpy as np

    import diffsim as ds
    import surrogates as su
    from diffsim import problems
    from surrogates.search import landscape_of, solve_on_surrogate

    from .. import _attack_cells as shared

    truth = problems.trial(seed, settings.size)
    data = shared.sample(truth, settings.samples, seed, gradients=kind == "sobolev")
    model = shared.network(
        data, seed, epochs=settings.epochs, trainer=_trainer(settings, kind, data, seed)
    )
    surrogate = landscape_of(su.surrogate_problem(truth, model))
    random = np.random.default_rng([seed, 11])
    points = random.uniform(size=(settings.points, settings.size))
    profile = su.success_profile(su.FGSM(), surrogate, truth, points, _radii())
    starts = list(random.uniform(size=(4, settings.size)))
    end = solve_on_surrogate(surrogate, starts)
    predicted = float(surrogate(jnp.asarray(end))[0])
    answer = ds.evaluate(truth, jnp.asarray(end), "value")
    spread = float(np.std(np.asarray(ds.evaluate_batch(truth, jnp.asarray(points), "value").value)))
    return {
        "share": [float(s) for s in profile.share],
        "success_radius": profile.radius_at(0.5),
        "exploitation_gap": (float(answer.value) - predicted) / spread,
        "truly_feasible": bool(np.all(np.asarray(answer.constraints) <= 1e-6)),
    }


def _trainer(settings: AttacksSharpnessSettings, kind: str, data, seed: int):
    """The recipe of each kind: the same but for one part."""
    import jax.numpy as jnp

    from surrogates import training

    from .. import _attack_cells as shared

    rate, batch = 3e-3, 64
    parts: dict = {"chain": training.Adam(rate)}
    if kind == "sam":
        parts["chain"] = training.SAM(rate, 0.05)
    elif kind == "sobolev":
        parts["loss"] = training.Sobolev(1.0)
    elif kind == "ignite2":
        parts["regulariser"] = training.SharpnessPenalty(strength=0.01, radius=0.2)
    elif kind == "ignite":
        plain = shared.network(
            data, seed, epochs=settings.epochs, trainer=_trainer(settings, "plain", data, seed)
        )
        bound = training.relative_bound(plain, jnp.asarray(data.x), 0.05, 0.5)
        parts["regulariser"] = training.SharpnessConstraint(bound=bound, radius=0.05)
    return training.Trainer(epochs=settings.epochs, batch=batch, **parts)
