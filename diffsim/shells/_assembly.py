"""Several sheets, solids and rigid bodies in one system, which touch each other."""

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int, PyTree

from .._types import Scalar, ScalarLike
from ..solvers import (
    AbstractElements,
    AbstractSlant,
    NewtonSettings,
    Potential,
    Slip,
    SparsePattern,
    sparse_pattern,
)
from ._apart import check_bodies_apart
from ._deformable import AbstractBody, AbstractDeformable
from ._supports import Hold
from .contact import BodyContact, SelfContact
from .mesh import Skin


class Assembly(AbstractDeformable):
    """Bodies that move together: sheets, elastic solids and rigid bodies.

    The unknowns q are the coordinates of all vertices, body by body, and then what else each body
    has (rotations of edges, frames). `positions` of a `Dynamics` are (v, 3) in that order, and
    `vertices` says which belong to whom.

    **Arguments:**

    - `bodies`: by name, `Shell`s, `Solid`s and `RigidBody`s with their own materials, loads,
      supports and contacts with prescribed bodies. Rest shapes are where they start, unless
      `Dynamics` is told otherwise.
    - `self_contact`: of all the surfaces with each other, and of sheets with themselves. Without
      it the bodies pass through each other. Solids and rigid bodies do not meet themselves.

    **Raises:** `ValueError` for no bodies, something else than a body, a body with a
    `self_contact` of its own, or a law that reaches across elements.
    """

    bodies: tuple[AbstractBody, ...]
    self_contact: SelfContact | None
    topology: Skin
    places: tuple[Int[Array, " _"], ...]
    slant: AbstractSlant | None
    pattern: SparsePattern
    names: tuple[str, ...] = eqx.field(static=True)

    def __init__(
        self, bodies: Mapping[str, AbstractBody], *, self_contact: SelfContact | None = None
    ):
        _check(bodies)
        self.names, self.bodies = tuple(bodies), tuple(bodies.values())
        self.self_contact = self_contact
        self.topology = _skin(self.bodies)
        self.places = _places(self.bodies)
        if self_contact is not None:
            self_contact.check(self.topology)
        self.slant = _slant(self.bodies, self.places)
        batches = [
            _moved(batch, place)
            for body, place in zip(self.bodies, self.places, strict=True)
            for batch in body.elements()
        ]
        indices = tuple(np.asarray(batch.slanted_indices) for batch in batches)
        self.pattern = sparse_pattern(self.size, indices, (self._in_turn(),))

    @property
    def mesh(self) -> Skin:
        """The surfaces of all bodies; vertices inside solids have no face."""
        rest = jnp.concatenate([body.mesh.positions for body in self.bodies])
        return eqx.tree_at(lambda skin: skin.positions, self.topology, rest)

    @property
    def contacts(self) -> tuple[BodyContact, ...]:
        """Those of all bodies with prescribed ones."""
        return tuple(contact for body in self.bodies for contact in body.contacts)

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The supports of all bodies."""
        return tuple(hold for body in self.bodies for hold in body.holds)

    @property
    def size(self) -> int:
        return sum(body.size for body in self.bodies)

    @property
    def follows(self) -> bool:
        return any(body.follows for body in self.bodies)

    @property
    def rubs(self) -> bool:
        own = self.self_contact
        return any(b.rubs for b in self.bodies) or (own is not None and own.friction is not None)

    def vertices(self, name: str) -> Int[np.ndarray, " _"]:
        """Which vertices belong to a body.

        **Raises:** `ValueError` if there is none of that name.
        """
        if name not in self.names:
            raise ValueError(f"a body must be one of {', '.join(self.names)}, but is {name!r}.")
        ends = np.cumsum([0, *(body.mesh.num_vertices for body in self.bodies)])
        number = self.names.index(name)
        return np.arange(ends[number], ends[number + 1])

    def held_vertices(self) -> Int[np.ndarray, " _"]:
        pieces = zip(self.names, self.bodies, strict=True)
        return np.concatenate([self.vertices(name)[body.held_vertices()] for name, body in pieces])

    def numbers(self) -> dict[str, str]:
        return {
            f"{name}.{number}": f"bodies.{i}.{path}"
            for i, (name, body) in enumerate(zip(self.names, self.bodies, strict=True))
            for number, path in body.numbers().items()
        }

    def unknowns(self, positions: Float[Array, "v 3"]) -> Float[Array, " n"]:
        return self._joined(
            body.unknowns(own)
            for body, own in zip(self.bodies, self._split(positions), strict=True)
        )

    def mass(self) -> Float[Array, " n"]:
        return self._joined(body.mass() for body in self.bodies)

    # Jitted, so that it is traced once: a step asks for the potential at several times.
    @eqx.filter_jit
    def potential(
        self,
        time: ScalarLike = 0.0,
        factor: ScalarLike = 1.0,
        slip: Slip | None = None,
        memory: PyTree = None,
    ) -> Potential:
        memories = (None,) * len(self.bodies) if memory is None else memory
        own = self.self_contact
        parts = [
            body.potential(time, factor, None if slip is None else _of(slip, place), past)
            for body, place, past in zip(self.bodies, self.places, memories, strict=True)
        ]
        elements = (
            _moved(batch, place)
            for part, place in zip(parts, self.places, strict=True)
            for batch in part.elements
        )
        zeros = jnp.zeros(self.size)
        return Potential(
            elements=tuple(elements),
            force=self._joined(part.force for part in parts),
            inertia=zeros,
            centre=zeros,
            free=self._joined(part.free for part in parts).astype(bool),
            held=self._joined(part.held for part in parts),
            pattern=self.pattern,
            loose=() if own is None or slip is None else own.rubbing(self.mesh, slip),
            encounters=() if own is None else (own.encounters(self.mesh),),
            slant=self.slant,
        )

    def energies(
        self, q: Float[Array, " n"], time: ScalarLike = 0.0, memory: PyTree = None
    ) -> dict[str, Scalar]:
        """The sums over the bodies, by name."""
        memories = (None,) * len(self.bodies) if memory is None else memory
        found: dict[str, Scalar] = {}
        for body, place, past in zip(self.bodies, self.places, memories, strict=True):
            for name, value in body.energies(q[place], time, past).items():
                found[name] = found.get(name, jnp.zeros(())) + value
        return found

    def fresh(self) -> PyTree:
        return tuple(body.fresh() for body in self.bodies)

    def remembered(self, q: Float[Array, " n"], time: ScalarLike, memory: PyTree) -> PyTree:
        return tuple(
            body.remembered(q[place], time, past)
            for body, place, past in zip(self.bodies, self.places, memory, strict=True)
        )

    def settings(self, step_tolerance: float, max_steps: int) -> NewtonSettings:
        each = [body.settings(step_tolerance, max_steps) for body in self.bodies]
        # The round-off of the stiffest, the accuracy that the smallest wants.
        force = jnp.max(jnp.stack([settings.force_tolerance for settings in each]))
        step = jnp.min(jnp.stack([settings.step_tolerance for settings in each]))
        return NewtonSettings(force, step, max_steps=max_steps)

    def momenta(
        self, q: Float[Array, " n"], velocity: Float[Array, " n"]
    ) -> tuple[Float[Array, " 3"], Float[Array, " 3"]]:
        each = [
            body.momenta(q[place], velocity[place])
            for body, place in zip(self.bodies, self.places, strict=True)
        ]
        momenta, turning = zip(*each, strict=True)
        return sum(momenta, jnp.zeros(3)), sum(turning, jnp.zeros(3))

    def check_start(self, positions: Float[Array, "v 3"]) -> None:
        pieces = zip(self.names, self.bodies, self._split(positions), strict=True)
        for name, body, own in pieces:
            try:
                body.check_start(own)
            except ValueError as error:
                raise ValueError(f"body {name!r} of the Assembly: {error}") from error
        if self.self_contact is not None and not isinstance(positions, Tracer):
            check_bodies_apart(self, np.asarray(positions))

    def touched(self, positions: Float[Array, "v 3"], time: ScalarLike) -> dict[str, Array]:
        pieces = zip(self.bodies, self._split(positions), strict=True)
        each = [found for body, own in pieces if (found := body.touched(own, time))]
        names = each[0] if each else ()
        return {name: jnp.concatenate([found[name] for found in each]) for name in names}

    def _split(self, positions: Float[Array, "v 3"]) -> list[Float[Array, "_ 3"]]:
        """The vertices of each body."""
        counts = [body.mesh.num_vertices for body in self.bodies]
        return jnp.split(positions, np.cumsum(counts)[:-1])

    def _joined(self, values) -> Float[Array, " n"]:
        """Vectors of the bodies' unknowns as one of all."""
        whole = jnp.zeros(self.size)
        for place, value in zip(self.places, values, strict=True):
            whole = whole.at[place].set(value)
        return whole

    def _in_turn(self) -> Int[np.ndarray, " n"]:
        """The bands of the bodies one after another."""
        pieces = zip(self.bodies, self.places, strict=True)
        return np.concatenate([np.asarray(place)[body.pattern.order] for body, place in pieces])


def _check(bodies: Mapping[str, AbstractBody]) -> None:
    if not bodies:
        raise ValueError("bodies of an Assembly must be at least one, but there are none.")
    for name, body in bodies.items():
        if not isinstance(body, AbstractBody):
            raise ValueError(
                f"bodies of an Assembly must be Shells, Solids or RigidBodys, but {name!r} is a "
                f"{type(body).__name__}."
            )
        if body.self_contact is not None:
            raise ValueError(
                f"self_contact must be given to the Assembly, not to its bodies, but {name!r} has "
                "one."
            )


def _skin(bodies: tuple[AbstractBody, ...]) -> Skin:
    faces, numbers, first = [], [], 0
    for number, body in enumerate(bodies):
        skin = body.skin
        faces.append(np.asarray(skin.faces) + first)
        numbers.append(np.full(skin.num_vertices, number if not body.meets_itself else -1))
        first += skin.num_vertices
    positions = np.concatenate([np.asarray(body.mesh.positions) for body in bodies])
    return Skin(positions, np.concatenate(faces), np.concatenate(numbers))


def _places(bodies: tuple[AbstractBody, ...]) -> tuple[Int[Array, " _"], ...]:
    """Where the unknowns of each body are among all."""
    coordinates = [3 * body.mesh.num_vertices for body in bodies]
    others = [body.size - count for body, count in zip(bodies, coordinates, strict=True)]
    first = np.cumsum([0, *coordinates])
    second = first[-1] + np.cumsum([0, *others])
    return tuple(
        jnp.concatenate([first[i] + jnp.arange(c), second[i] + jnp.arange(o)]).astype(int)
        for i, (c, o) in enumerate(zip(coordinates, others, strict=True))
    )


class _Slants(AbstractSlant):
    """Those of several bodies."""

    each: tuple[AbstractSlant, ...]
    places: tuple[Int[Array, " _"], ...]
    dependent: Int[Array, " m"]
    arguments: Int[Array, "m k"]

    def coefficients(self, q: Float[Array, " n"]) -> Float[Array, "m k"]:
        pieces = zip(self.each, self.places, strict=True)
        return jnp.concatenate([slant.coefficients(q[place]) for slant, place in pieces])


def _slant(
    bodies: tuple[AbstractBody, ...], places: tuple[Int[Array, " _"], ...]
) -> AbstractSlant | None:
    pieces = zip(bodies, places, strict=True)
    found = [(body.slant, place) for body, place in pieces if body.slant is not None]
    if not found:
        return None
    return _Slants(
        each=tuple(slant for slant, _ in found),
        places=tuple(place for _, place in found),
        dependent=jnp.concatenate([place[slant.dependent] for slant, place in found]),
        arguments=jnp.concatenate([place[slant.arguments] for slant, place in found]),
    )


def _moved(batch: AbstractElements, place: Int[Array, " _"]) -> AbstractElements:
    """Elements of a body as elements of all."""
    return eqx.tree_at(lambda b: b.indices, batch, place[batch.indices])


def _of(slip: Slip, place: Int[Array, " _"]) -> Slip:
    """What a body slips."""
    return slip._replace(
        before=slip.before[place], base=slip.base[place], lagged=slip.lagged[place]
    )
