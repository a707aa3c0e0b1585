"""What it costs to train many surrogates at once, and to train with sharpness.

    python -m benchmarks.training [--quick] [--json]

One perceptron is the comparator throughout: 2 x 128, 24 inputs, single precision, Gaussian
likelihood, batches of 128, as in the study `tf_bind_8`. CPU seconds, warm, compilation apart.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from surrogates import models, training

from ._shared import Figures, attempt, command_line, compiled, cpu_seconds, log, machine, print_json

_INPUTS, _ROWS = 24, 4096


def _data() -> training.TrainingData:
    random = np.random.default_rng(0)
    x = random.uniform(size=(_ROWS, _INPUTS))
    return training.training_data(x, np.sin(3 * x[:, 0]) + x[:, 1] ** 2)


def _program(seeds: int, regulariser=None, *, activation: str = "leaky_relu", rows: int = _ROWS):
    """A warm program that trains for one epoch, and CPU seconds of compiling it."""
    data = _data().at(jnp.arange(rows))
    scales = models.Normalisation.of(data.x, data.y)

    def make(key):
        return models.GaussianMLP(
            scales, width=128, activation=activation, dtype=jnp.float32, key=key
        )

    stacked = models.initialise_members(make, jax.random.split(jax.random.key(0), seeds))
    trainer = training.Trainer(
        training.GaussianNLL(),
        training.Unregularised() if regulariser is None else regulariser,
        epochs=1,
    )

    def train(stacked, data, keys):
        one = lambda model, key: trainer(model, data, key)
        trained = eqx.filter_vmap(one)(stacked, keys)
        return models.split_weights(trained.model)[0], trained.log

    return compiled(train, stacked, data, jax.random.split(jax.random.key(1), seeds))


def measure(*, rows: int = _ROWS, repeats: int = 7) -> Figures:
    """The figures."""
    seconds, figures = {}, {}
    constraint = training.SharpnessConstraint()
    for name, arguments in {
        "one": (1,),
        "seeds_20": (20,),
        "ignite": (1, constraint),
        "seeds_20_ignite": (20, constraint),
    }.items():
        program, figures[f"{name}_compile_cpu_s"] = _program(*arguments, rows=rows)
        seconds[name] = cpu_seconds(program, repeats=repeats)
        figures[f"{name}_epoch_cpu_s"] = seconds[name]
        log(f"{name}: {seconds[name]:.3f} s")
    for name, regulariser in (("smooth", None), ("smooth_ignite", constraint)):
        program, _ = _program(1, regulariser, activation="silu", rows=rows)
        seconds[name] = cpu_seconds(program, repeats=repeats)
    return figures | {
        "seeds_20_over_1": seconds["seeds_20"] / seconds["one"],
        "ignite_step_ratio": seconds["ignite"] / seconds["one"],
        "ignite_step_ratio_20_seeds": seconds["seeds_20_ignite"] / seconds["seeds_20"],
        "ignite_exact_step_ratio": seconds["smooth_ignite"] / seconds["smooth"],
    }


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = command_line("training", __doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: 256 rows")
    options = parser.parse_args(arguments)
    figures: Figures = dict(machine())
    small = {"rows": 256, "repeats": 1} if options.quick else {}
    attempt(figures, ["seeds_20_over_1", "ignite_step_ratio"], lambda: measure(**small))
    for name, value in figures.items():
        log(f"{name}: {value}")
    if options.json:
        print_json(figures)


if __name__ == "__main__":
    main()
