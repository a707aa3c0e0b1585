"""The picture of the concentrated electrolyte: profiles and velocities, measured and computed."""

from pathlib import Path

import numpy as np


def draw(problem, observables, record, path: Path) -> None:
    """Profiles that were fitted, velocities that were predicted, and t₊⁰ against concentration."""
    import matplotlib.pyplot as plt

    values = {name: np.asarray(value) for name, value in observables.values.items()}
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    x = 1e3 * values["position"]
    colours = plt.get_cmap("viridis")(np.linspace(0.0, 0.9, len(record.profiles)))
    for colour, (time, table) in zip(colours, sorted(record.profiles.items()), strict=True):
        row = int(np.argmin(np.abs(values["time"] - time)))
        left.plot(1e3 * table[:, 0], 1e-3 * table[:, 1], ".", color=colour)
        left.plot(
            x, 1e-3 * values["concentration"][row], color=colour, label=f"{time / 60:.0f} min"
        )
    left.set(xlabel="position, mm", ylabel="concentration, mol/L", title="fitted")
    left.legend(fontsize=7)
    for k, (place, table) in enumerate(sorted(record.velocities.items())):
        at = [np.interp(1e3 * place, x, row) for row in values["velocity"]]
        middle.plot(table[:, 0] / 3600, 1e9 * table[:, 1], ".", color=f"C{k}")
        middle.plot(
            values["time"] / 3600, 1e9 * np.array(at), color=f"C{k}", label=f"{1e3 * place:.2f} mm"
        )
    middle.set(xlabel="time, h", ylabel="solvent velocity, nm/s", title="predicted", xlim=(0, 11))
    middle.legend(fontsize=7)
    c = np.linspace(values["concentration"].min(), values["concentration"].max(), 200)
    law = problem.simulator.electrolyte.transference
    p0, p1 = values["adjustable"][:2]
    right.plot(1e-3 * c, p0 + p1 * (c - float(law.reference)) / float(law.reference))
    right.axhline(0.0, color="0.7", linewidth=0.8)
    right.set(xlabel="concentration, mol/L", ylabel="transference number", title="found")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}")
    figure.savefig(beside, dpi=110, format="png")
    beside.replace(path)
    plt.close(figure)
