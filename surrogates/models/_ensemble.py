"""True ensembles: several models side by side, and what is made of their predictions."""

import abc
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._activations import Smoothness
from ._interface import AbstractProbabilistic, AbstractSurrogate, kind_named
from ._normalisation import Normalisation


class AbstractAggregate(eqx.Module):
    """What an ensemble makes of its members' predictions."""

    keeps_smoothness: eqx.AbstractClassVar[bool]

    @abc.abstractmethod
    def __call__(self, predictions: Float[Array, "s m"]) -> Float[Array, " m"]:
        """One prediction from those of the s members."""


class MeanOf(AbstractAggregate):
    """The mean over the members."""

    keeps_smoothness: ClassVar[bool] = True

    def __call__(self, predictions: Float[Array, "s m"]) -> Float[Array, " m"]:
        return jnp.mean(predictions, axis=0)


class MinimumOf(AbstractAggregate):
    """The least of the members: the most pessimistic one, where larger is better."""

    keeps_smoothness: ClassVar[bool] = False

    def __call__(self, predictions: Float[Array, "s m"]) -> Float[Array, " m"]:
        return jnp.min(predictions, axis=0)


def initialise_members(make: Callable[[Array], AbstractSurrogate], keys: Array):
    """Models stacked along a leading axis of every array, one for each key."""
    return eqx.filter_vmap(make)(keys)


def stack_members(members: Sequence[AbstractSurrogate]) -> AbstractSurrogate:
    """Models of one structure, stacked."""
    dynamic = [eqx.filter(member, eqx.is_array) for member in members]
    _, static = eqx.partition(members[0], eqx.is_array)
    return eqx.combine(jax.tree.map(lambda *leaves: jnp.stack(leaves), *dynamic), static)


def member_of(stacked: AbstractSurrogate, index: int) -> AbstractSurrogate:
    """One of the stacked models."""
    return jax.tree.map(lambda leaf: leaf[index] if eqx.is_array(leaf) else leaf, stacked)


class Ensemble(AbstractProbabilistic):
    """Members that share their structure and scales, stacked along a leading axis.

    The standard deviation is that between the members.

    **Raises:** `ValueError` if the members are not stacked.
    """

    members: AbstractSurrogate
    aggregate: AbstractAggregate
    normalisation: Normalisation
    size: int = eqx.field(static=True)
    outputs: int = eqx.field(static=True)
    smoothness: Smoothness = eqx.field(static=True)

    def __init__(self, members: AbstractSurrogate, aggregate: AbstractAggregate | None = None):
        if members.normalisation.y_shift.ndim < 2:
            raise ValueError(
                "members must be stacked by `initialise_members` or `stack_members`, but is one "
                f"{type(members).__name__}."
            )
        self.members = members
        self.aggregate = MeanOf() if aggregate is None else aggregate
        self.normalisation = jax.tree.map(lambda leaf: leaf[0], members.normalisation)
        self.size, self.outputs = members.size, members.outputs
        smooth = members.smoothness == "smooth" and self.aggregate.keeps_smoothness
        self.smoothness = "smooth" if smooth else "kinked"

    def member_predictions(self, x: Float[Array, " d"]) -> Float[Array, "s m"]:
        """Each member's prediction at one design, on the z-scored scale."""
        return eqx.filter_vmap(lambda member: member.standardised(x))(self.members)

    def standardised(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        return self.aggregate(self.member_predictions(x))

    def standardised_distribution(
        self, x: Float[Array, " d"]
    ) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        predictions = self.member_predictions(x)
        return self.aggregate(predictions), jnp.std(predictions, axis=0)

    def gradient_floor(self) -> float:
        # Each of the s members' biases adds 1/s to the mean; those of other aggregates may add 0.
        count = self.members.normalisation.y_shift.shape[0]
        mean = isinstance(self.aggregate, MeanOf)
        return self.members.gradient_floor() * float(count) ** -0.5 if mean else 0.0

    def description(self) -> dict[str, Any]:
        kind = type(self.members).__name__
        return {
            "count": int(self.members.normalisation.y_shift.shape[0]),
            "aggregate": type(self.aggregate).__name__,
            "member": {"kind": kind} | member_of(self.members, 0).description(),
        }

    @classmethod
    def skeleton(cls, description: dict[str, Any]) -> "Ensemble":
        member = dict(description["member"])
        kind = kind_named(AbstractSurrogate, str(member.pop("kind")))
        aggregate = kind_named(AbstractAggregate, str(description["aggregate"]))
        members = stack_members([kind.skeleton(member)] * int(description["count"]))
        return Ensemble(members, aggregate())
