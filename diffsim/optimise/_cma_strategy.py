"""The strategy of the package `cma` in the unit cube, silent and with its own random stream."""

from typing import Any

import numpy as np


def strategy(
    x0: np.ndarray,
    deviation: float | int,
    tolerance: float | int,
    random: np.random.Generator,
    members: int | None = None,
) -> Any:
    """A `cma.CMAEvolutionStrategy` that begins at x0 (d,)."""
    import cma  # brings Matplotlib and a second of start-up: only for those who use it

    options = {
        "bounds": [0.0, 1.0],
        # Its own stream, so that the global one of NumPy is neither read nor seeded.
        "seed": np.nan,
        "randn": lambda *shape: random.standard_normal(shape),
        "tolx": tolerance,
        "tolfun": tolerance,
        # -10: not even a file that could change options during the run is looked for.
        "verbose": -10,
        "verb_log": 0,
    }
    if x0.size == 1:
        # cma 4.5 fails in one dimension where it would hold the deviation to a third of the box.
        options["maxstd"] = np.inf
    if members is not None:
        options["popsize"] = members
    return cma.CMAEvolutionStrategy(x0, deviation, options)
