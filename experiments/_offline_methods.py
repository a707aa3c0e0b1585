"""Methods and arms of `offline_comparison`: what is trained, and how it is searched."""

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from surrogates import models, search, training

RADIUS = 0.05
ARMS = ("plain", "ignite", "ignite2", "sam", "weight_decay", "placebo", "early_stop", "sobolev")
ASCENT_STEPS, SAMPLING_STEPS = 50, 100


def ascent_steps(
    settings: Any, size: int, share: float = 1.0, reach: float | None = None
) -> search.NormalisedAscent:
    """Steps of one length, whose path is `reach`·√d; of a `share` of them only."""
    length = (settings.reach if reach is None else reach) * size**0.5 / ASCENT_STEPS
    return search.NormalisedAscent(length=length, steps=round(share * ASCENT_STEPS))


def sampling(settings: Any, share: float = 1.0) -> search.Sampling:
    """REINFORCE whose mean goes `reach`·√d at most: Adam's steps are no longer than its rate in
    each coordinate."""
    steps = round(share * SAMPLING_STEPS)
    return search.Sampling(
        search.Reinforce(settings.reach / SAMPLING_STEPS, 0.05, members=64, steps=steps)
    )


def searches(settings: Any, size: int, share: float = 1.0) -> dict[str, search.AbstractSearch]:
    """The search of each method, with the same path for all."""
    climb = search.Ascent(ascent_steps(settings, size, share))
    return {
        "ascent": climb,
        "ensemble_mean": climb,
        "ensemble_min": climb,
        "reinforce": sampling(settings, share),
        "coms": climb,
        "ram": climb,
    }


def generative() -> dict[str, search.AbstractSearch]:
    """Searches by distributions of designs, which have no path; on the plain ensemble only."""
    return {
        "cbas": search.ConditioningSearch(members=200, rounds=15),
        "mins": search.InverseSearch(steps=200, batch=64, draws=1024),
    }


def families(settings: Any, arm: str, size: int) -> list[tuple[str, training.AbstractLoss, int]]:
    """(name, loss, members) of what is trained: the ensemble, COMs' model, RaM's model."""
    if arm == "sobolev":  # uses true gradients: marked so wherever it is shown
        return [("mse", training.Sobolev(), settings.members)]
    # COMs hold the model down where the search will end.
    path = settings.reach * size**0.5
    climb = training.NormalisedClimb(length=path / settings.coms_steps, steps=settings.coms_steps)
    conservative = training.Conservative(limit=0.5, rate=settings.dual_rate, climb=climb)
    return [
        ("mse", training.MSE(), settings.members),
        ("coms", conservative, 1),
        ("ram", training.ListNet(), 1),
    ]


def trainer_of(arm: str, loss: training.AbstractLoss, settings: Any, bounds: Any):
    """The recipe of an arm, and which of its numbers are stacked."""
    regulariser: training.AbstractRegulariser = training.Unregularised()
    chain: training.AbstractChain = training.Adam(settings.learning_rate)
    if arm == "ignite2":
        regulariser = training.SharpnessPenalty(0.1, RADIUS)
    if arm == "placebo":
        regulariser = training.Placebo(training.SharpnessPenalty(0.1, RADIUS))
    if arm == "sam":
        chain = training.SAM(settings.learning_rate, 0.05)
    if arm == "weight_decay":
        chain = training.AdamW(settings.learning_rate, 0.1)
    if arm == "ignite":
        regulariser = training.SharpnessConstraint(
            bound=1.0, radius=RADIUS, rate=settings.dual_rate, initial=0.0, memory=0.9
        )
    trainer = training.Trainer(
        loss, regulariser, chain, epochs=settings.epochs, batch=settings.batch
    )
    if arm != "ignite":
        return trainer, None
    return training.varied(trainer, _bound_of, bounds)


def _bound_of(trainer: Any) -> Any:
    return trainer.regulariser.bound


def first_of(stacked):
    """The first member of each seed's ensemble."""
    return jax.tree.map(lambda leaf: leaf[:, 0] if eqx.is_array(leaf) else leaf, stacked)


def ensemble_of(stacked, how: models.AbstractAggregate):
    """Models stacked (seeds, members) as one ensemble for each seed."""
    return eqx.filter_vmap(lambda group: models.Ensemble(group, how))(stacked)


def uses(family: str, stacked) -> Iterator[tuple[str, Any]]:
    """(method, model stacked by seed) for what was trained."""
    if family != "mse":
        yield family, first_of(stacked)
        return
    yield "ascent", first_of(stacked)
    yield "ensemble_mean", ensemble_of(stacked, models.MeanOf())
    yield "ensemble_min", ensemble_of(stacked, models.MinimumOf())
    yield "reinforce", ensemble_of(stacked, models.MeanOf())


def bounds_of(plain, x, members: int):
    """The sharpness allowed to each model of the arm "ignite", from the plain model of its seed."""

    def bound(model, x):
        return training.relative_bound(model, x, RADIUS)

    return jnp.repeat(eqx.filter_vmap(bound)(first_of(plain), x), members)


Finder = Callable[..., search.Designs]
