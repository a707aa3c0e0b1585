"""A surrogate as a diffsim `Problem`, so that every optimiser can search on it."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

import diffsim as ds

from ..models import AbstractSurrogate

SCORE = "score"


class Calibration(eqx.Module):
    """Puts predictions on the scale of their own spread over the offline designs.

    Losses such as ListNet leave level and scale of a model undetermined, and regularisers change
    the scale: without this, the same step length would be another search.
    """

    level: Float[Array, ""]
    scale: Float[Array, ""]

    @staticmethod
    def of(model: AbstractSurrogate, x: Float[Array, "n d"]) -> "Calibration":
        """Mean and standard deviation of the mean output over some designs."""
        predicted = jnp.mean(jax.vmap(model.standardised)(x), axis=1)
        spread = jnp.std(predicted)
        return Calibration(jnp.mean(predicted), jnp.where(spread > 1e-12, spread, 1.0))

    def __call__(self, model: AbstractSurrogate, x: Float[Array, " d"]) -> Float[Array, ""]:
        """The calibrated prediction, larger is better."""
        return (jnp.mean(model.standardised(x)) - self.level) / self.scale


def calibrated(model: AbstractSurrogate, x: Float[Array, "n d"]) -> AbstractSurrogate:
    """The model, whose predictions at `x` have mean and spread of its data.

    So that models whose losses leave level and scale undetermined can sit in one committee.
    """
    own, known = Calibration.of(model, x), model.normalisation
    scale = known.y_scale / own.scale
    return eqx.tree_at(
        lambda m: (m.normalisation.y_shift, m.normalisation.y_scale),
        model,
        (known.y_shift - scale * own.level, scale),
    )


class SurrogateSimulator(ds.AbstractSimulator):
    """Calls a surrogate at `x`; its observable "score" is the calibrated prediction."""

    model: AbstractSurrogate
    calibration: Calibration
    x: Float[Array, " d"]

    def __call__(self, inputs: PyTree) -> ds.Observables:
        score = self.calibration(self.model, self.x)
        return ds.observe({SCORE: score}, ds.RESULTS.successful, {})

    def lenses(self):
        return {f"x{i}": ds.Leaf("x", index=i) for i in range(self.model.size)}


def _score(observables: ds.Observables) -> Float[Array, ""]:
    return observables.values[SCORE]


def score_problem(
    model: AbstractSurrogate, x: Float[Array, "n d"], *, name: str = "surrogate"
) -> ds.Problem:
    """Maximise a surrogate over the unit cube; `x` are designs that set the scale.

    Surrogate calls made through `ds.solve` are counted as evaluations of this problem, not of the
    simulator's.
    """
    simulator = SurrogateSimulator(model, Calibration.of(model, x), jnp.full(model.size, 0.5))
    space = ds.DesignSpace({f"x{i}": ds.Linear(0.0, 1.0) for i in range(model.size)})
    return ds.Problem(simulator, None, space, ds.Maximise(_score), name=name)
