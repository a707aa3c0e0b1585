"""Pictures of the studies of directional attacks, from what the cells hold."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from . import _attack_cells as shared


def draw_gaps(cells: list[dict[str, dict[str, Any]]], path: Path, label: str) -> None:
    """Median gap against evaluations, one line for each method."""
    longest = max(c["evaluations"] for row in cells for c in row.values())
    marks = np.unique(np.geomspace(1, longest, 60).astype(int))
    names = list(dict.fromkeys(name for row in cells for name in row))
    fig, axes = plt.subplots(figsize=(7.0, 4.6), layout="constrained")
    for i, name in enumerate(names):
        rows = [row for row in cells if name in row]
        median = [np.median([shared.gaps(row, m)[name] for row in rows]) for m in marks]
        style = "-" if i < 10 else "--"
        axes.loglog(marks, np.maximum(median, 1e-9), style, color=f"C{i % 10}", label=name)
    axes.set(xlabel=label, ylabel="median relative gap of the best feasible point")
    axes.legend(fontsize=8, ncols=2)
    axes.grid(alpha=0.3)
    _save(fig, path)


def draw_profiles(
    radii: np.ndarray, shares: dict[str, np.ndarray], bars: dict[str, Any], path: Path
) -> None:
    """S(r) for each kind of training (k,), and the exploitation gap with its interval."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.0), layout="constrained")
    for name, share in shares.items():
        left.semilogx(radii, share, label=name)
    left.set(xlabel="radius r", ylabel="share S(r) of attacks that improve the oracle")
    left.legend(fontsize=8)
    left.grid(alpha=0.3)
    for i, (_, (value, low, high)) in enumerate(bars.items()):
        right.errorbar(i, value, [[value - low], [high - value]], fmt="o", capsize=4, color=f"C{i}")
    right.set_xticks(range(len(bars)), list(bars))
    right.set_ylabel("exploitation gap (median, 95 %)")
    right.grid(alpha=0.3)
    _save(fig, path)


def _save(figure, path: Path) -> None:
    beside = path.with_name(f".{path.stem}.partial.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(beside, dpi=150)
    beside.replace(path)
    plt.close(figure)
