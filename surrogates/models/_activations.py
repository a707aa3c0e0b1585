"""Activations by name, and which of them have kinks."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp

Smoothness = Literal["smooth", "kinked"]

# "kinked": the second derivative is zero almost everywhere and says nothing of the kinks that a
# finite step crosses.
ACTIVATIONS: dict[str, tuple[Callable, Smoothness]] = {
    "tanh": (jnp.tanh, "smooth"),
    "silu": (jax.nn.silu, "smooth"),
    "gelu": (jax.nn.gelu, "smooth"),
    "softplus": (jax.nn.softplus, "smooth"),
    "sigmoid": (jax.nn.sigmoid, "smooth"),
    "sin": (jnp.sin, "smooth"),
    "relu": (jax.nn.relu, "kinked"),
    "leaky_relu": (jax.nn.leaky_relu, "kinked"),
    "elu": (jax.nn.elu, "kinked"),
}


def activation_named(name: str) -> tuple[Callable, Smoothness]:
    """The function of a name and its smoothness.

    **Raises:** `ValueError` naming the known ones.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}, but is {name!r}.")
    return ACTIVATIONS[name]
