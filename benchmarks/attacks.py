"""What attacks and direct search cost beside the evaluations themselves.

    python -m benchmarks.attacks [--quick] [--json]

- `attack_16_radii_over_vjp`: one jitted attack (FGSM, unconstrained) over 16 radii, in units of one
  value and vector-Jacobian product of the same network; `constrained_...` the same with two
  constraints and the projection; `pgd_...` ten refreshed inner steps.
- `seeds_20_over_1`: the attack from 20 points at once under `vmap`, in units of one.
- `cdsm_overhead_ms`: CPU time of covering direct search for each evaluation, n = 100, amortised
  over its polls, covering steps and searches; the evaluation itself and the driver are left out.
  `driver_overhead_ms` the same with the driver (counting, history, ordering, no log), the compiled
  evaluation alone left out: the difference of two runs, so that what each solve costs drops out.
- `archive_exponent`: slope of the time of all history searches over the number of evaluations
  (doubly logarithmic); 2 would be quadratic.
"""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import diffsim as ds
import surrogates as su
from diffsim._status import from_code
from diffsim.optimise import FarthestPointCovering, Traits
from diffsim.optimise._covering import CloudState
from surrogates import search

from ._shared import (
    Figures,
    attempt,
    command_line,
    compiled,
    cpu_seconds,
    log,
    machine,
    no_compilation_cache,
    print_json,
)

_SIZE, _OUTPUTS, _WIDTH, _RADII = 100, 20, 512, 16


def _landscape(constrained: bool) -> search.AbstractLandscape:
    network = eqx.nn.MLP(_SIZE, _OUTPUTS, _WIDTH, 3, jnp.tanh, key=jax.random.key(0))
    problem = su.network_problem(
        network,
        -1.0,
        1.0,
        size=_SIZE,
        maximise=lambda y: -jnp.sum(y[:10] ** 2),
        subject_to=(lambda y: y[10:12] - 0.1) if constrained else None,
    )
    return search.landscape_of(problem)


def _one_vjp(landscape, x):
    """One value and one vector-Jacobian product: what a gradient step would cost."""
    answer, pullback = jax.vjp(landscape, x)
    return answer, pullback(jnp.eye(1, answer.size)[0])[0]


def attack_figures() -> Figures:
    """The cost of attacks in units of one derivative."""
    figures: Figures = {}
    x = jnp.full(_SIZE, 0.4)
    radii = jnp.geomspace(1e-4, 0.3, _RADII)
    for name, constrained, attack in (
        ("", False, su.FGSM()),
        ("constrained_", True, su.FGSM()),
        ("pgd_", False, su.PGD()),
    ):
        landscape = _landscape(constrained)
        unit, _ = compiled(_one_vjp, landscape, x)
        call, _ = compiled(lambda a, s, x, r: a(s, x, r), attack, landscape, x, radii)
        base = cpu_seconds(unit)
        figures[f"{name}attack_16_radii_over_vjp"] = cpu_seconds(call) / base
        figures[f"{name}vjp_ms"] = 1e3 * base
    landscape = _landscape(False)
    many = jnp.linspace(0.2, 0.8, 20)[:, None] * jnp.ones(_SIZE)
    one, _ = compiled(lambda s, x, r: su.FGSM()(s, x, r), landscape, many[0], radii)
    both, _ = compiled(
        lambda s, x, r: jax.vmap(lambda p: su.FGSM()(s, p, r))(x), landscape, many, radii
    )
    figures["seeds_20_over_1"] = cpu_seconds(both) / cpu_seconds(one)
    return figures


def overhead_figures(evaluations: int) -> Figures:
    """CPU time of the method itself at n = 100, on a function that costs nothing."""
    method, kind = ds.DirectSearch(), ds.DirectSearch
    random = np.random.default_rng(0)
    scales = random.uniform(0.5, 2.0, _SIZE)
    result = from_code(np.zeros(1))
    slacks = jnp.zeros((1, 0))
    start = jnp.full(_SIZE, 0.7)
    state, spent, count = method.init(start, jax.random.key(0), Traits(_SIZE, 0, False)), 0.0, 0
    request = kind.ask(method, state)
    while count < evaluations:
        values = jnp.asarray(np.sum(scales * (request.points - 0.3) ** 2, axis=1))
        answer = ds.Evaluation(values, slacks, result)
        begin = time.process_time()
        state = kind.tell(method, state, request, answer)
        request = kind.ask(method, state)
        spent += time.process_time() - begin
        count += 1
    return {"cdsm_overhead_ms": 1e3 * spent / count}


def driver_figures(evaluations: int) -> Figures:
    """CPU time of a whole `solve` for each evaluation more, n = 100, less the evaluation's own."""
    problem = su.network_problem(
        lambda x: x, 0.0, 1.0, size=_SIZE, maximise=_bowl, start=[0.7] * _SIZE
    )
    spent = []
    for budget in (100, evaluations, 2 * evaluations):  # the first compiles
        begin = time.process_time()
        run = ds.solve(problem, ds.DirectSearch(), budget=budget, progress=False)
        spent.append(time.process_time() - begin - run.counts.evaluation_cpu_seconds)
    return {"driver_overhead_ms": 1e3 * (spent[2] - spent[1]) / evaluations}


def _bowl(y):
    return -jnp.sum((y - 0.3) ** 2)


def archive_figures(longest: int) -> Figures:
    """How the covering step's search of the history grows with the history, n = 100."""
    numbers = [longest // 8, longest // 4, longest // 2, longest]
    times = [_covering_seconds(n) for n in numbers]
    slope = np.polyfit(np.log(numbers), np.log(times), 1)[0]
    return {
        "archive_exponent": float(slope),
        "covering_us_per_evaluation": 1e6 * times[-1] / longest,
    }


def _covering_seconds(evaluations: int) -> float:
    """All covering steps of a search that evaluates 40 points between them and whose incumbent
    moves by a tenth of what it did before at every tenth iteration."""
    from diffsim.optimise import PointArchive, Scene, Trial

    covering, random = FarthestPointCovering(), np.random.default_rng(0)
    archive, x = PointArchive(_SIZE), np.full(_SIZE, 0.5)
    own: CloudState = covering.begin(_SIZE, 0)
    spent = 0.0
    for iteration in range(evaluations // 40):
        if iteration % 10 == 0:
            x = np.clip(x + 0.1 / (1 + iteration) * random.uniform(-1, 1, _SIZE), 0, 1)
        points = np.clip(x + 0.1 * random.uniform(-1, 1, (40, _SIZE)), 0, 1)
        archive = archive.append(points, np.zeros((40, 1)))
        trial = Trial(x, 0.0, np.zeros(0), 0.0)
        scene = Scene((trial,), archive, 0.1, 1e-7, 1.0, 0.1, iteration, random)
        begin = time.process_time()
        _, own = covering.propose(own, scene)
        spent += time.process_time() - begin
    return spent


def main() -> None:
    parser = command_line("attacks", __doc__)
    parser.add_argument("--quick", action="store_true", help="fewer evaluations")
    arguments = parser.parse_args()
    no_compilation_cache()
    figures: Figures = machine()
    log("attacks")
    attempt(figures, ("attack_16_radii_over_vjp",), attack_figures)
    log("overhead")
    count = 1000 if arguments.quick else 8000
    attempt(figures, ("cdsm_overhead_ms",), lambda: overhead_figures(count))
    attempt(figures, ("driver_overhead_ms",), lambda: driver_figures(count))
    attempt(figures, ("archive_exponent",), lambda: archive_figures(4 * count))
    if arguments.json:
        print_json(figures)
    else:
        for name, value in figures.items():
            print(f"{name:36} {value}")


if __name__ == "__main__":
    main()
