"""A small regression that every test of surrogates can afford."""

import jax
import numpy as np

from surrogates import models, training


def data(n=64, d=3, seed=0, gradients=False):
    random = np.random.default_rng(seed)
    x = random.uniform(size=(n, d))
    y = np.sin(4 * x[:, 0]) + x[:, 1] ** 2 - x[:, 2]
    slope = np.stack([4 * np.cos(4 * x[:, 0]), 2 * x[:, 1], -np.ones(n)], axis=1)
    return training.training_data(x, y, slope[:, None] if gradients else None)


def model(data, *, activation="tanh", width=8, seed=0, kind=models.MLP):
    scales = models.Normalisation.of(data.x, data.y)
    return kind(scales, width=width, activation=activation, key=jax.random.key(seed))


def stacked(data, count, **settings):
    scales = models.Normalisation.of(data.x, data.y)

    def make(key):
        return models.MLP(scales, width=8, activation="tanh", key=key, **settings)

    return models.initialise_members(make, jax.random.split(jax.random.key(0), count))
