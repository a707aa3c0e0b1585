"""A simulator of what an experiment would tell."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from .._observables import Observables, observe
from .._simulator import AbstractLens, AbstractSimulator, AdjointName, Leaf
from .._space import DesignSpace
from .._status import RESULTS, code, worst, wrapped_code
from .._types import Vector
from ._information import is_informative, marginal_root
from ._noise import AbstractNoise
from ._sensitivities import by_forward_mode, by_reverse_mode


class ExperimentInformation(AbstractSimulator):
    """What an experiment tells of parameters: the Fisher information of its observable.

        I = Sᵀ Σ⁻¹ S + I₀,   S = ∂y/∂x,   Σ = diag σ²

    with x the parameters in the unit cube of their space, and of those of interest with the others
    unknown, too (see `marginal_root`). It is taken at each of the assumed `points`.

    **Parameters:** every array of `simulator` and of `inputs`; as lenses `simulator.` and `inputs.`
    before the path, and the simulator's own names that are no unknown parameters.

    **Fields:**

    - `simulator`, `inputs`: the experiment. Needs the adjoint "forward" or "implicit"; for reverse
      mode over the design "checkpointed" or "implicit", too.
    - `parameters`: the unknowns, a space bound to the simulator; `points` (b, d) of its unit cube.
    - `noise`, `observable`: what is measured, and how well.
    - `gathered` (b, d, d): roots of the information there is already, zeros for none.
    - `interest`: numbers of the parameters of interest.

    **Observables:** `root` (b, q, q), upper triangular with rootᵀ root the information;
    `standard_errors` (b, q), the least possible (H. Cramér, C. R. Rao), in the unit cube;
    `response` (b, ...) and `deviation` of its noise. Where the information is singular to rounding
    the result is `RESULTS.uninformative` and there are no numbers.
    """

    simulator: AbstractSimulator
    inputs: PyTree
    parameters: DesignSpace
    points: Float[Array, "b d"]
    noise: AbstractNoise
    gathered: Float[Array, "b d d"]
    interest: tuple[int, ...] = eqx.field(static=True)
    observable: str = eqx.field(static=True, default="current")
    adjoint: AdjointName = eqx.field(static=True, default="forward")

    adjoints: ClassVar[tuple[AdjointName, ...]] = ("forward", "checkpointed")

    def __check_init__(self):
        can = self.simulator.adjoints
        if "forward" not in can and "implicit" not in can:
            raise ValueError(
                "the simulator must have the adjoint 'forward' or 'implicit' for sensitivities, "
                f"but {type(self.simulator).__name__} has {list(can)}."
            )

    def with_adjoint(self, adjoint: AdjointName) -> "ExperimentInformation":
        """**Raises:** `ValueError` for reverse mode of a simulator that has none."""
        can = self.simulator.adjoints
        if adjoint == "checkpointed" and "checkpointed" not in can and "implicit" not in can:
            raise ValueError(
                "the simulator must have the adjoint 'checkpointed' or 'implicit' for reverse "
                f"mode over the design, but {type(self.simulator).__name__} has {list(can)}. Use "
                "at most 8 design variables, or a method without gradients."
            )
        return dataclasses.replace(self, adjoint=adjoint)

    def lenses(self) -> Mapping[str, AbstractLens]:
        made: dict[str, AbstractLens] = {}
        for name, lens in self.simulator.lenses().items():
            if name not in self.parameters.names and isinstance(lens, Leaf):
                paths = (f"simulator.{path}" for path in lens.paths)
                made[name] = Leaf(*paths, index=lens.index)
        return made

    def __call__(self, inputs: None = None) -> Observables:
        if self.points.shape[0] == 1:
            # Not a batch of one: under `vmap` a simulator's branches would both be computed.
            values, codes, stats = self._at(self.points[0], self.gathered[0])
            values = {name: value[None] for name, value in values.items()}
            return observe(values, wrapped_code(codes), stats)
        values, codes, stats = jax.vmap(self._at)(self.points, self.gathered)
        results = (wrapped_code(codes[i]) for i in range(self.points.shape[0]))
        stats = {name: jnp.sum(count) for name, count in stats.items()}
        return observe(values, worst(*results), stats)

    def respond(self, point: Vector) -> Observables:
        """The experiment itself at one point of the parameters."""
        return self.parameters.apply(self.simulator, point)(self.inputs)

    def _at(self, point: Vector, gathered: Float[Array, "d d"]) -> tuple[dict, Array, dict]:
        """Values, result code and counts at one assumed point."""
        shape, simulate = self._shape(point), _Simulate(self.parameters, self.observable)
        differentiate = by_reverse_mode if self.adjoint == "checkpointed" else by_forward_mode
        values, rows, (codes, stats) = differentiate(simulate, (self.simulator, self.inputs), point)
        response = values.reshape(shape)
        deviation = self.noise.deviation(response)
        weighted = jnp.concatenate([rows / deviation.reshape(-1, 1), gathered])
        root, share = marginal_root(weighted, self.interest)
        told = RESULTS.where(is_informative(share), RESULTS.successful, RESULTS.uninformative)
        result = worst(wrapped_code(codes), told)
        inverse = jax.scipy.linalg.solve_triangular(root, jnp.eye(root.shape[0]))
        return (
            {
                "root": root,
                "standard_errors": jnp.sqrt(jnp.sum(inverse**2, axis=1)),
                "response": response,
                "deviation": deviation,
            },
            code(result),
            stats,
        )

    def _shape(self, point: Vector) -> tuple[int, ...]:
        answer = eqx.filter_eval_shape(self.respond, point)
        if self.observable not in answer.values:
            raise ValueError(
                f"observable must be one of {sorted(answer.values)}, but is {self.observable!r}."
            )
        return answer.values[self.observable].shape


class _Simulate(eqx.Module):
    """The observable as a vector, as a function of the experiment and of its unknown parameters."""

    parameters: DesignSpace
    observable: str = eqx.field(static=True)

    def __call__(self, experiment: PyTree, point: Vector, adjoint: AdjointName):
        simulator, inputs = experiment
        applied = self.parameters.apply(simulator, point)
        if adjoint in applied.adjoints:
            applied = applied.with_adjoint(adjoint)
        answer = applied(inputs)
        return jnp.ravel(answer.values[self.observable]), (code(answer.result), answer.stats)
