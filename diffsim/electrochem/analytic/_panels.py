"""Panels refined towards the corners of a waveform, and the semi-integral over them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from ._types import Number


@dataclass(frozen=True)
class Ramp:
    """A piece of the waveform: θ goes linearly from `start` to `end` within `duration`."""

    duration: Number
    start: Number
    end: Number

    def __post_init__(self):
        if not self.duration > 0:
            raise ValueError(f"duration must be positive, but duration={self.duration}.")


class Panels:
    """The panels of a waveform and the semi-integral over them."""

    def __init__(self, ramps: Sequence[Ramp], order: int, longest: float, finest: float):
        widths, theta, self.first = [], [], []
        for ramp in ramps:
            self.first.append(len(widths))
            # No panel longer than its distance from the corner: the singularity in
            # √s then lies far enough outside for the polynomial to converge geometrically.
            rate = (ramp.end - ramp.start) / ramp.duration
            limit = longest / abs(rate) if rate else np.inf
            cuts = [0.0, finest * min(ramp.duration, limit)]
            while cuts[-1] < ramp.duration:
                cuts.append(cuts[-1] + min(cuts[-1], limit))
            # The overshoot of the last panel is taken from the last two.
            cuts[-1] = ramp.duration
            if len(cuts) > 2:
                cuts[-2] = 0.5 * (cuts[-3] + cuts[-1])
            widths += list(np.diff(cuts))
            theta += [
                (ramp.start + rate * a, ramp.start + rate * b) for a, b in itertools.pairwise(cuts)
            ]
        self.widths = np.array(widths)
        self.theta_edges = np.array(theta)
        self.edges = np.concatenate([[0.0], np.cumsum(self.widths)])
        self.order = order

        self.nodes = nodes = radau_nodes(order)
        self.theta = self.theta_edges[:, :1] + nodes * np.diff(self.theta_edges, axis=1)
        self.times = self.edges[:-1, None] + nodes * self.widths[:, None]
        self.to_coefficients = np.linalg.inv(legendre.legvander(2 * nodes - 1, order - 1))

        points, weights = legendre.leggauss(order)
        self._points, self._weights = 0.5 * (points + 1), 0.5 * weights
        # ∫ over the panel itself up to the node x: u = x − v², 0 < v < √x.
        v = np.sqrt(nodes)[:, None] * self._points
        self._own = self._apply(nodes[:, None] - v**2, np.sqrt(nodes))

    def _apply(self, local: np.ndarray, length: np.ndarray) -> np.ndarray:
        """(2/√π)·length·∫ p(local) for each cardinal polynomial p."""
        vander = legendre.legvander(2 * local - 1, self.order - 1)
        averages = np.einsum("...gk,g->...k", vander, self._weights)
        return (2 / np.sqrt(np.pi)) * length[..., None] * (averages @ self.to_coefficients)

    def own(self, panel: int) -> np.ndarray:
        """Semi-integral over a panel, at its own points, as a matrix."""
        return np.sqrt(self.widths[panel]) * self._own

    def onto_later(self, panel: int) -> np.ndarray:
        """Semi-integral over a panel, at the points of all later ones (later, n, n).

        With u = s − v² the integrand is a polynomial in v, so that Gauss's rule is exact.
        Distances are summed from the panel outwards: a difference of absolute times would
        lose the digits of the finest panels.
        """
        width, later = self.widths[panel], self.widths[panel + 1 :]
        gap = np.concatenate([[0.0], np.cumsum(later)[:-1]])
        near = np.sqrt(gap[:, None] + self.nodes * later[:, None])
        length = width / (np.sqrt(near**2 + width) + near)
        step = self._points * length[..., None]
        return self._apply(1.0 - step * (2 * near[..., None] + step) / width, length)


def radau_nodes(order: int) -> np.ndarray:
    """Radau's points in (0, 1], the right end included: zeros of Pₙ − Pₙ₋₁."""
    series = np.zeros(order + 1)
    series[-2:] = -1.0, 1.0
    nodes = 0.5 * (1.0 + np.sort(legendre.legroots(series).real))
    nodes[-1] = 1.0
    return nodes
