"""Attacks: correctness of the operator, the hybrid's guarantees, surrogates that decide nothing."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
import surrogates as su
from diffsim import optimise as opt, problems
from surrogates import search


class Affine(eqx.Module):
    """y = A x + b."""

    matrix: jax.Array
    shift: jax.Array

    def __call__(self, x):
        return self.matrix @ x + self.shift


def affine(seed=0, size=5, outputs=3):
    random = np.random.default_rng(seed)
    matrix = jnp.asarray(random.standard_normal((outputs, size)))
    return Affine(matrix, jnp.asarray(random.standard_normal(outputs)))


def linear_problem(network, weights, subject_to=None):
    return su.network_problem(
        network, 0.0, 1.0, size=5, maximise=lambda y: weights @ y, subject_to=subject_to
    )


class Curved(eqx.Module):
    """A smooth network whose fifth output no objective looks at."""

    mlp: eqx.nn.MLP

    def __call__(self, x):
        return self.mlp(x)


def curved(seed=0, size=5, outputs=5):
    return Curved(eqx.nn.MLP(size, outputs, 16, 2, jnp.tanh, key=jax.random.key(seed)))


def _bowl(y):
    return -jnp.sum((y[:2] - 0.3) ** 2) + 0.5 * y[2]


def _limits(y):
    return jnp.stack([y[3] - 0.05, jnp.sum(y[:3] ** 2) - 0.2])


def curved_problem(seed=0, constrained=True):
    subject_to = _limits if constrained else None
    return su.network_problem(
        curved(seed), -1.0, 1.0, size=5, maximise=_bowl, subject_to=subject_to
    )


ATTACKS = [su.FGSM(), su.L2(), su.PGD(steps=5), su.PGD(steps=5, refreshed=False)]
RADII = jnp.asarray([1e-4, 0.01, 0.1, 0.3])


class TestOperator:
    @pytest.mark.parametrize("attack", ATTACKS, ids=repr)
    @pytest.mark.parametrize("constrained", [False, True])
    def test_it_stays_in_the_ball_and_in_the_cube(self, attack, constrained):
        landscape = search.landscape_of(curved_problem(constrained=constrained))
        for x in np.random.default_rng(0).uniform(size=(4, 5)).round(1):
            points = np.asarray(search.attack_radii(attack, landscape, jnp.asarray(x), RADII)[0])
            reach = np.max(np.abs(points - x), axis=1)
            assert np.all(reach <= np.asarray(RADII) * (1 + 1e-9))
            assert np.all((points >= 0) & (points <= 1))

    @pytest.mark.parametrize("attack", [su.FGSM(), su.PGD(steps=4)], ids=repr)
    def test_affine_network_and_linear_objective_are_solved_exactly(self, attack):
        """Against the maximum over the corners of the ball, where a linear function has it."""
        weights = jnp.asarray([1.0, -2.0, 0.5])
        problem = linear_problem(affine(), weights)
        landscape, x, r = search.landscape_of(problem), jnp.full(5, 0.5), 0.2
        (point,), _ = search.attack_radii(attack, landscape, x, jnp.asarray([r]))
        signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 5)).reshape(5, -1).T
        corners = 0.5 + r * signs
        best = max(float(weights @ affine()(jnp.asarray(c))) for c in corners)
        assert float(weights @ affine()(point)) == pytest.approx(best, abs=1e-12)

    def test_small_attacks_always_succeed_where_there_is_a_slope(self):
        problem = curved_problem(constrained=False)
        points = np.random.default_rng(1).uniform(0.1, 0.9, (32, 5))
        landscape = search.landscape_of(problem)
        for attack in ATTACKS:
            profile = su.success_profile(attack, landscape, problem, points, np.array([1e-5, 1e-3]))
            assert profile.share[0] == 1.0

    def test_a_single_output_is_attacked(self):
        """Cross-entropy with the direction as label vanishes for one output: J^T(u - mean u)."""
        problem = su.network_problem(affine(outputs=1), 0.0, 1.0, size=5, maximise=lambda y: y[0])
        landscape = search.landscape_of(problem)
        (point,), slope = search.attack_radii(su.FGSM(), landscape, jnp.full(5, 0.5), RADII[2:3])
        assert float(slope) > 0
        assert np.allclose(point - 0.5, 0.1 * np.sign(affine(outputs=1).matrix[0]))

    def test_outputs_that_do_not_count_drop_out(self):
        """Whatever an inactive output does, the attack is the same to the bit."""
        one = curved_problem(constrained=False)
        louder = eqx.tree_at(
            lambda p: p.simulator.network.mlp.layers[-1].weight,
            one,
            one.simulator.network.mlp.layers[-1].weight.at[4].mul(1e3),
        )
        x = jnp.full(5, 0.4)
        for attack in ATTACKS:
            points = [
                search.attack_radii(attack, search.landscape_of(p), x, RADII).points
                for p in (one, louder)
            ]
            assert np.array_equal(*points)

    def test_the_directional_loss_is_linear_in_the_outputs(self):
        """<w, Phi(x + d) - Phi(x)> against the outputs themselves, and zero at the start."""
        problem = curved_problem(constrained=False)
        x, d = jnp.full(5, 0.4), jnp.linspace(-0.1, 0.2, 5)
        frozen = search.landscape_of(problem).frozen(x)
        y0, y1 = (problem.observe(p).values["y"] for p in (x, x + d))
        w = -jax.grad(_bowl)(y0)
        assert float(frozen(x)[0]) == 0.0
        assert float(frozen(x + d)[0]) == pytest.approx(float(w @ (y1 - y0)), rel=1e-12)

    def test_refreshing_the_direction_pays_at_large_radius(self):
        problem = curved_problem(constrained=False)
        landscape, radii = search.landscape_of(problem), jnp.asarray([0.5])
        starts = jnp.asarray(np.random.default_rng(0).uniform(size=(16, 5)))

        def reached(attack):
            point = jax.vmap(lambda x: attack(landscape, x, radii).points[0])(starts)
            return np.asarray(jax.vmap(landscape)(point))[:, 0]

        fresh, frozen = reached(su.PGD()), reached(su.PGD(refreshed=False))
        assert np.mean(fresh < frozen - 1e-9) > np.mean(frozen < fresh - 1e-9)

    def test_many_radii_are_the_same_as_one_by_one(self):
        landscape, x = search.landscape_of(curved_problem()), jnp.full(5, 0.45)
        for attack in (su.FGSM(), su.PGD(steps=3)):
            together = search.attack_radii(attack, landscape, x, RADII).points
            for i in (0, RADII.size - 1):
                alone = search.attack_radii(attack, landscape, x, RADII[i : i + 1]).points[0]
                np.testing.assert_allclose(together[i], alone, atol=1e-12)


class TestTangentCone:
    def test_the_nearest_point_of_the_cone(self):
        """Against the conditions of optimality: feasible, and the residual in the polar cone."""
        random = np.random.default_rng(0)
        for _ in range(20):
            rows = random.standard_normal((3, 6))
            step = random.standard_normal(6)
            found = np.asarray(search.project_on_cone(jnp.asarray(step), jnp.asarray(rows)))
            assert np.all(rows @ found <= 1e-7)
            assert abs(found @ (step - found)) < 1e-7
            others = random.standard_normal((4000, 6))
            others = others[np.all(others @ rows.T <= 0, axis=1)]
            assert np.all(others @ (step - found) <= 1e-6)

    def test_inactive_constraints_leave_the_step_alone(self):
        step, rows = jnp.asarray([0.1, -0.2]), jnp.asarray([[1.0, 0.0]])
        found = search.project_on_linearised(step, jnp.asarray([-0.5]), rows, jnp.asarray(0.2))
        np.testing.assert_allclose(found, step, atol=1e-7)

    def test_active_and_violated_constraints_bend_it(self):
        step, rows = jnp.asarray([0.1, -0.2]), jnp.asarray([[1.0, 0.0]])
        for slack in (0.0, 0.05):
            found = search.project_on_linearised(step, jnp.asarray([slack]), rows, jnp.asarray(0.2))
            np.testing.assert_allclose(found, [-slack, -0.2], atol=1e-4)

    def test_a_vanishing_row_does_no_harm(self):
        found = search.project_on_cone(jnp.asarray([1.0, 2.0]), jnp.zeros((1, 2)))
        assert np.array_equal(found, [1.0, 2.0])


def solve(problem, method, evaluations, **kwargs):
    budget = ds.Budget(evaluations=evaluations)
    return ds.solve(problem, method, budget=budget, progress=False, **kwargs)


class TestHybrid:
    def test_it_is_monotone_feasible_and_what_the_oracle_says(self):
        problem = curved_problem()
        run = solve(problem, su.HybridSearch(problem), 200)
        assert run.best_violation == 0.0
        answer = problem.evaluate(jnp.asarray(run.best_x))
        assert np.all(np.asarray(answer.constraints) <= 0.0)
        assert float(answer.value) == pytest.approx(run.best_value, rel=1e-12)
        feasible = np.where(run.history.violation == 0, run.history.value, np.inf)
        assert run.best_value == feasible.min()

    @pytest.mark.parametrize("sufficiency", [1e-2, 10.0])
    def test_skips_are_finite(self, sufficiency):
        """At most (f(x0) - f*)/(sufficiency r_min^2) iterations are ended by the attack alone."""
        problem = curved_problem(constrained=False)
        least = 1e-2
        method = su.HybridSearch(
            problem, attack=su.FGSM(), sufficiency=sufficiency, least_radius=least
        )
        state = play(problem, method, 300)
        gain = float(problem.evaluate(problem_start(problem)).value) - state.standing.best.value
        assert 0 <= state.own[0].skips <= gain / (sufficiency * least**2)
        assert state.iteration > state.own[0].skips
        assert state.own[1].used > method.steps[1].candidates  # covering steps were made

    def test_surrogate_calls_are_counted_as_made(self, monkeypatch):
        problem = curved_problem()
        method = su.HybridSearch(problem, attack=su.FGSM())
        run = solve(problem, method, 60)
        state = play(problem, method, 60)
        values, derivatives = method.surrogate_calls(state)
        assert (values, derivatives) == (
            run.counts.surrogate_values,
            run.counts.surrogate_derivatives,
        )
        # One forward pass, and one pull-back for the value and each of the two constraints.
        assert derivatives == 3 * values > 0
        assert run.history.surrogate_calls[-1] <= values + derivatives

    def test_fgsm_takes_the_calls_it_says(self):
        calls = {"values": 0}

        class Counting(search.AbstractLandscape):
            size: int = 5
            constraints: int = 2

            def __call__(self, x):
                jax.debug.callback(lambda _: calls.__setitem__("values", calls["values"] + 1), x[0])
                return jnp.stack([jnp.sum(x**2), x[0] - 2.0, x[1] - 2.0])

            def frozen(self, x):
                return self

        attack = su.FGSM()
        search.attack_radii(attack, Counting(), jnp.full(5, 0.5), RADII)
        jax.effects_barrier()
        assert calls["values"] == attack.calls(2, RADII.size)[0]

    def test_a_stationary_start_is_left_to_the_direct_search(self):
        problem = su.network_problem(
            lambda x: x, 0.0, 1.0, size=2, maximise=lambda y: -jnp.sum((y - 0.5) ** 4)
        )
        run = solve(problem, su.AttackSearch(problem), 50)
        assert run.reason_name == "gradient"
        assert run.counts.evaluations == 1
        assert solve(problem, su.HybridSearch(problem), 50).counts.evaluations == 50

    def test_a_surrogate_that_is_nan_decides_nothing(self):
        truth = curved_problem(constrained=False)
        broken = su.surrogate_problem(truth, lambda x: jnp.full(5, jnp.nan) * x[0])
        run = solve(truth, su.HybridSearch(broken), 80)
        assert run.best_value < run.history.value[0]

    def test_a_wrong_surrogate_costs_but_does_not_mislead(self):
        """The oracle decides: with its sign turned round the surrogate's steps are all refused."""
        truth = curved_problem(constrained=False)
        inner = truth.simulator.network
        wrong = su.surrogate_problem(truth, lambda x: -inner(2 * x - 1))
        run = solve(truth, su.HybridSearch(wrong), 250)
        right = solve(truth, ds.DirectSearch(), 250)
        start = run.history.value[0]
        assert start - run.best_value > 0.8 * (start - right.best_value)


class TestSurrogateSearch:
    def test_correction_interpolates_the_oracle(self):
        landscape = search.landscape_of(curved_problem())
        random = np.random.default_rng(0)
        points, answers = random.uniform(size=(12, 5)), random.standard_normal((12, 3))
        answers[3] = np.nan  # a failed evaluation is left out
        empty = search.uncorrected(landscape, 16, 0.5)
        full = search.corrected(empty, points[0], points, answers)
        for x, y in zip(np.delete(points, 3, 0), np.delete(answers, 3, 0), strict=True):
            np.testing.assert_allclose(full(jnp.asarray(x)), y, atol=1e-5)
        gradient = jax.jacrev(full)(jnp.asarray(points[0]))
        assert np.all(np.isfinite(gradient))

    def test_corrected_search_beats_direct_search(self):
        """The simulator decides: a surrogate with a tilt that is not in the truth."""
        truth = curved_problem(1)
        inner, tilt = truth.simulator.network, 0.1 * jnp.arange(5.0)
        surrogate = su.surrogate_problem(truth, lambda x: inner(2 * x - 1) + tilt * x)
        run = solve(truth, su.SurrogateSearch(surrogate, correction=24, starts=1), 30)
        direct = solve(truth, ds.DirectSearch(), 30)
        best = solve(truth, opt.ScipyMinimise("SLSQP", tolerance=1e-10), 200).best_value
        assert run.best_violation == 0.0
        assert run.best_value - best < 0.5 * (direct.best_value - best)

    def test_attacks_on_the_corrected_surrogate_pass_what_stops_the_plain_ones(self):
        """The tilt sends plain attacks across a constraint that the true network has elsewhere."""
        truth = curved_problem(1)
        inner, tilt = truth.simulator.network, 0.1 * jnp.arange(5.0)
        surrogate = su.surrogate_problem(truth, lambda x: inner(2 * x - 1) + tilt * x)
        best = solve(truth, opt.ScipyMinimise("SLSQP", tolerance=1e-10), 200).best_value
        corrected = solve(truth, su.CorrectedHybrid(surrogate, correction=24), 30)
        plain = solve(truth, su.HybridSearch(surrogate), 30)
        assert corrected.best_violation == 0.0
        assert corrected.best_value - best < 0.5 * (plain.best_value - best)

    @pytest.mark.parametrize("attempts", [1, 3])
    def test_failed_attacks_end_iterations_but_not_for_ever(self, attempts):
        """With a surrogate of the wrong sign all attacks fail: one in `attempts` covers."""
        truth = curved_problem(constrained=False)
        inner = truth.simulator.network
        wrong = su.surrogate_problem(truth, lambda x: -inner(2 * x - 1))
        method = su.CorrectedHybrid(wrong, correction=1, attempts=attempts, ladder=(1.0,))
        state = play(truth, method, 150)
        covered = state.own[1].steps
        assert covered >= (state.iteration - state.own[0].skips) / attempts - 1

    def test_it_needs_no_constraints(self):
        problem = curved_problem(constrained=False)
        run = solve(problem, su.SurrogateSearch(problem, starts=1), 20)
        assert run.best_value < run.history.value[0]

    def test_resumes_with_the_same_bits(self, tmp_path):
        problem = curved_problem()
        method = su.SurrogateSearch(problem, starts=2, correction=16)
        whole = solve(problem, method, 24)
        solve(problem, method, 12, directory=tmp_path)
        again = solve(problem, method, 24, directory=tmp_path)
        assert whole.history.x.tobytes() == again.history.x.tobytes()


class TestNetworks:
    def test_a_network_of_your_own_in_five_lines(self):
        network = eqx.nn.MLP(3, 2, 8, 1, key=jax.random.key(0))
        problem = su.network_problem(
            network, -1.0, 1.0, size=3, maximise=lambda y: y[0], subject_to=lambda y: y[1] - 0.1
        )
        run = ds.solve(problem, su.HybridSearch(problem), budget=50, progress=False)
        assert run.best_violation == 0.0
        assert run.best_value <= run.history.value[0]

    def test_a_callback_runs_without_derivatives_and_says_so(self):
        weights = np.array([1.0, -1.0])
        problem = su.network_problem(
            lambda x: np.tanh(weights * x), 0.0, 1.0, size=2, outputs=2, maximise=lambda y: y.sum()
        )
        run = solve(problem, ds.DirectSearch(), 120)
        assert run.best_value == pytest.approx(-np.tanh(1.0), abs=1e-3)
        with pytest.raises(ValueError, match=r"no derivatives\. Only the methods that use values"):
            su.HybridSearch(problem)

    def test_a_surrogate_problem_is_the_same_question(self):
        truth = problems.transesterification()
        x = jnp.asarray([0.3, 0.4])
        flat = su.flat_observables(truth, x)
        twin = su.surrogate_problem(truth, lambda _: flat)
        one, other = truth.evaluate(x), twin.evaluate(x)
        assert float(one.value) == float(other.value)
        assert np.array_equal(one.constraints, other.constraints)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: su.network_problem(affine(), 0.0, 1.0, maximise=jnp.sum), "size must be"),
            (
                lambda: su.network_problem(affine(), 0.0, 1.0, size=4, maximise=jnp.sum),
                "a vector of 4 numbers",
            ),
            (lambda: su.surrogate_problem(problems.disc(), lambda x: x[:1]), "must return the 2"),
        ],
    )
    def test_bad_networks(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: su.HybridSearch(p, sufficiency=0.0), "sufficiency must be positive"),
        (lambda p: su.HybridSearch(p, least_radius=1e-18), "1e-15 <= least_radius"),
        (lambda p: su.HybridSearch(p, tries=2), "tries must be between 1 and the 1"),
        (lambda p: su.CorrectedHybrid(p, correction=-1), "correction must not be negative"),
        (lambda p: su.CorrectedHybrid(p, attempts=0), "attempts must be positive"),
        (lambda p: su.SurrogateSearch(p, margins=()), "margins must be"),
        (lambda p: su.SurrogateSearch(p, starts=0), "starts must be positive"),
        (lambda p: su.PGD(steps=0), "steps must be at least 1"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make(curved_problem())


def test_a_surrogate_of_the_wrong_size():
    with pytest.raises(ValueError, match="must have the 2 variables of the problem, but has 5"):
        solve(problems.disc(), su.HybridSearch(curved_problem()), 10)
    with pytest.raises(ValueError, match="must predict the 2 slacks of the problem, but has 0"):
        solve(curved_problem(), su.HybridSearch(curved_problem(constrained=False)), 10)


def problem_start(problem):
    return jnp.asarray(problem.space.initial(problem.simulator))


def play(problem, method, evaluations):
    """The state after a run, without the driver."""
    simulate = opt._answering.Simulation(problem)
    state = method.init(problem_start(problem), jax.random.key(0), opt._driver.traits_of(problem))
    while len(state.archive) < evaluations and int(method.status(state)[0]) == 0:
        request = method.ask(state)
        state = method.tell(state, request, simulate(request).value)
    return state


class TestProfile:
    def test_the_radius_at_a_share(self):
        success = np.array([[True] * 4, [True] * 4, [True, True, False, False], [False] * 4])
        profile = search.SuccessProfile(np.array([0.001, 0.01, 0.1, 1.0]), success)
        assert np.array_equal(profile.share, [1.0, 1.0, 0.5, 0.0])
        assert profile.radius_at(0.5) == pytest.approx(0.1)
        assert profile.radius_at(0.75) == pytest.approx(0.01 * 10**0.5)
        assert profile.radius_at(1.0) == pytest.approx(0.01)

    def test_bad_radii(self):
        problem = curved_problem()
        with pytest.raises(ValueError, match="positive and increase"):
            su.success_profile(
                su.FGSM(),
                search.landscape_of(problem),
                problem,
                np.zeros((1, 5)),
                np.array([0.1, 0.1]),
            )
