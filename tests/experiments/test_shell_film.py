"""Films of sheets: what they show."""

import numpy as np
import pytest
from PIL import Image

from diffsim import shells
from diffsim.problems.shell_tasks import Mark, Marks
from experiments._shell_film import film

# Colours of a gripper and of a body, as matplotlib has them.
GRIPPER, BODY = (214, 39, 40), (255, 127, 14)


def _colours(path) -> list[set]:
    """Of each frame."""
    with Image.open(path) as opened:
        frames = []
        for k in range(opened.n_frames):
            opened.seek(k)
            frames.append({tuple(c) for c in np.asarray(opened.convert("RGB")).reshape(-1, 3)})
        return frames


@pytest.mark.parametrize("held", [True, False])
def test_a_film_shows_grippers_and_bodies(tmp_path, held):
    mesh = shells.strip(0.06, 0.04, (2, 1))
    material = shells.IsotropicMaterial(1e9, 0.3, 3e-4, 800.0)
    grips = [shells.Clamp(lambda x, y, z: x < 1e-9)] if held else []
    rod = shells.BodyContact(
        shells.Capsule([0.03, -0.1, 0.02], [0.03, 0.1, 0.02], 5e-3), shells.Barrier(5.0, 1e-3)
    )
    shell = shells.Shell(mesh, material, supports=grips, contacts=[rod])
    motion = shells.Dynamics(shell, step=1e-3, steps=2)
    marks = Marks(mesh, [Mark(2, [5], 2, 0.01, 1e-3)])
    values = {"time": 1e-3 * np.arange(3), "positions": np.tile(mesh.positions, (3, 1, 1))}
    values["positions"][:, 5, 2] += 1e-3 * np.arange(3)
    frames = _colours(film(motion, marks, values, "a sheet", tmp_path / "sheet.gif"))
    assert len(frames) == 3
    for colours in frames:
        assert _near(GRIPPER, colours) == held
        assert _near(BODY, colours)


def test_a_film_and_a_series_of_an_assembly(tmp_path):
    mesh = shells.strip(0.06, 0.04, (2, 1))
    clamp = shells.Clamp(lambda x, y, z: x > 0.0599)
    sheet = shells.Shell(mesh, shells.IsotropicMaterial(1e9, 0.3, 3e-4, 800.0), supports=[clamp])
    skin = shells.block([0.01, 0.01, 0.01], [1, 1, 1]).skin()
    lifted = shells.TriangleMesh(np.asarray(skin.positions) + 0.02, skin.faces)
    brick = shells.RigidBody(lifted, shells.RigidMaterial(1000.0))
    # The sheet comes second: what its support holds is counted among all vertices.
    scene = shells.Assembly({"brick": brick, "sheet": sheet})
    assert scene.held_vertices().tolist() == (8 + clamp.on(mesh).vertices).tolist()
    motion = shells.Dynamics(scene, step=1e-3, steps=1)
    marks = Marks(scene.mesh, [Mark(1, scene.vertices("brick").tolist(), 2, 0.01, 1e-3)])
    values = {"time": np.arange(2.0), "positions": np.tile(scene.mesh.positions, (2, 1, 1))}
    frames = _colours(film(motion, marks, values, "a scene", tmp_path / "scene.gif"))
    assert all(_near(GRIPPER, colours) for colours in frames)
    shells.write_series(
        scene.mesh, tmp_path / "vtk", values["time"], values["positions"], name="scene"
    )
    assert shells.read_mesh(next((tmp_path / "vtk").glob("*.vtu"))).num_faces == 12 + mesh.num_faces


def _near(colour, colours) -> bool:
    """A GIF has 256 colours: not always the very one."""
    return min(np.abs(np.subtract(colour, other)).max() for other in colours) <= 8
