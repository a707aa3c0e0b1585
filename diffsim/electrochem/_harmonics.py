"""The harmonics of an AC voltammogram, by Fourier transform."""

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Complex, Float

from .._types import Scalar


def harmonics(
    current: Float[Array, " t"],
    duration: float | int | Scalar,
    frequency: float | int | Scalar,
    count: int,
) -> Complex[Array, "c t"]:
    """Direct part and complex envelopes of the first `count` harmonics, (count + 1, t).

        I(t) = Re a₀(t) + Im Σ_k a_k(t) exp(2πi k f t)

    with a_k that vary slowly: |a_k| is the
    amplitude of harmonic k and its angle the phase of a sine, as in `Sinusoidal`. Each is the part
    of the spectrum within f/2 of k f.

    **Arguments:**

    - `current`: at even steps from 0 to `duration` (s), the ends included.
    - `frequency`: f in Hz; `count`: at least one.

    **Raises:** `ValueError` for a count below one, a frequency that is not positive, fewer than two
    periods, or a record sampled too coarsely for the highest harmonic.

    **Limits:** a transform takes the record as periodic; where its ends do not meet, envelopes ring
    for a period or two there.

    Source: A. M. Bond, N. W. Duffy, S.-X. Guo, J. Zhang, D. Elton, Anal. Chem. 77 (2005) 186A.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, but is {count}.")
    size = current.size - 1
    if not isinstance(frequency, Tracer) and not isinstance(duration, Tracer):
        _check(float(frequency), float(duration), size, count)
    # The last sample is the first of the next period of the transform.
    t = duration * jnp.arange(size) / size
    spectrum = jnp.fft.fft(current[:-1])
    cycles = np.fft.fftfreq(size, 1.0 / size) / duration
    parts = []
    for k in range(count + 1):
        # Round-off must not decide whether the edge between two bands is in.
        near = jnp.abs(cycles - k * frequency) < (0.5 - 1e-6) * frequency
        band = jnp.fft.ifft(jnp.where(near, spectrum, 0.0))
        turned = band if k == 0 else 2j * band * jnp.exp(-2j * jnp.pi * k * frequency * t)
        parts.append(jnp.append(turned, turned[-1]))
    return jnp.stack(parts)


def _check(frequency: float, duration: float, size: int, count: int) -> None:
    if not frequency > 0:
        raise ValueError(f"frequency must be positive, in Hz, but is {frequency:g}.")
    if frequency * duration < 2:
        raise ValueError(
            f"the record must hold two periods at least, but holds {frequency * duration:g}."
        )
    highest = (count + 0.5) * frequency
    if highest > 0.5 * size / duration:
        raise ValueError(
            f"the record must be sampled at more than {2 * highest:g} Hz for {count} harmonics, "
            f"but is at {size / duration:g} Hz."
        )
