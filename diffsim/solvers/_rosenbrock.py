"""Linearly implicit (Rosenbrock) integration of bordered block-tridiagonal systems in Diffrax.

Each stage is one linear solve with the same matrix: no Newton iteration, hence nothing to
converge, nothing to differentiate through, and derivatives of the discrete scheme that are
exact. The methods are L-stable and stiffly accurate, made for index-1 differential-algebraic
systems (Hairer & Wanner, Solving Ordinary Differential Equations II, chapters IV.7, VI.4).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._matrix import Bordered, linear_solver, small_product
from ._system import AbstractBorderedSystem

# What a solve ends with when `AbstractBorderedSystem.enter` found no consistent state.
STAGE_FAILED = diffrax.RESULTS.internal_error

_IDLE_STEP = 1e-6


@dataclass(frozen=True, eq=False)
class RosenbrockTableau:
    """Coefficients in the transformed variables of Hairer & Wanner (IV.7.25).

    `a`, `c` (s, s) strictly lower triangular, `nodes`, `slopes` (s,), `solution`, `error`
    (s,), `dense` (2, s) for the third-order continuous extension, and γ.
    """

    gamma: float
    a: np.ndarray
    c: np.ndarray
    nodes: np.ndarray
    slopes: np.ndarray
    solution: np.ndarray
    error: np.ndarray
    dense: np.ndarray
    order: int


def _lower(*rows) -> np.ndarray:
    matrix = np.zeros((len(rows) + 1, len(rows) + 1))
    for i, row in enumerate(rows, start=1):
        matrix[i, : len(row)] = row
    return matrix


def _stiffly_accurate(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a Rodas-type method: the last stage is both increment and error."""
    error = np.zeros(a.shape[0])
    error[-1] = 1.0
    return a[-1] + error, error


_A_RODAS4P = _lower(
    [3.0],
    [1.831036793486759, 0.4955183967433795],
    [2.304376582692669, -0.05249275245743001, -1.176798761832782],
    [-7.170454962423024, -4.741636671481785, -16.31002631330971, -1.062004044111401],
    [-7.170454962423024, -4.741636671481785, -16.31002631330971, -1.062004044111401, 1.0],
)
_C_RODAS4P = _lower(
    [-12.0],
    [-8.791795173947035, -2.207865586973518],
    [10.81793056857153, 6.780270611428266, 19.5348594464241],
    [34.19095006749676, 15.49671153725963, 54.7476087596413, 14.16005392148534],
    [34.62605830930532, 15.30084976114473, 56.99955578662667, 18.40807009793095,
     -5.714285714285717],
)  # fmt: skip
_H_RODAS4P = np.array([
    [25.09876703708589, 11.62013104361867, 28.49148307714626, -5.664021568594133, 0.0, 0.0],
    [1.638054557396973, -0.7373619806678748, 8.47791821923899, 15.9925314877952,
     -1.882352941176471, 0.0],
])  # fmt: skip

_A_RODAS5P = _lower(
    [3.0],
    [2.849394379747939, 0.45842242204463923],
    [-6.954028509809101, 2.489845061869568, -10.358996098473584],
    [2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641],
    [-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256,
     0.030198172008377946],
    [-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256,
     0.030198172008377946, 1.0],
    [-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256,
     0.030198172008377946, 1.0, 1.0],
)  # fmt: skip
_C_RODAS5P = _lower(
    [-14.155112264123755],
    [-17.97296035885952, -2.859693295451294],
    [147.12150275711716, -1.41221402718213, 71.68940251302358],
    [165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306],
    [24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125,
     -0.6610691825249471],
    [30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783,
     -19.097331116725623, -28.087943162872662],
    [37.80277123390563, -3.2571969029072276, 112.26918849496327, 66.9347231244047,
     -40.06618937091002, -54.66780262877968, -9.48861652309627],
)  # fmt: skip
_H_RODAS5P = np.array([
    [25.948786856663858, -2.5579724845846235, 10.433815404888879, -2.3679251022685204,
     0.524948541321073, 1.1241088310450404, 0.4272876194431874, -0.17202221070155493],
    [-9.91568850695171, -0.9689944594115154, 3.0438037242978453, -24.495224566215796,
     20.176138334709044, 15.98066361424651, -6.789040303419874, -6.710236069923372],
    [11.419903575922262, 2.8879645146136994, 72.92137995996029, 80.12511834622643,
     -52.072871366152654, -59.78993625266729, -0.15582684282751913, 4.883087185713722],
])  # fmt: skip

RODAS4P = RosenbrockTableau(
    0.25, _A_RODAS4P, _C_RODAS4P, np.array([0.0, 0.75, 0.21, 0.63, 1.0, 1.0]),
    np.array([0.25, -0.5, -0.023504, -0.0362, 0.0, 0.0]), *_stiffly_accurate(_A_RODAS4P),
    _H_RODAS4P, 4,
)  # fmt: skip
RODAS5P = RosenbrockTableau(
    0.21193756319429014, _A_RODAS5P, _C_RODAS5P,
    np.array([0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716,
              0.4288403609558664, 1.0, 1.0, 1.0]),
    np.array([0.21193756319429014, -0.42387512638858027, -0.3384627126235924,
              1.8046452872882734, 2.325825639765069, 0.0, 0.0, 0.0]),
    *_stiffly_accurate(_A_RODAS5P), _H_RODAS5P, 5,
)  # fmt: skip


class BorderInterpolation(diffrax.AbstractLocalInterpolation):
    """The continuous extension of Rodas methods (Hairer & Wanner VI.4), of the border only.

    The border is what an electrode shows; keeping the nodes of every step would be most of
    the memory of a gradient. `begin` and `jumped` are those of the step, for reverse mode.
    """

    t0: Array
    t1: Array
    y0: Float[Array, " k"]
    y1: Float[Array, " k"]
    k: Float[Array, "rows k"]
    begin: Array
    jumped: Array

    def evaluate(self, t0, t1=None, left: bool = True) -> Bordered:
        """The border at `t0`; nodes are not kept and come as NaN."""
        if t1 is not None:
            return jax.tree.map(jnp.subtract, self.evaluate(t1), self.evaluate(t0))
        del left
        span = jnp.where(self.t1 > self.t0, self.t1 - self.t0, 1.0)
        s = jnp.clip((t0 - self.t0) / span, 0.0, 1.0)
        rest = 1.0 - s
        correction = self.k[-1]
        for i in range(self.k.shape[0] - 2, -1, -1):
            correction = self.k[i] + s * correction
        border = rest * self.y0 + s * (self.y1 + rest * correction)
        return Bordered(jnp.asarray(jnp.nan), border)


class Rosenbrock(diffrax.AbstractAdaptiveSolver):
    """A Rosenbrock method whose stages are bordered block-tridiagonal solves.

    `args` of `diffrax.diffeqsolve` must be an `AbstractBorderedSystem` and the state a
    `Bordered`; the term is there for Diffrax's bookkeeping.
    """

    tableau: RosenbrockTableau = eqx.field(static=True, default=RODAS5P)

    term_structure: ClassVar = diffrax.AbstractTerm
    interpolation_cls: ClassVar[Callable[..., BorderInterpolation]] = BorderInterpolation

    def order(self, terms):
        return self.tableau.order

    def init(self, terms, t0, t1, y0, args):
        # The first step enters its segment, too: the caller's state need not be consistent.
        return jnp.asarray(True)

    def func(self, terms, t0: Any, y0, args: AbstractBorderedSystem):
        return args.during(t0).field(t0, y0)

    def step(self, terms, t0: Any, t1, y0, args: AbstractBorderedSystem, solver_state, made_jump):
        # Steps carry no derivative: told here, their tangents are not computed as zeros.
        t0, t1 = jax.lax.stop_gradient((t0, t1))
        system = args.during(t0)
        jumped = made_jump | solver_state
        y0 = system.enter(t0, y0, jumped)
        # In a batch, an integration that has ended goes on with steps of nothing. They are thrown
        # away, but the derivative of an infinite 1/h would not be: zero times that is NaN.
        h = jnp.where(t1 > t0, t1 - t0, _IDLE_STEP)
        y1, error, k = _stages(self.tableau, system, t0, h, y0)
        dense = dict(y0=y0.border, y1=y1.border, k=k, begin=t0, jumped=jumped)
        # A state that could not be made consistent ends the integration: no step is short
        # enough. The step is kept, since Diffrax forgets the result of a rejected one.
        entered = jnp.all(jnp.isfinite(y0.border))
        error = eqx.tree_at(lambda e: e.border, error, _inside(error.border, k, jumped))
        error = jax.tree.map(lambda e: jnp.where(entered, e, 0.0), error)
        result = diffrax.RESULTS.where(entered, diffrax.RESULTS.successful, STAGE_FAILED)
        return y1, error, dense, jnp.asarray(False), result


def _stages(tableau: RosenbrockTableau, system: AbstractBorderedSystem, t0, h, y0: Bordered):
    """All stages of one step: the new state, the error and the dense-output increments.

    A scan over the stages, not a Python loop: the compiled program is six times smaller.
    """
    matrix, slope = system.linearise(t0, y0)
    mass = system.mass()
    solve = linear_solver(matrix.shifted(1.0 / (h * tableau.gamma), mass))
    weighted = Bordered(system.node_mass(), mass)

    def stage(done: Bordered, row):
        i, a, c, node, rate = row
        both = jax.tree.map(lambda u: _weighted(jnp.stack([a, c / h]), u), done)
        y = jax.tree.map(lambda y, both: y + both[0], y0, both)
        drift = system.field(t0 + node * h, y)
        right = jax.tree.map(
            lambda f, ft, both, w: f + h * rate * ft + w * both[1], drift, slope, both, weighted
        )
        return jax.tree.map(lambda u, new: u.at[i].set(new), done, solve(right)), None

    size = tableau.nodes.size
    rows = (np.arange(size), tableau.a, tableau.c, tableau.nodes, tableau.slopes)
    empty = jax.tree.map(lambda y: jnp.zeros((size, *y.shape)), y0)
    stages, _ = jax.lax.scan(stage, empty, rows)
    y1 = jax.tree.map(lambda y, u: y + _weighted(tableau.solution, u), y0, stages)
    error = jax.tree.map(lambda u: _weighted(tableau.error, u), stages)
    k = small_product(tableau.dense, stages.border)
    return y1, error, k


def _inside(error: Float[Array, " k"], k: Float[Array, "rows k"], jumped) -> Float[Array, " k"]:
    """The error at the end of a step, or of what is interpolated within it if that is larger.

    For a step that follows a jump: an L-stable method steps over a transient that is much shorter
    than the step and is right at its end, where the interpolation before it is not. The estimate
    is the largest share of the interpolation's last term.
    """
    degree = k.shape[0]
    largest = degree**degree / (degree + 1) ** (degree + 1)  # of s^degree (1 - s)
    within = largest * jnp.abs(k[-1])
    return jnp.where(jumped, jnp.maximum(jnp.abs(error), within), error)


def _weighted(weights, stages: Array) -> Array:
    """Σ wⱼ uⱼ over the leading axis of `stages`, for each row of weights, as one fused
    reduction: a matrix product this small is slower."""
    weights = jnp.asarray(weights)
    spread = weights.reshape(*weights.shape, *[1] * (stages.ndim - 1))
    return jnp.sum(spread * stages, axis=weights.ndim - 1)
