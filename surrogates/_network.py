"""Networks as simulators, and problems made of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import diffsim as ds

OUTPUT = "y"


class NetworkSimulator(ds.AbstractSimulator):
    """Φ(x) as a simulator: any Equinox model (or other PyTree that can be called) of a vector.

    Its observables are the entries of `shapes`, cut from the flat output in that order.
    """

    x: Float[Array, " d"]
    network: Callable
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)

    adjoints: ClassVar = ("implicit",)

    def __call__(self, inputs: Any) -> ds.Observables:
        return ds.observe(_cut(self.network(self.x), self.shapes), ds.RESULTS.successful, {})

    def lenses(self) -> Mapping[str, ds.AbstractLens]:
        return {name: ds.Leaf("x", index=i) for i, name in enumerate(self.names)}


class CallbackSimulator(ds.AbstractSimulator):
    """A network of another library (ONNX, PyTorch) by a callback: values only, no derivatives.

    `function` takes and returns a NumPy vector; `outputs` is how many numbers it returns.
    """

    x: Float[Array, " d"]
    function: Callable[[np.ndarray], np.ndarray] = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)

    adjoints: ClassVar = ()

    def __call__(self, inputs: Any) -> ds.Observables:
        shape = jax.ShapeDtypeStruct((self.outputs,), jnp.result_type(float))

        def call(x):
            return np.asarray(self.function(np.asarray(x)), float).reshape(self.outputs)

        y = jax.pure_callback(call, shape, self.x, vmap_method="sequential")
        return ds.observe({OUTPUT: y}, ds.RESULTS.successful, {})

    def lenses(self) -> Mapping[str, ds.AbstractLens]:
        return {name: ds.Leaf("x", index=i) for i, name in enumerate(self.names)}


def network_problem(
    network: Callable,
    low: float | Sequence[float],
    high: float | Sequence[float],
    *,
    maximise: Callable[[Array], Array],
    subject_to: Callable[[Array], Array] | None = None,
    start: Sequence[float] | None = None,
    size: int | None = None,
    outputs: int | None = None,
    name: str = "network",
) -> ds.Problem:
    """maximise f(Φ(x)) subject to c(Φ(x)) <= 0 in a box, for a network of your own.

    **Arguments:**

    - `network`: Φ, any Equinox model of a vector (d,) to a vector (m,). With `outputs` given it is
      any Python function of NumPy vectors (an ONNX session, a PyTorch module): it is called back
      and has no derivatives, so that only methods that use values alone apply.
    - `low`, `high`: the box, numbers or (d,); `size` is d where both are numbers.
    - `maximise`: f of the output. - `subject_to`: c of the output, any number of slacks.
    - `start`: by default the middle of the box.

    **Raises:** `ValueError` if the size is not known, or the network does not take so many
    inputs.
    """
    lower, upper = _box(low, high, size)
    x = jnp.asarray(0.5 * (lower + upper) if start is None else np.asarray(start, float))
    names = tuple(f"x{i}" for i in range(lower.size))
    if outputs is None:
        shapes = ((OUTPUT, _output_shape(network, x)),)
        simulator = NetworkSimulator(x, network, shapes, names)
    else:
        simulator = CallbackSimulator(x, network, outputs, names)
    constraints = () if subject_to is None else (ds.Constraint(_OfOutput(subject_to), "c"),)
    space = ds.DesignSpace(
        {n: ds.Linear(a, b) for n, a, b in zip(names, lower, upper, strict=True)}
    )
    objective = ds.Maximise(_OfOutput(maximise))
    return ds.Problem(simulator, None, space, objective, constraints, name=name)


def surrogate_problem(problem: ds.Problem, model: Callable) -> ds.Problem:
    """`problem` asked of a model of its observables in place of its simulator.

    The model takes a design of the problem's unit cube (d,) and returns all observables, flat, in
    alphabetical order of their names (`flat_observables`). Objective and constraints stay what
    they are. A point of the unit cube means the same in both problems.

    **Raises:** `ValueError` if the model's output has another size.
    """
    d = problem.space.size
    point = jax.ShapeDtypeStruct((d,), float)
    seen = eqx.filter_eval_shape(lambda x: problem.observe(x).values, point)
    shapes = tuple((name, tuple(seen[name].shape)) for name in sorted(seen))
    expected = sum(int(np.prod(shape)) for _, shape in shapes)
    (given,) = _output_shape(model, jnp.full(d, 0.5))
    if given != expected:
        raise ValueError(
            f"the model must return the {expected} observables {[s[0] for s in shapes]}, but "
            f"returns {given} numbers."
        )
    start = jnp.asarray(problem.space.initial(problem.simulator))
    simulator = NetworkSimulator(start, model, shapes, problem.space.names)
    space = ds.DesignSpace({name: ds.Linear(0.0, 1.0) for name in problem.space.names})
    return ds.Problem(
        simulator,
        None,
        space,
        problem.objective,
        problem.constraints,
        name=f"surrogate of {problem.name}",
    )


def flat_observables(problem: ds.Problem, x: Float[Array, " d"]) -> Float[Array, " m"]:
    """All observables at a design as one vector, in alphabetical order; NaN where it failed."""
    values = problem.observe(x).values
    return jnp.concatenate([jnp.ravel(values[name]) for name in sorted(values)])


class _OfOutput(eqx.Module):
    """A function of the output as a function of the observables."""

    function: Callable

    def __call__(self, observables: ds.Observables) -> Array:
        return self.function(observables.values[OUTPUT])


def _cut(flat: Array, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> dict[str, Array]:
    values, begin = {}, 0
    for name, shape in shapes:
        end = begin + int(np.prod(shape))
        values[name] = flat[begin:end].reshape(shape)
        begin = end
    return values


def _box(low, high, size: int | None) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.asarray(low, float), np.asarray(high, float)
    d = max(low.size if low.ndim else 0, high.size if high.ndim else 0) or size
    if not d:
        raise ValueError("size must be given where both bounds are numbers, but is not.")
    return np.broadcast_to(low, d).copy(), np.broadcast_to(high, d).copy()


def _output_shape(network: Callable, x: Array) -> tuple[int, ...]:
    try:
        shape = eqx.filter_eval_shape(network, x).shape
    except TypeError as error:
        raise ValueError(
            f"the network must take a vector of {x.size} numbers, but does not: {error}"
        ) from error
    if len(shape) != 1:
        raise ValueError(f"the network must return a vector, but returns shape {shape}.")
    return tuple(shape)
