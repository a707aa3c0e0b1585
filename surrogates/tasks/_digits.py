"""Barycentres and counterfactuals of digits, in the form of the paper's image problems."""

import functools
import importlib.util

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

import diffsim as ds

from .._network import network_problem

_CLASSES, _PIXELS, _STEPS = 10, 64, 400


class Barycentre(eqx.Module):
    """Ψ(softmax(x)·images) - Ψ(target): the class probabilities of a mixture of images, less those
    of the first image alone."""

    classifier: eqx.nn.MLP
    images: Float[Array, "n p"]

    def __call__(self, x: Float[Array, " n"]) -> Float[Array, " c"]:
        mixture = jax.nn.softmax(x) @ self.images
        return self.probabilities(mixture) - self.probabilities(self.images[0])

    def probabilities(self, image: Float[Array, " p"]) -> Float[Array, " c"]:
        """Ψ, the classifier's."""
        return jax.nn.softmax(self.classifier(image))


class Counterfactual(eqx.Module):
    """(z, log Ψ(decoded z)) for a latent z of principal components, each of unit variance."""

    classifier: eqx.nn.MLP
    mean: Float[Array, " p"]
    components: Float[Array, "n p"]

    def __call__(self, z: Float[Array, " n"]) -> Float[Array, " m"]:
        image = self.mean + z @ self.components
        return jnp.concatenate([z, jax.nn.log_softmax(self.classifier(image))])


class _Distance(eqx.Module):
    """-|z - z₀|²."""

    origin: Float[Array, " n"]

    def __call__(self, y: Float[Array, " m"]) -> Array:
        return -jnp.sum((y[: self.origin.size] - self.origin) ** 2)


class _Flipped(eqx.Module):
    """The new class at least twice as probable as the old one, and |z| within √n ± 1."""

    old: Int[Array, ""]
    new: Int[Array, ""]
    size: int = eqx.field(static=True)

    def __call__(self, y: Float[Array, " m"]) -> Array:
        logs, length = y[self.size :], jnp.sqrt(jnp.sum(y[: self.size] ** 2))
        flip = logs[self.old] - logs[self.new] + jnp.log(2.0)
        root = self.size**0.5
        return jnp.stack([flip, length - root - 1.0, root - 1.0 - length])


def barycentre(seed: int = 0, images: int = 100) -> ds.Problem:
    """Weights of a mixture of images that a classifier takes for the first of them.

    maximise -|Ψ(Σ softmax(x)ᵢ imageᵢ) - Ψ(image₁)|² over |xᵢ| <= 10, from x = 0 (the mean image).
    The optimum is 0 but for what softmax leaves of the others at the bound. The paper mixes 100
    photographs before a ResNet18; here they are digits of 8 × 8 pixels before a perceptron
    64-32-10, whose scores say nothing of the paper's.

    **Raises:** `ImportError` without scikit-learn; `ValueError` for fewer than two images, or more
    than there are.

    P.-Y. Bouchet, T. Vidal, arXiv 2510.01461. Data: E. Alpaydin, C. Kaynak, UCI, by scikit-learn.
    """
    pixels, _ = _digits()
    if not 2 <= images <= len(pixels):
        raise ValueError(f"images must be between 2 and {len(pixels)}, but are {images}.")
    chosen = np.random.default_rng([seed, 1]).permutation(len(pixels))[:images]
    network = Barycentre(_classifier(), jnp.asarray(pixels[chosen]))
    return network_problem(
        network,
        -10.0,
        10.0,
        size=images,
        maximise=_unlike,
        name="barycentre",
    )


def counterfactual(seed: int = 0, size: int = 16) -> ds.Problem:
    """The nearest latent of a digit that the classifier takes for another digit.

    maximise -|z - z₀|² subject to 2 Ψ_old <= Ψ_new and |z| within √n ± 1, over |zᵢ| <= 4. z₀ is the
    latent of a digit that is classified as what it is; the search starts from the latent of one of
    the new class, which is feasible. The paper decodes maps of 64 latents by a variational
    autoencoder; here `size` principal components are the decoder.

    **Raises:** `ImportError` without scikit-learn; `ValueError` for a size not in 2...64.
    """
    if not 2 <= size <= _PIXELS:
        raise ValueError(f"size must be between 2 and {_PIXELS}, but is {size}.")
    _, labels = _digits()
    mean, components, latents = _decoder(size)
    network = Counterfactual(_classifier(), mean, components)
    random = np.random.default_rng([seed, 2])
    logs = np.asarray(jax.vmap(network)(jnp.asarray(latents)))[:, size:]
    length = np.linalg.norm(latents, axis=1)
    # Only images whose decoded latent is still taken for what it is, inside box and shell.
    sure = np.max(logs, axis=1) > np.log(0.9)
    usable = (np.argmax(logs, axis=1) == labels) & (np.abs(length - np.sqrt(size)) < 0.9)
    usable = np.flatnonzero(usable & sure & np.all(np.abs(latents) < 4.0, axis=1))
    origin = random.choice(usable)
    target = random.choice(usable[labels[usable] != labels[origin]])
    flipped = _Flipped(jnp.asarray(labels[origin]), jnp.asarray(labels[target]), size)
    return network_problem(
        network,
        -4.0,
        4.0,
        size=size,
        start=latents[target].tolist(),
        maximise=_Distance(jnp.asarray(latents[origin])),
        subject_to=flipped,
        name="counterfactual",
    )


def _unlike(y: Float[Array, " c"]) -> Array:
    return -jnp.sum(y**2)


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 64) in [0, 1] and labels (n,); part of scikit-learn, nothing is downloaded."""
    if importlib.util.find_spec("sklearn") is None:
        raise ImportError("the digits need scikit-learn: pip install diffsim[digits].")
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels, float) / 16.0, np.asarray(labels, int)


@functools.cache
def _decoder(size: int) -> tuple[Array, Array, np.ndarray]:
    """Mean image, components scaled to latents of unit variance, and the latents of all images."""
    pixels, _ = _digits()
    mean = pixels.mean(axis=0)
    left, values, right = np.linalg.svd(pixels - mean, full_matrices=False)
    scale = np.sqrt(len(pixels))
    components = values[:size, None] / scale * right[:size]
    return jnp.asarray(mean), jnp.asarray(components), scale * left[:, :size]


@functools.cache
def _classifier() -> eqx.nn.MLP:
    """A perceptron 64-32-10 (tanh), trained on all images by Adam, always the same."""
    pixels, labels = _digits()
    model = eqx.nn.MLP(_PIXELS, _CLASSES, 32, 1, jnp.tanh, key=jax.random.key(0))
    return _trained(model, jnp.asarray(pixels), jnp.asarray(labels))


@eqx.filter_jit
def _trained(model: eqx.nn.MLP, pixels, labels) -> eqx.nn.MLP:
    weights, rest = eqx.partition(model, eqx.is_inexact_array)
    adam = optax.adam(1e-2)

    def loss(weights):
        logits = jax.vmap(eqx.combine(weights, rest))(pixels)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def step(carry, _):
        weights, state = carry
        updates, state = adam.update(jax.grad(loss)(weights), state)
        return (optax.apply_updates(weights, updates), state), None

    start = (weights, adam.init(weights))  # pyright: ignore
    (trained, _), _ = jax.lax.scan(step, start, None, length=_STEPS)
    return eqx.combine(trained, rest)  # pyright: ignore


def classifier_accuracy() -> float:
    """Share of the images (those it was trained on) that the classifier gets right."""
    pixels, labels = _digits()
    guessed = jnp.argmax(jax.vmap(_classifier())(jnp.asarray(pixels)), axis=1)
    return float(np.mean(np.asarray(guessed) == labels))
