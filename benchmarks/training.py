"""What it costs to train many surrogates at once, and to train with sharpness.

    python -m benchmarks.training [--quick] [--json]

Two sizes of perceptron, single precision, batches of the study's own size. CPU seconds:

- "large": 2 x 128, 24 inputs, 4096 rows, Gaussian likelihood, as `tf_bind_8`; warm, one epoch;
- "small": 2 x 64, 5 inputs, 150 rows, 60 epochs, squared error, as `offline_comparison`; warm, and
  as a user meets it, with the compilation.

`seeds_20_over_1` is that of the large size, warm. The rate of arithmetic says how near one seed
alone is to what a core can do: what runs at that rate already cannot gain from company.

Ratios of steps with and without sharpness are of medians over calls made in turn in one process, so
that what slows the machine down slows both; one seed, and twenty.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from surrogates import models, training

from ._shared import Figures, attempt, command_line, compiled, cpu_seconds, log, machine, print_json


class Size(NamedTuple):
    """What is trained, on how much."""

    inputs: int
    rows: int
    width: int
    batch: int
    epochs: int
    loss: training.AbstractLoss
    kind: type

    def operations(self) -> float:
        """Multiplications and additions of one training: three passes of twice the weights each."""
        heads = 2 if self.kind is models.GaussianMLP else 1
        weights = self.width * (self.inputs + self.width + heads)
        steps = self.epochs * (self.rows // self.batch)
        return 6.0 * weights * self.batch * steps


LARGE = Size(24, 4096, 128, 128, 1, training.GaussianNLL(), models.GaussianMLP)
SMALL = Size(5, 150, 64, 50, 60, training.MSE(), models.MLP)


def _program(size: Size, seeds: int, regulariser=None, *, activation: str = "leaky_relu"):
    """A warm program that trains, and CPU seconds of compiling it."""
    random = np.random.default_rng(0)
    x = random.uniform(size=(size.rows, size.inputs))
    data = training.training_data(x, np.sin(3 * x[:, 0]) + x[:, 1] ** 2)
    scales = models.Normalisation.of(data.x, data.y)

    def make(key):
        width = size.width
        return size.kind(scales, width=width, activation=activation, dtype=jnp.float32, key=key)

    stacked = models.initialise_members(make, jax.random.split(jax.random.key(0), seeds))
    trainer = training.Trainer(
        size.loss,
        training.Unregularised() if regulariser is None else regulariser,
        epochs=size.epochs,
        batch=size.batch,
    )

    def train(stacked, data, keys):
        one = lambda model, key: trainer(model, data, key)
        trained = eqx.filter_vmap(one)(stacked, keys)
        return models.split_weights(trained.model)[0], trained.log

    return compiled(train, stacked, data, jax.random.split(jax.random.key(1), seeds))


def _seeds(name: str, size: Size, repeats: int) -> Figures:
    """Twenty seeds against one: warm, and with the compilation of each."""
    warm, cold, figures = {}, {}, {}
    for seeds in (1, 20):
        program, compilation = _program(size, seeds)
        warm[seeds] = cpu_seconds(program, repeats=repeats)
        cold[seeds] = warm[seeds] + compilation
        figures[f"{name}_{seeds}_compile_cpu_s"] = compilation
        figures[f"{name}_{seeds}_cpu_s"] = warm[seeds]
        figures[f"{name}_{seeds}_gflop_per_s"] = 1e-9 * seeds * size.operations() / warm[seeds]
        log(f"{name}, {seeds} seeds: {warm[seeds]:.3f} s and {compilation:.1f} s of compilation")
    figures[f"{name}_seeds_20_over_1"] = warm[20] / warm[1]
    figures[f"{name}_seeds_20_over_1_with_compilation"] = cold[20] / cold[1]
    return figures


def measure(*, rows: int = LARGE.rows, repeats: int = 7) -> Figures:
    """The figures."""
    large = LARGE._replace(rows=rows)
    figures = _seeds("large", large, repeats)
    figures |= _seeds("small", SMALL, repeats)
    figures["seeds_20_over_1"] = figures["large_seeds_20_over_1"]
    for name, activation, seeds in (
        ("ignite_step_ratio", "leaky_relu", 1),
        ("ignite_step_ratio_20_seeds", "leaky_relu", 20),
        ("ignite_exact_step_ratio", "silu", 1),
        ("ignite_exact_step_ratio_20_seeds", "silu", 20),
    ):
        programs = {
            kind: _program(large, seeds, regulariser, activation=activation)[0]
            for kind, regulariser in (("plain", None), ("ignite", training.SharpnessConstraint()))
        }
        seconds = _in_turn(programs, 3 * repeats if seeds == 1 else repeats)
        figures[name] = seconds["ignite"] / seconds["plain"]
    return figures


def _in_turn(programs: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each program, one call of each in turn."""
    spent: dict[str, list[float]] = {name: [] for name in programs}
    for program in programs.values():
        program()
    for _ in range(rounds):
        for name, program in programs.items():
            began = time.process_time()
            program()
            spent[name].append(time.process_time() - began)
    return {name: float(np.median(times)) for name, times in spent.items()}


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
