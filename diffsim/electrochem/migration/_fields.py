"""Where the electric field comes from."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._types import Scalar
from ...constants import faraday, gas_constant, vacuum_permittivity
from ...solvers import Bordered
from .._cell_system import CellSystem
from .._checks import check_positive
from ..kinetics._base import parameter
from ._interface import AbstractInterface, ZeroField
from ._ions import Ions
from ._neutral import NeutralSystem
from ._poisson import PoissonSystem
from ._system import AbstractIonSystem

Number = Float[Array, "..."]


class AbstractField(eqx.Module):
    """An equation for the electric field."""

    @abc.abstractmethod
    def layer(self, strength: Scalar, temperature: Scalar) -> Scalar:
        """Depth in m that the grid must resolve at the electrode; Σ z² c in mol/m³, T in K."""

    @abc.abstractmethod
    def assemble(self, cell: CellSystem, ions: Ions) -> tuple[AbstractIonSystem, Bordered]:
        """The equations of a cell and its state at rest."""


class Electroneutral(AbstractField):
    """Σ z_j c_j = 0 everywhere: the limit of a Debye length that is small beside everything.

    The potential follows from the current, which is the same through every plane. No double layer.
    """

    def layer(self, strength: Scalar, temperature: Scalar) -> Scalar:
        return jnp.asarray(jnp.inf)

    def assemble(self, cell: CellSystem, ions: Ions) -> tuple[AbstractIonSystem, Bordered]:
        system = NeutralSystem(cell, ions)  # pyright: ignore
        shape = (len(ions.charges), ions.volumes.size)
        nodes = jnp.broadcast_to(ions.bulk[:, None], shape)
        return system, Bordered(nodes, system.mass())


class Poisson(AbstractField):
    """Poisson's equation, ∇·(ε ∇φ) = −F Σ z_j c_j.

    **Arguments:**

    - `permittivity`: relative; 78.4 of water at 25 °C, 36 of acetonitrile.
    - `interface`: `ZeroField()` or `Stern(capacitance, zero_charge_potential)`.
    """

    permittivity: Number = eqx.field(converter=parameter("permittivity"), default=78.4)
    interface: AbstractInterface = ZeroField()

    def __check_init__(self):
        check_positive(self, "permittivity", "units of that of the vacuum")

    def layer(self, strength: Scalar, temperature: Scalar) -> Scalar:
        """The Debye length √(ε R T/(F² Σ z² c))."""
        return jnp.sqrt(self._stiffness(temperature) / strength)

    def _stiffness(self, temperature: Scalar) -> Scalar:
        """ε R T/F² in mol/m."""
        thermal = gas_constant * temperature / faraday**2
        return self.permittivity * vacuum_permittivity * thermal

    def assemble(self, cell: CellSystem, ions: Ions) -> tuple[AbstractIonSystem, Bordered]:
        scales = cell.scales
        squared = self._stiffness(cell.temperature) / (scales.concentration * scales.length**2)
        system = PoissonSystem(cell, ions, squared, self.interface)  # pyright: ignore
        return system, Bordered(system.at_rest(), system.mass())


def neutral_bulk(
    charges: Float[np.ndarray, " m"], bulk: Float[Array, " m"], counter: int | None
) -> Float[Array, " m"]:
    """The bulk with the concentration of the ion `counter` that makes it neutral."""
    if counter is None:
        return bulk
    rest = bulk.at[counter].set(0.0)
    return rest.at[counter].set(-jnp.sum(charges * rest) / charges[counter])
