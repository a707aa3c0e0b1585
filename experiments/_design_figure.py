"""Pictures of designed experiments: what was chosen, and whether the promise was kept."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from diffsim import design

_SIZE = 11


def draw(designs, rehearsals, directory: Path) -> None:
    """`designs.png`: the criterion over pairs of scan rates, the programme, promise and outcome."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(10.5, 8.0), layout="constrained")
    panels = (("scan_rates_2", _pairs, "two scan rates"), ("vertices", _programme, "one programme"))
    for i, (name, choice, title) in enumerate(panels):
        if name in designs:
            choice(axes[0, i], *designs[name])
            _errors(axes[1, i], rehearsals[name], title)
        else:
            axes[0, i].remove()
            axes[1, i].remove()
    beside = directory / ".designs.png"
    figure.savefig(beside, dpi=110, format="png")
    beside.replace(directory / "designs.png")
    plt.close(figure)


def d_value(problem, x) -> float:
    """The value of `DOptimal` at a design."""
    covariance = design.predict(problem, x).covariance
    return float(np.linalg.slogdet(covariance)[1] / len(covariance))


def _pairs(axis, problem, run) -> None:
    """Efficiency of every pair of scan rates, beside the best."""
    grid = np.linspace(0.0, 1.0, _SIZE)
    points = jnp.stack([jnp.ravel(a) for a in jnp.meshgrid(grid, grid, indexing="ij")], axis=1)
    # One after another: a batch would be as slow as its slowest, and the program is there already.
    values = np.array([d_value(problem, x) for x in points])
    efficiency = np.exp(run.best_value - values).reshape(_SIZE, _SIZE)
    rates = np.array([float(problem.space.physical(x)["scan_rate@1"]) for x in points])
    rates = rates.reshape(_SIZE, _SIZE)[:, 0]
    levels = np.linspace(0.0, 1.0, 11)
    drawn = axis.contourf(rates, rates, efficiency.T, levels=levels, cmap="viridis")
    axis.figure.colorbar(drawn, ax=axis, label="D-efficiency")
    usual = problem.space.physical(jnp.asarray(problem.space.initial(problem.simulator)))
    for values, marker, label in ((usual, "s", "usual"), (run.best_physical, "*", "designed")):
        pair = [float(values[f"scan_rate@{i}"]) for i in (1, 2)]
        axis.plot(*pair, marker, color="w", mec="k", ms=11, label=label, clip_on=False)
    axis.set(xscale="log", yscale="log", xlabel="first scan rate, V/s", ylabel="second, V/s")
    axis.set_title("a pair of scan rates for four parameters")
    axis.legend(loc="center")


def _programme(axis, problem, run) -> None:
    """Potential against the part of the time that has passed."""
    for x, label in (
        (problem.space.initial(problem.simulator), "usual"),
        (run.best_x, "designed"),
    ):
        waveform = problem.space.apply(problem.simulator, jnp.asarray(x)).inputs
        times = np.concatenate([[0.0], np.cumsum(np.asarray(waveform.durations))])
        corners = np.asarray(waveform.corners)
        axis.plot(times / times[-1], corners, "o-", ms=4, label=f"{label}: {times[-1]:.3g} s")
    axis.set(xlabel="part of the time", ylabel="E − E⁰′, V", title="one programme")
    axis.set_ylim(-0.55, 0.4)
    axis.legend(loc="lower center", ncols=2)


def _errors(axis, rehearsals, title: str) -> None:
    """Standard errors promised (bars) and observed (points), in parts of the range."""
    names = rehearsals["usual"]["names"]
    places = np.arange(len(names))
    for shift, (which, made) in zip((-0.2, 0.2), rehearsals.items(), strict=True):
        promised = np.sqrt(np.diag(np.array(made["predicted"])))
        observed = np.sqrt(np.diag(np.array(made["observed"])))
        spread = observed / np.sqrt(2.0 * len(made["errors"]))
        axis.bar(places + shift, promised, 0.38, label=f"{which}, promised", alpha=0.6)
        axis.errorbar(places + shift, observed, 2.0 * spread, fmt="k.", capsize=3)
    axis.set_xticks(places, [name.replace("_", "\n") for name in names])
    axis.set(yscale="log", ylabel="standard error, parts of the range", title=title)
    # Room for the legend above the bars.
    low, high = axis.get_ylim()
    axis.set_ylim(low, 2.5 * high)
    axis.legend(title="points: simulated fits", loc="upper center", ncols=2)
