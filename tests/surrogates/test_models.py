"""Models: scales inside, ensembles that are ensembles, exact Gaussian processes, files."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim  # noqa: F401  (double precision)
from surrogates import models


def _data(n=40, d=3, seed=0):
    random = np.random.default_rng(seed)
    x = random.uniform(size=(n, d))
    y = 100.0 + 20.0 * np.stack([np.sin(3 * x[:, 0]) + x[:, 1] ** 2, x[:, 2]], axis=1)
    return x, y


@pytest.fixture(scope="module")
def normalisation():
    return models.Normalisation.of(*_data())


@pytest.fixture(scope="module")
def members(normalisation):
    def make(key):
        return models.MLP(normalisation, width=8, activation="tanh", key=key)

    return models.initialise_members(make, jax.random.split(jax.random.key(0), 4))


@pytest.fixture(scope="module")
def process():
    x, y = _data()
    return models.fit_gaussian_process(x, y, steps=60)


def test_scales_are_inside(normalisation):
    x, y = _data()
    inside = jax.vmap(normalisation.inputs)(jnp.asarray(x))
    np.testing.assert_allclose(inside.mean(0), 0.0, atol=1e-12)
    np.testing.assert_allclose(inside.std(0), 1.0, rtol=1e-12)
    np.testing.assert_allclose(normalisation.scores(normalisation.standardise(jnp.asarray(y))), y)
    model = models.MLP(normalisation, width=8, key=jax.random.key(0))
    # An untrained network is of order one on its own scale, so near 100 on that of the data.
    assert abs(float(model(jnp.asarray(x[0]))[0]) - 100.0) < 60.0


@pytest.mark.parametrize("kind", [models.MLP, models.GaussianMLP])
def test_gradients_in_the_design(kind, normalisation):
    model = kind(normalisation, width=8, activation="tanh", key=jax.random.key(1))
    x, h = jnp.asarray([0.3, 0.6, 0.2]), 1e-6
    reverse = jax.jacrev(model)(x)
    np.testing.assert_allclose(reverse, jax.jacfwd(model)(x), rtol=1e-10)
    for i in range(3):
        step = jnp.zeros(3).at[i].set(h)
        numeric = (model(x + step) - model(x - step)) / (2 * h)
        np.testing.assert_allclose(reverse[:, i], numeric, rtol=1e-6, atol=1e-6)


def _thirtyfold(layer):
    return jax.tree.map(lambda leaf: 30.0 * leaf, layer)


def test_the_gaussian_head_keeps_its_limits(normalisation):
    model = models.GaussianMLP(normalisation, width=8, key=jax.random.key(1))
    model = eqx.tree_at(lambda m: m.network.layers[-1], model, replace_fn=_thirtyfold)
    _, deviation = jax.vmap(model.standardised_distribution)(jnp.asarray(_data()[0]))
    assert np.all(np.asarray(deviation) >= 0.1 - 1e-12)
    assert 0.25 < np.max(deviation) <= 0.3 + 1e-12


def test_mean_and_minimum_differ(members):
    mean, least = models.Ensemble(members), models.Ensemble(members, models.MinimumOf())
    x = jnp.asarray(_data()[0])
    each = np.stack([jax.vmap(models.member_of(members, i))(x) for i in range(4)])
    np.testing.assert_allclose(models.predict(mean, x), each.mean(0), rtol=1e-12)
    np.testing.assert_allclose(models.predict(least, x), each.min(0), rtol=1e-12)
    assert np.all(models.predict(mean, x) - models.predict(least, x) > 0.1)
    assert (mean.smoothness, least.smoothness) == ("smooth", "kinked")
    assert (mean.size, mean.outputs) == (3, 2)
    spread = jax.vmap(mean.distribution)(x)[1]
    np.testing.assert_allclose(spread, each.std(0), rtol=1e-9)


def test_an_ensemble_of_one_unstacked_model_is_refused(normalisation):
    with pytest.raises(ValueError, match="must be stacked"):
        models.Ensemble(models.MLP(normalisation, key=jax.random.key(0)))


def test_scales_are_not_trainable(members):
    weights, rest = models.split_weights(members)
    assert all(leaf is None for leaf in jax.tree.leaves(weights.normalisation) or [None])
    assert weights.network.layers[0].weight is not None
    assert rest.network.layers[0].weight is None


def test_the_gaussian_process_is_the_textbook_s(process):
    """Mean and variance against the formulae with an explicit inverse."""
    x, y = _data()
    scales = process.normalisation
    inputs = jax.vmap(scales.inputs)(jnp.asarray(x))
    noise = float(jnp.exp(process.log_noise))
    inverse = np.linalg.inv(process.kernel(inputs, inputs) + (noise + 1e-8) * np.eye(len(x)))
    point = jnp.asarray([0.31, 0.77, 0.5])
    cross = np.asarray(process.kernel(scales.inputs(point)[None], inputs))[0]
    mean, deviation = process.standardised_distribution(point)
    np.testing.assert_allclose(
        mean, cross @ inverse @ scales.standardise(jnp.asarray(y)), rtol=1e-6
    )
    variance = np.exp(float(process.kernel.log_signal)) - cross @ inverse @ cross
    np.testing.assert_allclose(deviation, np.sqrt(variance), rtol=1e-3)


def test_the_gaussian_process_predicts(process):
    x, y = _data(200, seed=1)
    error = np.asarray(models.predict(process, jnp.asarray(x))) - y
    assert np.all(error.std(0) < 0.05 * y.std(0))
    gradient = jax.jacrev(process)(jnp.asarray(_data()[0][0]))  # at a datum: the root of zero
    assert np.all(np.isfinite(gradient))


def test_thinning_keeps_the_best():
    x, y = _data(100)
    process = models.fit_gaussian_process(x, y[:, :1], steps=1, most=40)
    kept = np.asarray(process.inputs)
    assert len(kept) == 40
    best = jax.vmap(process.normalisation.inputs)(jnp.asarray(x[np.argsort(-y[:, 0])[:20]]))
    assert all(np.any(np.all(np.isclose(kept, row), axis=1)) for row in np.asarray(best))


def test_files_return_the_same_model(tmp_path, normalisation, members, process):
    x = jnp.asarray(_data()[0])
    for model in (
        models.MLP(normalisation, width=5, dtype=jnp.float32, key=jax.random.key(3)),
        models.GaussianMLP(normalisation, depth=1, key=jax.random.key(3)),
        models.Ensemble(members, models.MinimumOf()),
        process,
    ):
        again = models.load(models.save(model, tmp_path / "model"))
        assert type(again) is type(model)
        np.testing.assert_array_equal(models.predict(again, x), models.predict(model, x))
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_files_that_are_none(tmp_path, normalisation):
    path = tmp_path / "other"
    path.write_text("something else\n")
    with pytest.raises(ValueError, match="must be a surrogate written by"):
        models.load(path)
    whole = models.save(models.MLP(normalisation, key=jax.random.key(0)), path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is damaged"):
        models.load(path)
    path.write_bytes(whole.replace(b'"MLP"', b'"os.system"'))
    with pytest.raises(ValueError, match="kind must be one of"):
        models.load(path)
    own = models.MLP(normalisation, activation=jnp.cos, smoothness="smooth", key=jax.random.key(0))
    with pytest.raises(TypeError, match="cannot be saved"):
        models.save(own, path)


def test_bad_input(normalisation):
    x, y = _data()
    with pytest.raises(ValueError, match="same positive number of rows"):
        models.Normalisation.of(x[:0], y[:0])
    with pytest.raises(ValueError, match="output 1 is 7 throughout"):
        models.Normalisation.of(x, np.stack([y[:, 0], np.full(len(y), 7.0)], axis=1))
    with pytest.raises(ValueError, match="must be finite"):
        models.Normalisation.of(x, np.where(y > 110, np.nan, y))
    with pytest.raises(ValueError, match="activation must be one of"):
        models.MLP(normalisation, activation="swosh", key=jax.random.key(0))
    with pytest.raises(ValueError, match="smoothness must be"):
        models.MLP(normalisation, activation=jnp.cos, key=jax.random.key(0))
    with pytest.raises(ValueError, match="width and depth"):
        models.MLP(normalisation, width=0, key=jax.random.key(0))
    model = models.MLP(normalisation, key=jax.random.key(0))
    with pytest.raises(ValueError, match=r"must have shape \(b, 3\)"):
        models.predict(model, jnp.zeros((4, 2)))


def test_a_committee_is_the_mean_of_models_of_any_kind(members, normalisation):
    x, y = _data()
    process = models.fit_gaussian_process(x[:, :], y, steps=2)
    ensemble = models.Ensemble(members)
    both = models.Committee(process, ensemble)
    at = jnp.asarray(x[3])
    np.testing.assert_allclose(both(at), 0.5 * (process(at) + ensemble(at)))
    mean, spread = both.distribution(at)
    np.testing.assert_allclose(mean, both(at))
    own = 0.5 * (process.distribution(at)[1] ** 2 + ensemble.distribution(at)[1] ** 2)
    between = (0.5 * (process(at) - ensemble(at))) ** 2
    np.testing.assert_allclose(spread, np.sqrt(own + between))
    # A member that says nothing of itself counts with the spread between them alone.
    mute = models.LowerBound(process, 0.0)
    alone = models.Committee(mute, ensemble, weights=jnp.asarray([3.0, 0.0]))
    np.testing.assert_allclose(alone.distribution(at), (process(at), np.zeros(2)), atol=1e-12)
    weighted = models.Committee(process, ensemble, weights=np.asarray([3.0, 1.0]))
    np.testing.assert_allclose(weighted(at), 0.75 * process(at) + 0.25 * ensemble(at))
    assert both.smoothness == "smooth"
    with pytest.raises(ValueError, match="members must be at least one"):
        models.Committee()
    with pytest.raises(ValueError, match=r"weights must have shape \(2,\), but have \(3,\)"):
        models.Committee(process, ensemble, weights=np.ones(3))
    with pytest.raises(ValueError, match="weights must be at least 0 and not all 0"):
        models.Committee(process, ensemble, weights=np.asarray([1.0, -1.0]))


def test_a_lower_bound_is_below_the_mean_by_so_many_deviations():
    x, y = _data()
    process = models.fit_gaussian_process(x, y, steps=2)
    at = jnp.full(3, 0.9)
    mean, deviation = process.distribution(at)
    np.testing.assert_allclose(models.LowerBound(process, 1.5)(at), mean - 1.5 * deviation)
    np.testing.assert_allclose(models.LowerBound(process, 0.0)(at), mean)
    with pytest.raises(ValueError, match="width must be at least 0, but is -1"):
        models.LowerBound(process, -1.0)


def test_the_floor_of_an_ensemble_is_that_of_its_mean(members):
    one = models.member_of(members, 0)
    assert one.gradient_floor() == pytest.approx(2.0**-0.5)  # two outputs
    assert models.Ensemble(members).gradient_floor() == pytest.approx(0.5 * 2.0**-0.5)
    assert models.Ensemble(members, models.MinimumOf()).gradient_floor() == 0.0


def test_an_input_that_is_constant_keeps_its_unit():
    x, y = _data()
    x[:, 1] = 0.4
    scales = models.Normalisation.of(x, y)
    assert float(scales.x_scale[1]) == 1.0
    np.testing.assert_allclose(scales.inputs(jnp.asarray([0.1, 0.9, 0.3]))[1], 0.5)
    assert np.all(np.isfinite(jax.vmap(scales.inputs)(jnp.asarray(x))))


def test_what_is_projected_has_no_use_for_gradients_and_keeps_its_floor(members):
    ensemble = models.Ensemble(members)
    snapped = models.Projected(ensemble, lambda x: jnp.round(4 * x) / 4)
    assert snapped.smoothness == "kinked"
    assert snapped.gradient_floor() == ensemble.gradient_floor() > 0
    assert not np.any(jax.jacrev(snapped)(jnp.asarray([0.3, 0.6, 0.2])))
    np.testing.assert_allclose(
        snapped(jnp.asarray([0.3, 0.6, 0.2])), ensemble(jnp.asarray([0.25, 0.5, 0.25]))
    )


def test_smoothness_is_that_of_the_roughest_part(members, normalisation):
    kinked = models.MLP(normalisation, activation="relu", width=4, key=jax.random.key(0))
    smooth = models.MLP(normalisation, activation="silu", width=4, key=jax.random.key(0))
    assert (kinked.smoothness, smooth.smoothness) == ("kinked", "smooth")
    assert models.Committee(smooth, kinked).smoothness == "kinked"
    assert models.Committee(smooth, models.Ensemble(members)).smoothness == "smooth"
    # A floor is known where the mean is one of linear outputs; nothing is claimed otherwise.
    assert models.Committee(smooth, kinked).gradient_floor() == 0.0


def test_committees_speak_on_the_scale_of_their_first_member():
    """Members with other scales than the first: predictions agree whoever is asked first."""
    x, y = _data()
    one = models.fit_gaussian_process(x, y, steps=1)
    other = models.fit_gaussian_process(x[:20], 1.5 * y[:20] + 3.0, steps=1)
    at = jnp.asarray([0.4, 0.5, 0.6])
    weights = np.asarray([0.3, 0.7])
    found = models.Committee(one, other, weights=weights).distribution(at)
    turned = models.Committee(other, one, weights=weights[::-1].copy()).distribution(at)
    np.testing.assert_allclose(found, turned, rtol=1e-9)
    np.testing.assert_allclose(found[0], 0.3 * one(at) + 0.7 * other(at), rtol=1e-9)


def test_kinds_by_name_are_found_however_deep():
    from surrogates.models import _interface

    assert _interface.kind_named(models.AbstractSurrogate, "GaussianMLP") is models.GaussianMLP
    assert _interface.kind_named(models.AbstractKernel, "RBF") is models.RBF
    with pytest.raises(ValueError, match=r"kind must be one of .*'MLP'.* but is 'MPL'"):
        _interface.kind_named(models.AbstractSurrogate, "MPL")
