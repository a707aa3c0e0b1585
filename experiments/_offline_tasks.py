"""The tasks of `offline_comparison`, by name."""

from collections.abc import Callable

from surrogates import tasks

# On these the default recipe was tuned (seeds from 100): they are no part of the comparison.
FUNCTIONS: dict[str, Callable[[int], tasks.ProblemTask]] = {
    "branin": lambda pool: tasks.analytic_task("branin", pool=pool, gradients=True),
    "hartmann6": lambda pool: tasks.analytic_task("hartmann6", pool=pool, gradients=True),
    "levy8": lambda pool: tasks.wide_analytic_task("levy", 8, pool=pool, gradients=True),
    "styblinski_tang8": lambda pool: tasks.wide_analytic_task(
        "styblinski_tang", 8, pool=pool, gradients=True
    ),
}
SIMULATORS: dict[str, Callable[[int], tasks.ProblemTask]] = {
    "steady_state": lambda pool: tasks.steady_state_recovery(pool=pool, gradients=True),
    "steady_state_biased": lambda pool: tasks.biased_steady_state_recovery(gradients=True),
    "cell_design": lambda pool: tasks.cell_design(pool=pool, gradients=True),
    "voltammetric_recovery": lambda pool: tasks.voltammetric_recovery(pool=pool, gradients=True),
    "sweep_design": lambda pool: tasks.sweep_design(pool=pool, gradients=True),
    "resistive_recovery": lambda pool: tasks.resistive_recovery(pool=pool, gradients=True),
    "five_scan_recovery": lambda pool: tasks.five_scan_recovery(pool=pool, gradients=True),
    "shell_shape": lambda pool: tasks.shell_shape(pool=pool, gradients=True),
    "waveform_design": lambda pool: tasks.waveform_design(pool=pool, gradients=True),
}
TASKS = SIMULATORS | FUNCTIONS
