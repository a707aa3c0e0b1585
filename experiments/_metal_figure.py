"""The picture of the metal's kinetics: every law over the measured currents."""

from pathlib import Path

import numpy as np


def draw(data, fits, path: Path) -> None:
    """One panel for each electrolyte and kind of residual, currents on a logarithmic axis."""
    import jax.numpy as jnp
    import matplotlib.pyplot as plt

    kinds = ("linear", "logarithmic")
    figure, axes = plt.subplots(
        len(kinds), len(data), figsize=(4.6 * len(data), 6.4), layout="constrained", squeeze=False
    )
    for row, residual in zip(axes, kinds, strict=True):
        for axis, (electrolyte, (eta, density)) in zip(row, data.items(), strict=True):
            fine = np.linspace(eta.min(), eta.max(), 400)
            for (kind, name, law), (problem, run) in fits.items():
                if (kind, name) != (residual, electrolyte):
                    continue
                electrode = problem.space.apply(problem.simulator, jnp.asarray(run.best_x))
                axis.semilogy(fine, 0.1 * electrode(fine).values["magnitude"], label=law)
            axis.semilogy(eta, 0.1 * density, "k.", zorder=5)
            axis.set(
                title=f"{electrolyte}, {residual} residuals", ylim=(0.05 * density.min(), None)
            )
            axis.set(xlabel="overpotential, V", ylabel="|j|, mA/cm²")
    axes[0, 0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}")
    figure.savefig(beside, dpi=110, format="png")
    beside.replace(path)
    plt.close(figure)
