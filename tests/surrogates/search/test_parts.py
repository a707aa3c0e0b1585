"""The parts that searches are made of, against SciPy, pycma and formulas written out."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import diffsim as ds
from diffsim import optimise, problems
from surrogates import models, search
from surrogates.search import _conditioning, _covariance, _inverse, _searches

KEY = jax.random.key(4)


class Tilted(models.AbstractSurrogate):
    """g = slope·x."""

    slope: jax.Array
    normalisation: models.Normalisation
    size: int = eqx.field(static=True, default=2)
    outputs: int = eqx.field(static=True, default=1)
    smoothness: models.Smoothness = eqx.field(static=True, default="smooth")

    def standardised(self, x):
        return (self.slope @ x)[None]


TILTED = Tilted(jnp.asarray([3.0, -4.0]), models.Normalisation.identity(2))
OFFLINE = jax.random.uniform(KEY, (40, 2))


# --- CbAS ------------------------------------------------------------------------------------


def _normal():
    z = np.random.default_rng(0).normal(size=(50, 3)) @ np.asarray(
        [[1.0, 0.0, 0.0], [0.5, 0.7, 0.0], [0.2, -0.3, 0.4]]
    )
    weights = np.random.default_rng(1).uniform(size=50)
    return z, weights / weights.sum()


def test_a_weighted_normal_distribution():
    z, weights = _normal()
    found = _conditioning._Normal.fitted(jnp.asarray(z), jnp.asarray(weights), 0.1)
    mean = np.average(z, axis=0, weights=weights)
    covariance = np.cov(z.T, aweights=weights, ddof=0) + 0.01 * np.eye(3)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-10)
    np.testing.assert_allclose(found.factor @ found.factor.T, covariance, rtol=1e-10)
    density = stats.multivariate_normal(mean, covariance).logpdf(z) + 1.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(found.log_density(jnp.asarray(z)), density, rtol=1e-9)
    drawn = np.asarray(found.draw(KEY, 20000))
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.08)


def test_conditioning_moves_to_where_the_scores_are_and_no_further_than_the_prior_allows():
    """For a linear model of a normal prior the mean moves along the slope, downhill never."""
    known = jnp.asarray(0.5 + 0.05 * np.random.default_rng(0).normal(size=(400, 2)))
    finder = search.ConditioningSearch(members=2000, rounds=8)
    found = search.propose(finder, TILTED, known[:200], known, key=KEY)
    moved = (np.asarray(found.x).mean(axis=0) - 0.5) / 0.05
    direction = moved / np.linalg.norm(moved)
    assert direction @ [0.6, -0.8] > 0.95
    assert 1.0 < np.linalg.norm(moved) < 6.0


# --- MINs ------------------------------------------------------------------------------------


def test_the_density_of_an_inverse_network_is_that_of_its_mixture():
    inverse = _inverse._InverseMap(2, 3, 8, 0.05, KEY)
    y, x = jnp.asarray(0.7), np.asarray([0.2, 0.6])
    logits, means, deviations = (np.asarray(part) for part in inverse.mixture(y))
    shares = np.exp(logits) / np.exp(logits).sum()
    assert means.shape == deviations.shape == (3, 2)
    assert deviations.min() > 0.05  # never narrower than `least`
    each = np.prod(stats.norm.pdf(x, means, deviations), axis=1)
    found = float(inverse.log_density(jnp.asarray(x), y))
    assert found == pytest.approx(np.log(shares @ each), rel=1e-9)


def test_draws_of_an_inverse_network_follow_its_mixture():
    inverse = _inverse._InverseMap(2, 3, 8, 0.05, KEY)
    y = jnp.asarray(0.7)
    logits, means, deviations = (np.asarray(part) for part in inverse.mixture(y))
    shares = np.exp(logits) / np.exp(logits).sum()
    drawn = np.asarray(jax.vmap(lambda key: inverse.draw(y, key))(jax.random.split(KEY, 20000)))
    mean = shares @ means
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.01)
    variance = shares @ (deviations**2 + (means - mean) ** 2)
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.05)


def test_an_inverse_network_is_asked_for_more_than_the_best(monkeypatch):
    asked = []

    class Watched(eqx.Module):
        def draw(self, y, key):
            asked.append(y)
            return jnp.full(2, 0.5)

    with monkeypatch.context() as patched:
        patched.setattr(
            jax, "vmap", lambda f: lambda *a: jnp.stack([f(*row) for row in zip(*a, strict=True)])
        )
        patched.setattr(search.InverseSearch, "_learn", lambda self, x, y, key: Watched())
        search.InverseSearch(draws=20, beyond=0.8)(TILTED, OFFLINE[:4], OFFLINE, KEY)
    calibration = search.Calibration.of(TILTED, OFFLINE)
    best = max(float(calibration(TILTED, x)) for x in OFFLINE)
    wanted = np.asarray([float(y) for y in asked])
    assert wanted.min() >= best
    assert best + 0.6 < wanted.max() <= best + 0.8


# --- CMA-ES ----------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [2, 8, 24])
def test_weights_and_rates_are_those_of_the_tutorial(d):
    """Table 1 of 1604.00772, against pycma, which adds a quarter to the numerator of c_mu and has
    another rate of the step's path."""
    members = 4 + int(3 * np.log(d))
    rates = _covariance._Rates.of(d, members)
    raw = [np.log((members + 1) / 2) - np.log(i) for i in range(1, members // 2 + 1)]
    weights = np.asarray(raw) / sum(raw)
    np.testing.assert_allclose(rates.weights, weights)
    assert rates.effective == pytest.approx(1 / sum(w**2 for w in weights))
    cma = pytest.importorskip("cma")
    theirs = cma.CMAEvolutionStrategy(
        d * [0.5], 0.3, {"popsize": members, "CMA_active": False, "verbose": -9}
    )
    assert rates.effective == pytest.approx(theirs.sp.weights.mueff)
    assert rates.one == pytest.approx(theirs.sp.c1, rel=1e-9)
    assert rates.path == pytest.approx(theirs.sp.cc, rel=1e-9)
    share = 2 / ((d + 2) ** 2 + rates.effective)
    assert rates.many == pytest.approx(theirs.sp.cmu - 0.25 * share, rel=1e-9)
    assert rates.step == pytest.approx((rates.effective + 2) / (d + rates.effective + 5))
    assert rates.damping == pytest.approx(1 + rates.step, abs=1e-9)  # few members
    expected = np.linalg.norm(np.random.default_rng(0).normal(size=(200000, d)), axis=1).mean()
    assert rates.length == pytest.approx(expected, rel=0.01)


def test_a_generation_moves_the_mean_uphill_by_its_weighted_best():
    rates = _covariance._Rates.of(2, 6)
    zero, mean = jnp.zeros(2), jnp.asarray([0.5, 0.5])
    begin = _covariance._State(
        mean, jnp.asarray(0.05), jnp.eye(2), zero, zero, mean, jnp.asarray(-9.0)
    )
    score = lambda x: TILTED(x)[0]
    after = _covariance._generation(begin, score, rates, 6, KEY, jnp.asarray(0))
    noise = np.asarray(jax.random.normal(KEY, (6, 2)))
    # The axes of a round covariance are those of the cube, perhaps in another order and sign.
    _, axes = np.linalg.eigh(np.eye(2))
    x = 0.5 + 0.05 * noise @ axes.T
    order = np.argsort(-(x @ [3.0, -4.0]))
    move = np.asarray(rates.weights) @ (x[order[:3]] - 0.5)
    np.testing.assert_allclose(after.mean - 0.5, move, rtol=1e-9)
    np.testing.assert_allclose(after.best, x[order[0]])
    assert float(after.score) == pytest.approx(float((x @ [3.0, -4.0]).max()))
    # The paths begin at zero, and the covariance is round: the tutorial's (43) to (47).
    y = (x[order[:3]] - 0.5) / 0.05
    turned = (rates.step * (2 - rates.step) * rates.effective) ** 0.5 * move / 0.05
    np.testing.assert_allclose(after.step_path, turned, rtol=1e-9)
    length = np.linalg.norm(turned)
    grown = np.exp(rates.step / rates.damping * (length / rates.length - 1))
    assert float(after.step) == pytest.approx(0.05 * grown)
    faded = (rates.step * (2 - rates.step)) ** 0.5
    straight = length / faded < (1.4 + 2 / 3) * rates.length
    path = straight * (rates.path * (2 - rates.path) * rates.effective) ** 0.5 * move / 0.05
    np.testing.assert_allclose(after.path, path, rtol=1e-9)
    lost = 0.0 if straight else rates.one * rates.path * (2 - rates.path)
    covariance = (1 - rates.one - rates.many + lost) * np.eye(2) + rates.one * np.outer(path, path)
    covariance += rates.many * sum(
        w * np.outer(v, v) for w, v in zip(rates.weights, y, strict=True)
    )
    np.testing.assert_allclose(after.covariance, covariance, rtol=1e-9)


# --- REINFORCE -------------------------------------------------------------------------------


def _told(values, codes=None):
    method = search.Reinforce(learning_rate=0.01, deviation=0.2, members=8, steps=5)
    state = method.init(jnp.asarray([0.5, 0.5]), KEY, ds.Traits(2, 0, False))
    request = method.ask(state)
    codes = jnp.zeros(8, jnp.int32) if codes is None else jnp.asarray(codes, jnp.int32)
    from diffsim._status import from_code

    evaluation = ds.Evaluation(jnp.asarray(values), jnp.zeros((8, 0)), from_code(codes), None)
    return state, method.tell(state, request, evaluation), request


def test_one_step_of_reinforce_by_hand():
    """Adam's first step is the rate times the sign of the gradient of the expected reward."""
    values = np.random.default_rng(0).normal(size=8)
    state, after, request = _told(values)
    reward = -values
    advantage = (reward - reward.mean()) / reward.std()
    error = (np.asarray(state.trial) - 0.5) / 0.2
    np.testing.assert_allclose(request.points, np.clip(state.trial, 0, 1))
    towards = advantage @ error
    np.testing.assert_allclose(after.mean - 0.5, 0.01 * np.sign(towards), rtol=1e-4)
    wider = advantage @ (error**2 - 1)
    np.testing.assert_allclose(after.log_deviation - np.log(0.2), 0.01 * np.sign(wider), rtol=1e-4)
    assert int(after.steps) == 1
    assert not np.array_equal(after.trial, state.trial)


def test_what_failed_teaches_reinforce_nothing():
    values = np.random.default_rng(0).normal(size=8)
    failing = np.asarray([1, 0, 0, 1, 0, 0, 0, 0])
    _, one, _ = _told(np.where(failing, 1e9, values), failing)
    _, other, _ = _told(np.where(failing, np.nan, values), failing)
    np.testing.assert_array_equal(one.mean, other.mean)
    assert np.all(np.isfinite(one.mean))
    assert np.all(np.isfinite(one.log_deviation))


def test_reinforce_ends_after_its_steps():
    method = search.Reinforce(members=8, steps=2)
    state = method.init(jnp.asarray([0.5, 0.5]), KEY, ds.Traits(2, 0, False))
    running = optimise.reason_code(optimise.REASONS.running)
    codes = []
    for steps in range(4):
        codes.append(
            int(method.status(eqx.tree_at(lambda s: s.steps, state, jnp.asarray(steps)))[0])
        )
    ended = optimise.reason_code(optimise.REASONS.steps)
    assert codes == [running, running, ended, ended]


# --- profiles of attacks ---------------------------------------------------------------------


class Downwards(search.AbstractAttack):
    """Always along -(1, 1), whatever the surrogate says."""

    projected: bool = False

    def __call__(self, landscape, x, radii):
        return search.Attacked(x - radii[:, None] * jnp.ones(2), jnp.asarray(1.0))

    def calls(self, constraints, radii):
        raise AssertionError("nobody counts them here")


def test_an_attack_that_lowers_the_value_and_breaks_the_limit_is_no_success():
    """The lowest x + y of the unit disc, in a box from -2 to 2."""
    problem = problems.disc()
    centre, above, below = [0.5, 0.5], [0.875, 0.875], [0.125, 0.125]
    profile = search.success_profile(
        Downwards(),
        search.landscape_of(problem),
        problem,
        np.asarray([centre, above, below]),
        np.asarray([0.05, 0.12, 0.4]),
    )
    # From the centre a step of 0.4 leaves the disc; from above all come nearer to it.
    expected = [[True, True, False], [True, True, False], [False, True, False]]
    np.testing.assert_array_equal(profile.success, expected)
    np.testing.assert_allclose(profile.share, [2 / 3, 2 / 3, 1 / 3])


# --- composition -----------------------------------------------------------------------------


class Shifted(search.AbstractSearch):
    """Starts moved by a constant: what is handed on can be followed."""

    by: float

    def __call__(self, model, starts, offline, key):
        return search.promised(model, jnp.clip(starts + self.by, 0.0, 1.0))


def test_a_relay_hands_on_what_the_first_found():
    starts = 0.5 * OFFLINE[:3]
    found = search.propose(search.Relay(Shifted(0.1), Shifted(0.25)), TILTED, starts, OFFLINE,
                           key=KEY)  # fmt: skip
    np.testing.assert_allclose(found.x, starts + 0.35)
    np.testing.assert_allclose(found.predicted, found.x @ TILTED.slope)


class Shaken(search.AbstractSearch):
    """Starts with a noise that only the key decides."""

    def __call__(self, model, starts, offline, key):
        return search.promised(model, starts + 0.01 * jax.random.normal(key, starts.shape))


def test_the_second_of_a_relay_has_a_key_of_its_own():
    starts = 0.25 + 0.5 * OFFLINE[:3]
    found = search.propose(search.Relay(Shaken(), Shaken()), TILTED, starts, OFFLINE, key=KEY)
    noise = [jax.random.normal(key, starts.shape) for key in jax.random.split(KEY)]
    np.testing.assert_allclose(found.x, starts + 0.01 * (noise[0] + noise[1]), rtol=1e-9)
    assert np.abs(noise[0] - noise[1]).min() > 1e-3


def test_evaluations_of_a_surrogate_are_calibrated_and_minimised():
    calibration = search.Calibration.of(TILTED, OFFLINE)
    answer = _searches._evaluate(TILTED, calibration, OFFLINE[:5])
    expected = -(np.asarray(OFFLINE[:5] @ TILTED.slope) - calibration.level) / calibration.scale
    np.testing.assert_allclose(answer.value, expected)
    np.testing.assert_allclose(answer.gradient, np.tile(-TILTED.slope / calibration.scale, (5, 1)))
    predicted = np.asarray(OFFLINE @ TILTED.slope)
    assert float(calibration.level) == pytest.approx(predicted.mean())
    assert float(calibration.scale) == pytest.approx(predicted.std())
