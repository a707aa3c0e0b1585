"""What the three studies of directional attacks share: surrogates, methods, cells, gaps."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import qmc

import diffsim as ds
import surrogates as su
from diffsim import optimise as opt
from surrogates import models, training

from ._store import write_text

_RESAMPLES = 4000


@dataclass(frozen=True)
class Sample:
    """Designs of the unit cube and all observables there, failed simulations left out."""

    x: np.ndarray
    y: np.ndarray
    gradients: np.ndarray | None = None


def sample(
    problem: ds.Problem,
    count: int,
    seed: int,
    *,
    high: float | Sequence[float] = 1.0,
    gradients: bool = False,
) -> Sample:
    """Scrambled Sobol points of [0, high], simulated."""
    base = int(np.ceil(np.log2(count)))
    sequence = qmc.Sobol(problem.space.size, scramble=True, rng=np.random.default_rng(seed))
    x = sequence.random_base2(base)[:count] * np.asarray(high, float)
    y = np.asarray(_simulated(problem, jnp.asarray(x)))
    fine = np.all(np.isfinite(y), axis=1)
    slopes = np.asarray(_slopes(problem, jnp.asarray(x)))[fine] if gradients else None
    return Sample(x[fine], y[fine], slopes)


@eqx.filter_jit
def _simulated(problem, x):
    # One after the other: under `vmap` all branches of a simulator would be computed.
    return jax.lax.map(lambda point: su.flat_observables(problem, point), x)


@eqx.filter_jit
def _slopes(problem, x):
    return jax.vmap(jax.jacrev(lambda point: su.flat_observables(problem, point)))(x)


def network(
    data: Sample, seed: int, *, activation: str = "tanh", epochs: int, trainer: Any = None
) -> Any:
    """A perceptron of two hidden layers of 64, trained on a sample."""
    model = models.MLP(
        models.Normalisation.of(data.x, data.y),
        width=64,
        depth=2,
        activation=activation,
        key=jax.random.key(seed),
    )
    if trainer is None:
        rate = training.Adam(3e-3)
        trainer = training.Trainer(epochs=epochs, batch=min(128, len(data.x) // 2), chain=rate)
    given = training.training_data(data.x, data.y, data.gradients)
    return training.fit(model, given, trainer, key=jax.random.key(seed + 1)).model


def kept(path: Path, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A finished cell from its file, or computed and written beside and renamed."""
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    cell = compute()
    write_text(path, json.dumps(cell))
    return cell


def trace(run: ds.Run) -> dict[str, Any]:
    """What of a run the tables and figures need: feasible best so far by evaluation."""
    feasible = np.where(run.history.violation == 0.0, run.history.value, np.inf)
    best = np.minimum.accumulate(feasible)
    return {
        "best": [float(v) if np.isfinite(v) else None for v in best],
        "units": [float(u) for u in run.history.cost + run.history.surrogate_calls],
        "violation": float(run.best_violation),
        "evaluations": run.counts.evaluations,
        "surrogate_values": run.counts.surrogate_values,
        "surrogate_derivatives": run.counts.surrogate_derivatives,
        "reason": run.reason_name,
        "cpu_s": run.counts.method_cpu_seconds + run.counts.evaluation_cpu_seconds,
    }


def run_cell(
    path: Path,
    problem: ds.Problem,
    method: Callable[[], ds.AbstractOptimiser],
    *,
    evaluations: int,
    seed: int,
    x0: np.ndarray | None = None,
) -> dict[str, Any]:
    """One method on one problem, kept in a file."""
    q = opt._driver.traits_of(problem).constraints
    # A value costs 1 and so does each vector-Jacobian product, as in the published comparison.
    costs: dict[str, float | int] = {"gradient": 2.0, "linearised": 2.0 + q}

    def compute() -> dict[str, Any]:
        budget = ds.Budget(evaluations=evaluations, costs=costs)
        run = ds.solve(
            problem, method(), budget=budget, key=seed, x0=x0, progress=False, throw=False
        )
        return trace(run)

    return kept(path, compute)


def best_at(cell: dict[str, Any], mark: int | float, by: str = "evaluations") -> float:
    """The best feasible value within a number of evaluations (or units); infinite if none."""
    best = np.array([np.inf if v is None else v for v in cell["best"]])
    spent = np.arange(1, best.size + 1) if by == "evaluations" else np.array(cell["units"])
    within = best[spent <= mark]
    return float(within[-1]) if within.size else float(best[0])


def gaps(
    cells: dict[str, dict[str, Any]], mark: int | float, by: str = "evaluations"
) -> dict[str, float]:
    """(best - best known)/(start - best known) of each method on one problem; at most 1.

    The best known is the best feasible value that any of the methods found in the whole run.
    """
    ends = [best_at(c, np.inf) for c in cells.values()]
    starts = [v for c in cells.values() if (v := best_at(c, 1)) < np.inf]
    lowest, start = min(ends), max(starts) if starts else max(e for e in ends if e < np.inf)
    span = max(start - lowest, 1e-300)
    return {name: min((best_at(c, mark, by) - lowest) / span, 1.0) for name, c in cells.items()}


def interval(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], float] = np.median,
    *,
    error: float = 0.05,
) -> tuple[float, float]:
    """A bootstrap interval of a statistic over seeds (rows of `values`), which `error` miss."""
    random = np.random.default_rng(0)
    rows = random.integers(len(values), size=(_RESAMPLES, len(values)))
    drawn = [statistic(values[r]) for r in rows]
    return float(np.quantile(drawn, error / 2)), float(np.quantile(drawn, 1.0 - error / 2))


def ratio_of_medians(pairs: np.ndarray) -> float:
    """Median of the first column over that of the second."""
    return float(np.median(pairs[:, 0]) / max(np.median(pairs[:, 1]), 1e-16))
