"""The guarantees of covering direct search, one test each (docs/attacks.md names them)."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import diffsim as ds
from diffsim import optimise as opt
from diffsim._status import from_code
from diffsim.optimise import _archive, _covering, _poll
from diffsim.optimise._search_step import Scene
from diffsim.problems import branin, disc, half_failing
from diffsim.problems._analytic import _box, formula_problem

CALLS = []


def solve(problem, method, evaluations, **kwargs):
    budget = ds.Budget(evaluations=evaluations)
    return ds.solve(problem, method, budget=budget, progress=False, **kwargs)


def scene(x, *, radius=0.1, random=None, archive=None, iteration=0):
    x = np.asarray(x, float)
    trial = opt.Trial(x, 0.0, np.zeros(0), 0.0)
    archive = opt.PointArchive(x.size) if archive is None else archive
    random = np.random.default_rng(0) if random is None else random
    return Scene((trial,), archive, radius, 1e-7, 1.0, 0.1, iteration, random)


class TestPoll:
    @pytest.mark.parametrize("n", [1, 2, 5, 20, 51])
    @pytest.mark.parametrize("directions", ["2n", "n+1"])
    def test_directions_positively_span(self, n, directions):
        """A set spans positively if it spans and some strictly positive combination is zero."""
        poll = opt.HouseholderPoll(directions)
        for seed in range(3):
            basis = poll.basis(np.random.default_rng(seed), n)
            assert basis.shape == ((2 * n if directions == "2n" else n + 1), n)
            assert np.linalg.matrix_rank(basis) == n
            assert np.allclose(basis.sum(axis=0), 0.0, atol=1e-12)
            assert np.allclose(np.linalg.norm(basis, axis=1), 1.0)

    @pytest.mark.parametrize(("directions", "power"), [("2n", 0.5), ("n+1", 1.0)])
    def test_cosine_measure(self, directions, power):
        """1/√n and 1/n: no direction of the space is farther from the nearest poll direction."""
        n = 4
        random = np.random.default_rng(1)
        basis = opt.HouseholderPoll(directions).basis(random, n)
        worst = -basis if directions == "n+1" else basis[:n].sum(axis=0, keepdims=True)
        samples = np.concatenate([random.standard_normal((4000, n)), worst])
        samples /= np.linalg.norm(samples, axis=1, keepdims=True)
        measure = np.min(np.max(samples @ basis.T, axis=1))
        assert measure == pytest.approx(n**-power, abs=1e-9)

    def test_length_and_bounds(self):
        points, _ = opt.HouseholderPoll().propose(_poll.PollState(np.zeros(3)), scene([0.5] * 3))
        assert np.allclose(np.max(np.abs(points - 0.5), axis=1), 0.1)
        points, _ = opt.HouseholderPoll().propose(_poll.PollState(np.zeros(3)), scene([0.0] * 3))
        assert np.all((points >= 0) & (points <= 1))
        assert not np.any(np.all(points == 0.0, axis=1))

    def test_the_last_success_is_tried_first(self):
        heading = np.array([0.3, -0.2, 0.5])
        points, _ = opt.HouseholderPoll().propose(_poll.PollState(heading), scene([0.5] * 3))
        moves = points - 0.5
        cosines = moves @ heading / np.linalg.norm(moves, axis=1)
        assert np.all(np.diff(cosines) <= 1e-12)
        assert cosines[0] > 0


class TestArchive:
    @pytest.mark.parametrize("d", [2, 5, 40])
    def test_nearest(self, d):
        random = np.random.default_rng(d)
        archive, points = opt.PointArchive(d), random.uniform(size=(700, d))
        queries = random.uniform(size=(9, d))
        assert np.all(np.isinf(archive.nearest(queries)))
        for rows in np.array_split(points, 90):
            archive = archive.append(rows, rows[:, :1])
        distances = np.linalg.norm(queries[:, None] - points, axis=2).min(axis=1)
        np.testing.assert_allclose(archive.nearest(queries), distances, atol=1e-7)
        assert np.array_equal(archive.points, points)
        assert np.array_equal(archive.answers, points[:, :1])

    @pytest.mark.parametrize("count", [0, 5, 1024, 5000, 40000])
    def test_many_dimensions_remember_the_latest_and_thin_out_the_rest(self, count):
        kept = _archive.remembered(count)
        assert np.unique(kept).size == kept.size <= 1024 * (2 + np.log2(1 + count / 1024))
        assert set(range(max(count - 1024, 0), count)) <= set(kept)
        # What is remembered later was never forgotten in between, and no gap is out of proportion.
        assert set(kept) <= set(_archive.remembered(max(count - 300, 0))) | set(range(count))
        ages = count - np.sort(kept)[::-1]
        assert np.all(np.diff(ages) <= 2 + 2 * ages[1:] / 1024)
        later = _archive.remembered(count + 777)
        assert {int(i) for i in later if i < count} <= set(kept.tolist())

    def test_a_branch_does_not_write_into_its_sibling(self):
        trunk = opt.PointArchive.of(np.zeros((3, 2)))
        one, other = (trunk.append(np.full((k, 2), float(k)), np.zeros((k, 1))) for k in (1, 2))
        assert len(trunk) == 3
        assert np.array_equal(one.points[3:], np.ones((1, 2)))
        assert np.array_equal(other.points[3:], np.full((2, 2), 2.0))


def trials(method, function, start, evaluations, key=0):
    """Trial points of a method on a NumPy function: what JAX would add is not tested here."""
    start = np.asarray(start, float)
    state = method.init(jnp.asarray(start), jax.random.key(key), opt.Traits(start.size, 0, False))
    while len(state.archive) < evaluations and method.status(state)[0] == 0:
        request = method.ask(state)
        values = np.array([float(function(x)) for x in request.points])
        state = method.tell(state, request, _answer(jnp.asarray(values)))
    return state


def _answer(values):
    results = from_code(np.zeros(values.size))
    return ds.Evaluation(values, jnp.zeros((values.size, 0)), results)


def _bowl(x, _):
    return jnp.sum((x - 0.5) ** 2)


def bowl_value(x):
    return np.sum((x - 0.5) ** 2)


def bowl(n):
    return formula_problem(_bowl, _box(0.0, 1.0, n), start=(0.5,) * n, name="bowl")


def fill_distance(points, centre, radius, n):
    """How far a point of the box around the centre may be from all the others."""
    sides = np.linspace(-radius, radius, {1: 2001, 2: 81, 3: 21}[n])
    grid = centre + np.stack(np.meshgrid(*[sides] * n, indexing="ij"), axis=-1).reshape(-1, n)
    return opt.PointArchive.of(points).nearest(grid).max()


class TestCovering:
    @pytest.mark.parametrize("n", [1, 2, 3])
    @pytest.mark.parametrize("covering", [opt.FarthestPointCovering(), opt.RandomCovering()])
    def test_trial_points_become_dense(self, n, covering):
        """The fill distance around the final point falls about as N^(-1/n)."""
        method = ds.DirectSearch(steps=(covering,), patience=10**6)
        state = trials(method, bowl_value, [0.5] * n, 500)
        numbers = np.array([15, 50, 150, 500])
        points, best = state.archive.points, state.standing.best.x
        fills = [fill_distance(points[:k], best, 0.05, n) for k in numbers]
        assert np.all(np.diff(fills) < 0)
        slope = np.polyfit(np.log(numbers), np.log(fills), 1)[0]
        assert -1.4 / n < slope < -0.6 / n

    def test_farthest_is_evener_than_chance_and_needs_no_key(self):
        fills = []
        for covering in (opt.FarthestPointCovering(), opt.RandomCovering()):
            method = ds.DirectSearch(steps=(covering,), patience=10**6)
            one, other = (
                trials(method, bowl_value, [0.5] * 2, 300, key=k).archive.points for k in (1, 2)
            )
            fills.append(fill_distance(one, np.full(2, 0.5), 0.1, 2))
            assert np.array_equal(one, other) == (len(fills) == 1)
        assert fills[0] < 0.7 * fills[1]

    def test_the_chosen_candidate_is_the_farthest(self):
        covering = opt.FarthestPointCovering(candidates=32)
        points = np.random.default_rng(0).uniform(size=(50, 2))
        archive, own = opt.PointArchive.of(points[:20]), covering.begin(2, 0)
        for k in range(20, 45):
            view = scene(points[k], archive=archive)
            updated = covering._updated(own, view)
            truth = np.linalg.norm(updated.candidates[:, None] - archive.points, axis=2).min(axis=1)
            np.testing.assert_allclose(updated.distances, truth, atol=1e-7)
            (chosen,), own = covering.propose(own, view)
            assert np.array_equal(chosen, updated.candidates[np.argmax(truth)])
            assert np.max(np.abs(chosen - points[k])) <= 0.1
            archive = archive.append(points[k : k + 1], np.zeros((1, 1)))

    def test_every_candidate_is_tried_in_the_end(self):
        """Distances that never let an old candidate be chosen do not keep it from its turn."""
        covering = opt.FarthestPointCovering(candidates=4)
        archive, own, chosen = opt.PointArchive(2), covering.begin(2, 0), []
        for _ in range(64 * 6):
            view = scene([0.5, 0.5], archive=archive)
            own = covering._updated(own, view)._replace(seen=0)
            own = own._replace(distances=own.numbers.astype(float))  # the newest seems farthest
            (point,), own = covering.propose(own, view)
            chosen.append(point)
        first = 0.4 + 0.2 * _covering._sequence(0, 4, 2)
        tried = np.array(chosen)
        assert all(np.any(np.all(np.isclose(tried, p), axis=1)) for p in first)

    def test_the_sequence_is_even(self):
        points = _covering._sequence(0, 512, 2)
        counts, *_ = np.histogram2d(points[:, 0], points[:, 1], bins=8, range=[[0, 1], [0, 1]])
        assert counts.min() >= 5
        assert counts.max() <= 12

    def test_distances_cost_no_more_than_the_new_points(self, monkeypatch):
        """While the incumbent rests, a step compares the cloud with what is new only."""
        sizes = []
        true = _covering.distances_to
        monkeypatch.setattr(
            _covering,
            "distances_to",
            lambda q, p: sizes.append(len(p)) or true(q, p),
        )
        state = trials(ds.DirectSearch(patience=50), bowl_value, [0.5] * 20, 1500)
        assert sum(sizes) <= len(state.archive)


def _hole(x):
    """A bowl with a far lower floor in a small disc, 0.08 away from the bowl's minimum."""
    inside = np.sum((x - np.array([0.56, 0.45])) ** 2) < 0.01**2
    return -1.0 if inside else np.sum((x - 0.5) ** 2)


@pytest.mark.parametrize("covers", [True, False])
def test_a_jump_that_no_poll_direction_reaches(covers):
    """The start is the minimum of the smooth part and the first poll is shorter than the way."""
    steps = (opt.FarthestPointCovering(),) * covers + (opt.HouseholderPoll(),)
    method = ds.DirectSearch(steps=steps, radius=0.04, patience=2000)
    state = trials(method, _hole, [0.5, 0.5], 1000)
    assert state.standing.best.value == (-1.0 if covers else 0.0)
    assert covers or method.status(state)[0] == opt.reason_code(opt.REASONS.step)


def _ring(observables):
    x = observables.values["y"]
    return jnp.stack([x[1], x[2]])


def _constrained(x, _):
    """Value and two slacks, curved, both active at the optimum of most seeds."""
    value = jnp.sum((x - 0.9) ** 2 * jnp.arange(1.0, x.size + 1))
    return jnp.stack([value, jnp.sum(x**2) - 1.0, jnp.sin(3 * x[0]) + x[1] - 0.8])


def _first(observables):
    return observables.values["y"][0]


def constrained(n=4):
    simulator = formula_problem(
        _constrained, _box(0.0, 1.0, n), start=(0.1,) * n, name="constrained"
    ).simulator
    space = ds.DesignSpace(_box(0.0, 1.0, n))
    slacks = ds.Constraint(_ring, "ring")
    return ds.Problem(simulator, None, space, ds.Minimise(_first), (slacks,), name="constrained")


class TestOrderings:
    def test_feasible_first_ends_feasible_exactly_and_the_penalty_does_not(self):
        problem = constrained()
        feasible = solve(problem, ds.DirectSearch(), 600)
        at_exit = problem.evaluate(jnp.asarray(feasible.best_x))
        assert np.all(np.asarray(at_exit.constraints) <= 0.0)
        method, state = ds.DirectSearch(ordering=opt.Penalty(10.0)), None
        state = play(problem, method, 600)
        assert np.max(state.standing.best.slacks) > 1e-3
        assert state.standing.best.value < feasible.best_value

    @pytest.mark.parametrize("ordering", [opt.FeasibleFirst(), opt.ProgressiveBarrier()])
    def test_the_incumbent_never_worsens_and_is_what_the_oracle_says(self, ordering):
        problem = constrained()
        method, worst = ds.DirectSearch(ordering=ordering), (np.inf, np.inf)
        for state in played(problem, method, 250, x0=np.array([0.9, 0.9, 0.2, 0.1])):
            best = state.standing.best
            assert (best.violation, best.value) <= worst
            worst = best.violation, best.value
        answer = ds.evaluate(problem, jnp.asarray(best.x), "value")
        assert float(answer.value) == best.value
        assert best.violation == 0.0

    def test_the_barrier_only_falls(self):
        method = ds.DirectSearch(ordering=opt.ProgressiveBarrier())
        states = played(constrained(), method, 400, x0=np.array([0.9, 0.9, 0.9, 0.9]))
        thresholds = np.array([state.standing.threshold for state in states])
        assert np.all(np.diff(thresholds[np.isfinite(thresholds)]) <= 0)
        assert np.unique(thresholds).size > 5
        for state in states:
            inside = [t.violation for t in state.standing.undominated]
            assert all(0 < above <= state.standing.threshold for above in inside)

    def test_the_progressive_barrier_s_levels(self):
        ordering = opt.ProgressiveBarrier()
        x = np.zeros(1)

        def trial(value, above):
            return opt.Trial(x, value, np.array([above]), above)

        standing, level = ordering.judge(ordering.begin(1, 1), trial(0.0, 2.0))
        assert level == opt.Level.SUCCESS
        standing = ordering.end_iteration(standing)
        assert standing.threshold == 2.0
        for value, above, expected in [
            (-1.0, 3.0, opt.Level.FAILURE),  # outside the barrier
            (1.0, 1.0, opt.Level.IMPROVING),
            (2.0, 0.5, opt.Level.IMPROVING),
            (3.0, 1.5, opt.Level.IMPROVING),  # dominated, but below the incumbent's violation
            (5.0, 0.0, opt.Level.SUCCESS),
        ]:
            standing, level = ordering.judge(standing, trial(value, above))
            assert level == expected
        standing = ordering.end_iteration(standing)
        assert standing.threshold == 1.0
        assert standing.infeasible.value == 1.0
        assert standing.best.value == 5.0
        assert ordering.centres(standing)[0].value == 1.0  # far lower than the feasible one

    def test_failures_beat_nothing(self):
        run = solve(half_failing(), ds.DirectSearch(radius=0.5), 150)
        assert run.counts.failed > 5
        assert run.best_value < 1e-4


def played(problem, method, evaluations, x0=None):
    """States of a run, without the driver."""
    simulate = opt._answering.Simulation(problem)
    x0 = problem.space.initial(problem.simulator) if x0 is None else x0
    traits = opt._driver.traits_of(problem)
    states = [method.init(jnp.asarray(x0), jax.random.key(0), traits)]
    while len(states[-1].archive) < evaluations and int(method.status(states[-1])[0]) == 0:
        request = method.ask(states[-1])
        states.append(method.tell(states[-1], request, simulate(request).value))
    return states[1:]


def play(problem, method, evaluations, x0=None):
    return played(problem, method, evaluations, x0)[-1]


def test_the_state_goes_through_a_file():
    """Arrays and numbers only: half a run, written, read, and gone on with, has the same bits."""
    method = ds.DirectSearch(ordering=opt.ProgressiveBarrier())
    problem = constrained()
    states = played(problem, method, 120)
    leaves, structure = jax.tree.flatten(states[60])
    stream = io.BytesIO()
    np.savez(stream, *[np.asarray(leaf) for leaf in leaves])
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as file:
        read = [file[name] for name in file.files]
    kinds = [type(leaf) for leaf in leaves]
    read = [a if k is np.ndarray else k(a) for a, k in zip(read, kinds, strict=True)]
    state, simulate = jax.tree.unflatten(structure, read), opt._answering.Simulation(problem)
    for expected in states[61:]:
        request = method.ask(state)
        state = method.tell(state, request, simulate(request).value)
        assert np.array_equal(state.archive.points[-1], expected.archive.points[-1])
        assert state.radius == expected.radius


def _counted(x, _):
    jax.debug.callback(lambda value: CALLS.append(float(value)), x[0])
    return jnp.sum((x - 0.3) ** 2)


@pytest.mark.parametrize("batch", [1, 4])
def test_counts_are_the_true_calls(batch):
    CALLS.clear()
    problem = formula_problem(_counted, _box(0.0, 1.0, 3), start=(0.5,) * 3, name="counted")
    run = solve(problem, ds.DirectSearch(batch=batch), 83)
    jax.effects_barrier()
    assert len(CALLS) == run.counts.evaluations + run.counts.idle
    assert (run.counts.idle > 0) == (batch > 1)
    assert run.counts.values == run.counts.evaluations <= 83


def test_a_batch_is_tried_whole():
    run = solve(branin(), ds.DirectSearch(batch=8), 400)
    assert run.best_value < 0.3979


def test_it_ends_when_there_is_nothing_left_to_try():
    run = solve(bowl(2), ds.DirectSearch(least_radius=1e-3, patience=5), 10**4)
    assert run.reason_name == "step"
    without = solve(bowl(2), ds.DirectSearch(steps=(opt.HouseholderPoll(),)), 10**4)
    assert without.reason_name == "step"


def test_a_start_that_fails_is_said():
    with pytest.raises(ds.SimulationError, match="all 1 evaluations"):
        solve(half_failing(), ds.DirectSearch(), 50, x0=np.array([0.95, 0.95]))


def _no_slack(observables):
    return observables.values["radius"] * jnp.nan


def test_a_constraint_that_is_nan_is_a_failure():
    whole = disc()
    problem = ds.Problem(
        whole.simulator, None, whole.space, whole.objective, (ds.Constraint(_no_slack, "nan"),)
    )
    run = solve(problem, ds.DirectSearch(), 30, throw=False)
    assert run.counts.evaluations == 1
    assert run.reason_name == "start_failed"
    assert not run.succeeded


def test_line_searches_descend():
    run = solve(branin(), ds.DirectSearch(steps=(opt.LineSearches(),)), 800)
    assert run.best_value < 0.40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(steps=()), "steps must hold"),
        (dict(least_radius=1e-17), "resolution of the unit cube"),
        (dict(radius=1e-9), "least_radius < radius"),
        (dict(largest_radius=2.0), "largest_radius <= 1"),
        (dict(batch=0), "batch must be positive"),
        (dict(patience=-1), "patience not negative"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        ds.DirectSearch(**arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: opt.HouseholderPoll("3n"), "'3n'"),
        (lambda: opt.FarthestPointCovering(radius=0.0), "radius must be in"),
        (lambda: opt.RandomCovering(every=0), "every must be at least 1"),
        (lambda: opt.FarthestPointCovering(candidates=0), "candidates must be"),
        (lambda: opt.RandomDirections(count=0), "count must be"),
        (lambda: opt.Penalty(weight=0.0), "weight must be positive"),
    ],
)
def test_bad_parts(make, message):
    with pytest.raises(ValueError, match=message):
        make()
