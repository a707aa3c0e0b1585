"""Geometries, domains and grids."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffsim import electrochem as ec

GEOMETRIES = [
    ec.Planar(1e-4),
    ec.PlanarDisc(1e-3),
    ec.Disc(1e-5),
    ec.Sphere(1e-5),
    ec.hemisphere(1e-5),
    ec.Cylinder(1e-5, 1e-2),
]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: type(g).__name__)
@pytest.mark.parametrize("x", [1e-9, 1e-6, 1e-5, 1e-3])
def test_the_two_integrals_belong_to_one_area(geometry, x):
    area = jax.grad(geometry.contents)(x)
    assert float(jax.grad(geometry.resistance)(x)) == pytest.approx(1 / float(area), rel=1e-10)
    assert float(geometry.contents(0.0)) == float(geometry.resistance(0.0)) == 0.0
    assert float(jax.grad(geometry.contents)(1e-20)) == pytest.approx(1.0)


def test_resistances_to_infinity():
    assert float(ec.Disc(1e-5).resistance(1e9)) == pytest.approx(np.pi / 4 * 1e-5)
    assert float(ec.Sphere(1e-5).resistance(1e9)) == pytest.approx(1e-5)


def _volumes(geometry, domain, *, layer=np.inf, cells=32):
    diffusivity, duration = jnp.array([1e-9, 2e-9]), jnp.asarray(10.0)
    thickness = domain.thickness(diffusivity, duration)
    reach = ec.SemiInfinite().thickness(diffusivity, duration)
    grid = ec.Grid(cells=cells)
    return thickness, grid.volumes(geometry, domain, thickness, jnp.asarray(layer), reach)


@pytest.mark.parametrize("domain", [ec.SemiInfinite(), ec.DiffusionLayer(1e-5), ec.ThinLayer(1e-6)])
def test_grids(domain):
    thickness, grid = _volumes(ec.Planar(1e-4), domain)
    assert np.all(np.diff(grid.positions) > 0)
    assert np.all(np.asarray(grid.volumes) > 0)
    assert float(jnp.sum(grid.volumes)) == pytest.approx(float(thickness), rel=1e-12)
    assert (float(grid.conductances[-1]) == 0.0) == domain.sealed
    assert np.all(np.asarray(grid.conductances[:-1]) > 0)


def test_curved_volumes_converge_to_the_contents():
    for geometry in GEOMETRIES[2:]:
        errors = []
        for cells in (32, 64):
            thickness, grid = _volumes(geometry, ec.SemiInfinite(), cells=cells)
            errors.append(float(jnp.sum(grid.volumes) / geometry.contents(thickness)) - 1)
        assert abs(errors[1]) < 0.3 * abs(errors[0]) < 0.1


def test_a_reaction_layer_is_resolved():
    _, plain = _volumes(ec.Planar(1e-4), ec.SemiInfinite())
    _, fine = _volumes(ec.Planar(1e-4), ec.SemiInfinite(), layer=1e-9)
    assert float(fine.volumes[0]) < 0.2e-9 < float(plain.volumes[0])


@pytest.mark.parametrize(
    "build",
    [
        lambda: ec.Planar(0.0),
        lambda: ec.Sphere(-1.0),
        lambda: ec.Cylinder(1.0, np.nan),
        lambda: ec.DiffusionLayer(np.inf),
    ],
)
def test_refused(build):
    with pytest.raises(ValueError, match="positive and finite"):
        build()
