"""The picture of weakly supported media: curves by support, and a published curve taken apart."""

from pathlib import Path

import numpy as np


def draw(curves, apart, path: Path) -> None:
    """Left all supports; right what is between the published curve, its scheme refined, and us."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0.0, 0.9, len(curves)))
    for colour, (support, (theta, flux)) in zip(colours, curves.items(), strict=True):
        left.plot(theta, flux, color=colour, lw=1.0, label=f"{support:g}")
    left.set(xlabel="FE/RT", ylabel="flux, $D c^*/r$", title="$c_{sup}/c^*$, Poisson")
    left.legend(fontsize=7, ncols=2)
    names = ("published", "no steps", "no steps, finer grid", "limit")
    labels = ("published", "its steps → 0", "and half the growth of its grid", "and its grid → 0")
    for name, label in zip(names, labels, strict=True):
        right.plot(1e3 * (apart[name] - apart["ours"]), lw=1.0, label=label)
    right.set(
        xlabel="number of the point", ylabel="$10^3$ (flux − ours)", title="The published curve"
    )
    right.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}")
    figure.savefig(beside, dpi=110, format="png")
    beside.replace(path)
    plt.close(figure)
