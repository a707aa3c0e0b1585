"""What a simulator returns: named arrays, a result code and counts."""

import equinox as eqx
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ._status import RESULTS, SimulationError, code, from_code, name_of, remedy_of, worst


class Observables(eqx.Module):
    """Named results of one simulation (or, under `jax.vmap`, of a batch).

    **Fields:**

    - `values`: arrays by name, in SI units; NaN throughout where the simulation failed.
    - `result`: a `RESULTS` code, successful or the reason of the failure with its remedy.
    - `stats`: counts such as `num_steps`; never differentiated. Those called "failed_..." say where
      a failed simulation was, and are shown with the failure.
    """

    values: dict[str, Array]
    result: RESULTS
    stats: dict[str, Array]

    def checked(self) -> "Observables":
        """Raise at the public door.

        **Raises:** `SimulationError` with the remedy if any simulation of the batch failed.
        Does nothing on traced values.
        """
        codes = code(self.result)
        if isinstance(codes, jax.core.Tracer):
            return self
        failed = np.flatnonzero(np.ravel(codes) != int(code(RESULTS.successful)))
        if failed.size:
            first = int(np.ravel(codes)[failed[0]])
            where = f" (sample {failed[0]} and {failed.size - 1} more)" if codes.ndim else ""
            told = _told(self.stats, int(failed[0]))
            raise SimulationError(f"{name_of(first)}{where}{told}: {remedy_of(first)}")
        return self


def _told(stats: dict[str, Array], sample: int) -> str:
    """What the stats of one of a batch say of its failure."""
    told = {
        name.removeprefix("failed_"): float(np.ravel(value)[min(sample, np.size(value) - 1)])
        for name, value in stats.items()
        if name.startswith("failed_")
    }
    return f" ({', '.join(f'{name} {value:.6g}' for name, value in told.items())})" if told else ""


def observe(values: dict[str, Array], result: RESULTS, stats: dict[str, Array]) -> Observables:
    """Assemble `Observables` such that no failed number gets out.

    Values that are not finite turn a successful result into `RESULTS.nonfinite`; the values
    of a failed simulation become NaN.
    """
    finite = jnp.asarray(True)
    for value in values.values():
        finite &= jnp.all(jnp.isfinite(value))
    nonfinite = jnp.where(finite, code(RESULTS.successful), code(RESULTS.nonfinite))
    result = worst(result, from_code(nonfinite))
    failed = code(result) != code(RESULTS.successful)
    # A factor and not a constant put in their place: its derivatives are NaN, too.
    factor = jnp.where(failed, jnp.nan, 1.0)
    values = {name: factor * value for name, value in values.items()}
    return Observables(values, result, stats)
