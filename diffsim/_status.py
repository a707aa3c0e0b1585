"""Result codes: failure is a value that carries its remedy and is raised once, at the door."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int


class RESULTS(eqx.Enumeration):
    """How a simulation ended. Every failure names what to do about it."""

    successful = ""
    step_limit = (
        "The integrator reached its step limit. Loosen the tolerance, raise `max_steps`, or "
        "shorten the protocol."
    )
    step_underflow = (
        "The integrator's step fell below the resolution of time. Look for a discontinuity of "
        "the protocol that is not one of its corners, or for a rate out of all proportion."
    )
    nonfinite = (
        "The simulation produced NaN or infinity. Check the parameters against their documented "
        "ranges; narrow the bounds of the design space."
    )
    diverged = (
        "An iterative solve did not converge. Take shorter steps of time or load, or start nearer "
        "to a solution."
    )
    out_of_range = (
        "A state left the range in which the model is defined. Narrow the bounds of the design "
        "space or extend the tabulated range."
    )
    infeasible = "The point violates a constraint that the simulator needs to run."
    uninformative = (
        "The experiment leaves a combination of the parameters wholly undetermined. Vary more of "
        "it, hold a parameter, or add what is known of it already."
    )
    too_many_pairs = (
        "More pairs of a sheet's faces and edges came close than there is room for. Raise "
        "`capacity` of the SelfContact, or lower its `reach`."
    )


class SimulationError(RuntimeError):
    """Raised at the public door for a simulation that ended with a failure code."""


def code(result: RESULTS) -> Int[Array, "..."]:
    """The integer behind a result, for batching and for files; inverse of `from_code`."""
    return jnp.asarray(result._value)  # pyright: ignore


def from_code(value) -> RESULTS:
    """The result behind an integer (concrete or traced)."""
    return wrapped_code(jnp.asarray(value, jnp.int32))


def wrapped_code(value) -> RESULTS:
    """The result behind an array of integers of either library, which stays as it is."""
    return jax.tree.unflatten(_STRUCTURE, [value])


_STRUCTURE = jax.tree.structure(RESULTS.successful)


def is_successful(result: RESULTS) -> Bool[Array, "..."]:
    """True where `result` is `RESULTS.successful`; has the batch shape of `result`."""
    return code(result) == code(RESULTS.successful)


def name_of(value: int) -> str:
    """The name of a concrete result code, as stored in datasets."""
    return list(RESULTS._name_to_item)[int(value)]


def remedy_of(value: int) -> str:
    """The text of a concrete result code: what went wrong and what to do."""
    return RESULTS._index_to_message[int(value)]


def worst(*results: RESULTS) -> RESULTS:
    """The first result that is not successful, elementwise; successful if all are."""
    merged = code(results[0])
    for result in results[1:]:
        merged = jnp.where(merged == code(RESULTS.successful), code(result), merged)
    return from_code(merged)
