"""Problems with known answers, cheap enough to test every method on.

Formulae and optima: S. Surjanovic and D. Bingham, Virtual Library of Simulation Experiments,
sfu.ca/~ssurjano; More, Garbow and Hillstrom, ACM TOMS 7 (1981) 17-41 (Rosenbrock).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from .._objective import Constraint, LeastSquares, Minimise
from .._observables import Observables, observe
from .._problem import Problem
from .._simulator import AbstractLens, AbstractSimulator, Leaf
from .._space import AbstractScale, DesignSpace, Linear
from .._status import RESULTS
from .._types import Scalar, Vector

OUTPUT = "y"


class Formula(AbstractSimulator):
    """y = function(parameters, inputs): a simulator that is one line of algebra.

    `names` are the names of the entries of `parameters` (d,), as a design space calls them.
    The function must be a module-level one if problems built anew are to share compilations.
    """

    parameters: Float[Array, " d"]
    function: Callable[[Vector, PyTree], Array] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, inputs: PyTree) -> Observables:
        return observe({OUTPUT: self.function(self.parameters, inputs)}, RESULTS.successful, {})

    def lenses(self) -> Mapping[str, AbstractLens]:
        return {name: Leaf("parameters", index=i) for i, name in enumerate(self.names)}


@dataclass(frozen=True)
class AnalyticCase:
    """A problem and its answer, as data.

    - `build()` makes the problem.
    - `optima` (k, d): where the minimum is attained, physical values; `value`: the minimum.
    - `tags`: "residuals", "multimodal", "bound" (active at the optimum), "constrained",
      "failing" (NaN in part of the box), "null" (a direction is not identifiable).
    """

    build: Callable[[], Problem]
    optima: tuple[tuple[float, ...], ...]
    value: float
    tags: frozenset[str]


def output(observables: Observables) -> Scalar:
    """The single number of a scalar formula."""
    return observables.values[OUTPUT]


def formula_problem(
    function: Callable[[Vector, PyTree], Array],
    scales: Mapping[str, AbstractScale],
    *,
    start: tuple[float, ...],
    name: str,
    inputs: PyTree = None,
    data: np.ndarray | None = None,
    noise: float = 1.0,
    constraints: tuple[Constraint, ...] = (),
) -> Problem:
    """A problem around one function: a curve fit if there are `data`, else a minimisation."""
    simulator = Formula(jnp.asarray(start, float), function, tuple(scales))
    objective = Minimise(output) if data is None else LeastSquares(data, noise, observable=OUTPUT)
    return Problem(simulator, inputs, DesignSpace(scales), objective, constraints, name=name)


def _box(low: float, high: float, d: int) -> dict[str, AbstractScale]:
    return {f"x{i}": Linear(low, high) for i in range(d)}


def _rosenbrock(x: Vector, _) -> Array:
    return jnp.stack([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def rosenbrock(high: float = 2.0) -> Problem:
    """The banana valley as two residuals, on [-2, high]²; with `high` < 1 a bound is active."""
    start = (-1.2, min(1.0, high))
    return formula_problem(
        _rosenbrock, _box(-2.0, high, 2), start=start, data=np.zeros(2), name="rosenbrock"
    )


def _branin(x: Vector, _) -> Array:
    b, c, t = 5.1 / (4 * np.pi**2), 5 / np.pi, 1 / (8 * np.pi)
    return (x[1] - b * x[0] ** 2 + c * x[0] - 6) ** 2 + 10 * (1 - t) * jnp.cos(x[0]) + 10


def branin() -> Problem:
    """Three equal minima."""
    scales = {"x0": Linear(-5.0, 10.0), "x1": Linear(0.0, 15.0)}
    return formula_problem(_branin, scales, start=(0.0, 5.0), name="branin")


def _ackley(x: Vector, _) -> Array:
    bowl = -20 * jnp.exp(-0.2 * jnp.sqrt(jnp.mean(x**2)))
    return bowl - jnp.exp(jnp.mean(jnp.cos(2 * np.pi * x))) + 20 + np.e


def ackley(d: int = 2) -> Problem:
    """Hundreds of minima in a funnel; not differentiable at the optimum."""
    return formula_problem(_ackley, _box(-20.0, 32.768, d), start=(10.0,) * d, name="ackley")


def _levy(x: Vector, _) -> Array:
    w = 1 + (x - 1) / 4
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * jnp.sin(np.pi * w[:-1] + 1) ** 2)
    last = (w[-1] - 1) ** 2 * (1 + jnp.sin(2 * np.pi * w[-1]) ** 2)
    return jnp.sin(np.pi * w[0]) ** 2 + jnp.sum(middle) + last


def levy(d: int = 2) -> Problem:
    """Waves on a bowl."""
    return formula_problem(_levy, _box(-10.0, 10.0, d), start=(-4.0,) * d, name="levy")


def _styblinski_tang(x: Vector, _) -> Array:
    return 0.5 * jnp.sum(x**4 - 16 * x**2 + 5 * x)


def styblinski_tang(d: int = 2) -> Problem:
    """2^d minima, one the lowest."""
    return formula_problem(
        _styblinski_tang, _box(-5.0, 5.0, d), start=(0.0,) * d, name="styblinski_tang"
    )


_HARTMANN_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def _hartmann6(x: Vector, _) -> Array:
    distance = jnp.sum(_HARTMANN_A * (x - _HARTMANN_P) ** 2, axis=1)
    return -jnp.asarray([1.0, 1.2, 3.0, 3.2]) @ jnp.exp(-distance)


def hartmann6() -> Problem:
    """Six minima in six dimensions."""
    return formula_problem(_hartmann6, _box(0.0, 1.0, 6), start=(0.5,) * 6, name="hartmann6")


def _circle(observables: Observables) -> Array:
    return observables.values["radius"] - 1.0


class _Disc(AbstractSimulator):
    """The sum of two coordinates, and the distance from the origin."""

    parameters: Float[Array, " 2"]

    def __call__(self, inputs: PyTree) -> Observables:
        x = self.parameters
        values = {OUTPUT: jnp.sum(x), "radius": jnp.sum(x**2)}
        return observe(values, RESULTS.successful, {})

    def lenses(self) -> Mapping[str, AbstractLens]:
        return {f"x{i}": Leaf("parameters", index=i) for i in range(2)}


def disc() -> Problem:
    """The lowest x + y of the unit disc: a linear objective under one constraint."""
    simulator = _Disc(jnp.asarray([0.5, 0.0]))
    space, constraint = DesignSpace(_box(-2.0, 2.0, 2)), Constraint(_circle, "disc")
    return Problem(simulator, None, space, Minimise(output), (constraint,), name="disc")


def _half_failing(x: Vector, _) -> Array:
    # The root fails beyond the circle; a straight line from inside it overshoots the edge.
    return jnp.stack([jnp.sqrt(1.0 - jnp.sum(x**2)) - 0.2, x[1] - 0.5 * x[0]])


def half_failing() -> Problem:
    """A simulation that is NaN outside of the unit disc, in a box five times as large.

    The two optima lie at 98 % of the radius, and Newton steps towards them go too far.
    """
    scales = _box(-2.0, 2.0, 2)
    return formula_problem(
        _half_failing, scales, start=(-0.2, -0.3), data=np.zeros(2), name="half_failing"
    )


_ALONG = (0.96 / 1.25) ** 0.5
_HALF_FAILING_OPTIMA = ((_ALONG, 0.5 * _ALONG), (-_ALONG, -0.5 * _ALONG))

CASES: dict[str, AnalyticCase] = {
    "rosenbrock": AnalyticCase(rosenbrock, ((1.0, 1.0),), 0.0, frozenset({"residuals"})),
    "rosenbrock_bound": AnalyticCase(
        lambda: rosenbrock(0.5), ((0.5, 0.25),), 0.125, frozenset({"residuals", "bound"})
    ),
    "branin": AnalyticCase(
        branin,
        ((-np.pi, 12.275), (np.pi, 2.275), (9.42477796, 2.475)),
        0.39788735772973816,
        frozenset({"multimodal"}),
    ),
    "ackley": AnalyticCase(ackley, ((0.0, 0.0),), 0.0, frozenset({"multimodal"})),
    "levy": AnalyticCase(levy, ((1.0, 1.0),), 0.0, frozenset({"multimodal"})),
    "styblinski_tang": AnalyticCase(
        styblinski_tang,
        ((-2.903534027771177,) * 2,),
        -78.33233140754282,
        frozenset({"multimodal"}),
    ),
    "hartmann6": AnalyticCase(
        hartmann6,
        ((0.20168951, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730053),),
        -3.322368011415512,
        frozenset({"multimodal"}),
    ),
    "disc": AnalyticCase(
        disc, ((-(0.5**0.5), -(0.5**0.5)),), -(2.0**0.5), frozenset({"constrained"})
    ),
    "half_failing": AnalyticCase(
        half_failing, _HALF_FAILING_OPTIMA, 0.0, frozenset({"residuals", "failing"})
    ),
}
