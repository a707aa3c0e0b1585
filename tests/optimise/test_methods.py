"""Every method against problems with known answers."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import diffsim.optimise as opt
from diffsim import Linear
from diffsim.optimise import Budget, solve
from diffsim.problems import CASES, formula_problem

# Method, problem, evaluations allowed, tolerance on the value. Known weak points are not
# here: Nelder-Mead collapses onto an active bound; SLSQP gives up on badly scaled values.
TABLE = [
    (opt.LevenbergMarquardt(), "rosenbrock", 15, 1e-12),
    (opt.LevenbergMarquardt(), "rosenbrock_bound", 12, 1e-10),
    (opt.LevenbergMarquardt(), "half_failing", 12, 1e-12),
    (opt.BFGS(), "rosenbrock", 80, 1e-10),
    (opt.BFGS(), "rosenbrock_bound", 80, 1e-8),
    (opt.BFGS(), "half_failing", 40, 1e-10),
    (opt.LBFGS(), "rosenbrock", 80, 1e-10),
    (opt.LBFGS(history=5), "rosenbrock_bound", 80, 1e-8),
    (opt.Adam(0.02, steps=300), "branin", 300, 1e-3),
    (opt.Adam(0.02, steps=300), "half_failing", 300, 1e-3),
    (opt.Lion(0.003, steps=300), "branin", 300, 2e-2),
    (opt.AdamSAM(0.02, radius=0.003, steps=400), "branin", 400, 5e-2),
    (opt.SGD(1e-4, momentum=0.9, steps=300), "branin", 300, 1e-3),
    (opt.FirstOrder(optax.adabelief(0.02), steps=300, name="adabelief"), "branin", 300, 1e-3),
    (opt.NelderMead(), "rosenbrock", 250, 1e-10),
    (opt.NelderMead(), "half_failing", 200, 1e-10),
    (opt.CMAES(), "levy", 900, 1e-8),
    (opt.CMAES(), "disc", 900, 1e-6),
    (opt.CMAES(), "half_failing", 600, 1e-8),
    (opt.CMAGradient(), "levy", 900, 1e-8),
    (opt.CMAGradient("baldwinian"), "rosenbrock_bound", 900, 1e-8),
    (opt.CMAGradient(share=0.5), "half_failing", 600, 1e-8),
    (opt.DifferentialEvolution(), "ackley", 3000, 1e-4),
    (opt.DifferentialEvolution(), "disc", 2000, 1e-5),
    (opt.ParticleSwarm(), "styblinski_tang", 2000, 1e-5),
    (opt.ParticleSwarm(), "disc", 2000, 1e-3),
    (opt.RandomSearch(points=512), "branin", 512, 1.0),
    (opt.SobolSearch(points=512), "branin", 512, 1.0),
    (opt.ScipyMinimise("L-BFGS-B"), "rosenbrock_bound", 20, 1e-8),
    (opt.ScipyMinimise("L-BFGS-B"), "half_failing", 40, 1e-8),
    (opt.ScipyMinimise("TNC"), "branin", 60, 1e-6),
    (opt.ScipyMinimise("SLSQP"), "branin", 60, 1e-6),
    (opt.ScipyMinimise("Powell"), "branin", 200, 1e-6),
    (opt.ScipyMinimise("COBYQA"), "rosenbrock_bound", 150, 1e-6),
    (opt.ScipyMinimise("COBYQA"), "disc", 300, 1e-4),
    (opt.ScipyMinimise("COBYLA"), "disc", 150, 1e-3),
]


def label(value):
    if isinstance(value, opt.AbstractOptimiser):
        return f"{type(value).__name__}{getattr(value, 'method', '')}"
    return str(value)


@pytest.mark.parametrize(("method", "name", "evaluations", "tolerance"), TABLE, ids=label)
def test_reaches_the_optimum(method, name, evaluations, tolerance):
    case = CASES[name]
    problem = case.build()
    run = solve(problem, method, budget=Budget(evaluations=evaluations), key=1, progress=False)
    assert run.succeeded
    assert case.value - 1e-9 <= run.best_value <= case.value + tolerance
    assert np.all((run.history.x >= 0) & (run.history.x <= 1))
    assert (run.counts.failed > 0) <= ("failing" in case.tags)


def _one(parameters, inputs):
    """Lowest at 0.3, of one variable."""
    return jnp.stack([parameters[0] - 0.3, 0.1 * (parameters[0] - 0.3) ** 2])


@pytest.mark.parametrize(
    "method",
    [
        opt.LevenbergMarquardt(),
        opt.BFGS(),
        opt.LBFGS(),
        opt.Adam(0.05, steps=300),
        opt.NelderMead(),
        opt.CMAES(),
        opt.CMAGradient(),
        opt.DifferentialEvolution(),
        opt.ParticleSwarm(),
        opt.RandomSearch(points=256),
        opt.SobolSearch(points=256),
        opt.DirectSearch(),
        opt.ScipyMinimise("L-BFGS-B"),
        opt.ScipyMinimise("Powell"),
        opt.ScipyMinimise("COBYQA"),
    ],
    ids=label,
)
def test_one_variable_is_enough(method):
    problem = formula_problem(
        _one, {"x": Linear(-1.0, 1.0)}, start=(-0.9,), name="one", data=np.zeros(2)
    )
    run = solve(problem, method, budget=Budget(evaluations=400), key=3, progress=False)
    assert run.best_value < 1e-4


@pytest.mark.parametrize(
    "method",
    [opt.CMAES(), opt.ParticleSwarm(), opt.DifferentialEvolution(), opt.RandomSearch()],
    ids=label,
)
def test_the_key_decides_the_run(method):
    problem = CASES["branin"].build()
    one, same, other = (
        solve(problem, method, budget=Budget(evaluations=90), key=k, progress=False)
        for k in (1, 1, 2)
    )
    assert np.array_equal(one.history.x, same.history.x)
    assert not np.array_equal(one.history.x[1:], other.history.x[1:])


@pytest.mark.parametrize("method", [opt.CMAES(), opt.DifferentialEvolution()], ids=label)
def test_the_global_stream_of_numpy_is_neither_read_nor_written(method):
    problem = CASES["branin"].build()
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    one = solve(problem, method, budget=Budget(evaluations=60), progress=False)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    same = solve(problem, method, budget=Budget(evaluations=60), progress=False)
    assert np.array_equal(one.history.x, same.history.x)


def test_bfgs_takes_the_steps_of_optimistix():
    """The linear model in place of the function changes nothing: against `optx.minimise`."""
    import jax.numpy as jnp
    import optimistix as optx

    problem = CASES["rosenbrock"].build()
    run = solve(problem, opt.BFGS(), budget=Budget(evaluations=500), progress=False)
    x0 = jnp.clip(jnp.asarray(run.history.x[0]), 1e-4, 1 - 1e-4)
    first = problem.evaluate(x0, "gradient")
    u0 = jnp.arcsin(2 * x0 - 1)
    size = 0.3 / jnp.linalg.norm(first.gradient * 0.5 * jnp.cos(u0))

    def function(u, _):
        return size * problem.evaluate(0.5 * (1 + jnp.sin(u))).value

    solver = optx.BFGS(rtol=1e-8, atol=1e-8)
    solution = optx.minimise(function, solver, u0, max_steps=500, throw=False)
    theirs = problem.evaluate(0.5 * (1 + jnp.sin(solution.value))).value
    assert abs(int(solution.stats["num_steps"]) - run.counts.evaluations) <= 3
    assert abs(float(theirs) - run.best_value) < 1e-12


def test_unknown_scipy_method():
    with pytest.raises(ValueError, match="method must be one of"):
        opt.ScipyMinimise("BFGS")


def test_evolution_that_learns_takes_gradients():
    problem = CASES["rosenbrock"].build()
    for method in (opt.CMAES(), opt.CMAGradient(), opt.CMAGradient("baldwinian")):
        run = solve(problem, method, budget=Budget(evaluations=150), key=3, progress=False)
        assert (run.counts.gradients > 10) == isinstance(method, opt.CMAGradient)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inherits": "darwinian"}, "inherits must be lamarckian or baldwinian"),
        ({"share": 0.0}, "share must be in"),
        ({"reach": -1.0}, "reach must be positive"),
    ],
)
def test_settings_of_evolution_that_learns_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        opt.CMAGradient(**settings)
