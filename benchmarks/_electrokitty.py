"""The peer ElectroKitty (PyPI, BSD licence): a compiled C++ simulator of voltammograms.

Its scheme: an exponentially growing grid up to 6 √(D t), four-point differences in space,
backward Euler at the times of the potential programme, a Newton iteration on all unknowns in
every step. Called through its public class; what is timed is `simulate()` alone, so that
parsing the mechanism and setting the parameters are not charged to it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

VERSIONS = "electrokitty>=1.0.11.6"


@dataclass(frozen=True)
class Settings:
    """First interval as a fraction of the domain, number of nodes, number of times."""

    first: float
    nodes: int
    times: int

    @property
    def work(self) -> float:
        """A guess at the cost, only to order the trials: measured about times · nodes²."""
        return self.times * self.nodes**2


LADDER = tuple(
    sorted(
        (
            Settings(first, nodes, times)
            for first in (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)
            for nodes in (8, 10, 14, 20, 28, 40)
            for times in (250, 500, 1000, 2000)
        ),
        key=lambda settings: settings.work,
    )
)


class Couple:
    """A one-electron Butler-Volmer couple at a plane, cyclic sweep from `start` to `vertex`.

    SI units; `concentration` of the oxidised species, that of the reduced one is zero.
    """

    def __init__(self, *, k0, alpha, diffusivity, concentration, area, temperature, start, vertex,
                 scan_rate):  # fmt: skip
        from electrokitty import ElectroKitty  # the extra `bench`

        self._make = ElectroKitty
        self._kinetics = [[float(alpha), float(k0), 0.0]]
        self._cell = [float(temperature), 0.0, 0.0, float(area)]
        self._diffusivity, self._bulk = [float(diffusivity)] * 2, [float(concentration), 0.0]
        self._programme = (float(start), float(vertex), float(scan_rate), 0.0, 0.0)

    def prepare(self, settings: Settings) -> Any:
        """The simulator, ready for `simulate()`."""
        cell = self._make("E(1):a=b")
        cell.V_potential(*self._programme, settings.times)
        # Viscosity and rotation rate: no rotation.
        space = [settings.first, settings.nodes, 1e-6, 0.0]
        cell.create_simulation(
            self._kinetics, self._cell, self._diffusivity, [], space, [[], self._bulk]
        )
        return cell

    def simulate(
        self, settings: Settings
    ) -> tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"], Float[np.ndarray, " t"]]:
        """Times in s, potentials in V, currents in A (reduction negative)."""
        potential, current, times = self.prepare(settings).simulate()
        return np.asarray(times), np.asarray(potential), np.asarray(current)
