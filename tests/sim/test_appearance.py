"""Appearance: objects keep their colours, frames lie on free edges, people are dressed."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.sim.appearance import Appearance
from pcseg.sim.classes import BICYCLE, BUILDING, CAR, PERSON
from pcseg.sim.film import linear_colors
from pcseg.sim.materials import TABLE, material
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.shapes.cycles import bicycle
from pcseg.sim.shapes.furniture import lamp_post, sign
from pcseg.sim.shapes.people import draw_build, standing
from pcseg.sim.shapes.primitives import box, polygons, quads
from pcseg.sim.shapes.vehicles import car


def seen(look: Appearance, mesh: Mesh, face: int, places: list[list[float]]) -> np.ndarray:
    """Colours of places on one face, without texture."""
    place = np.array(places, np.float32)
    color = np.repeat(look.color[[face]], len(place), 0)
    look.rims.draw(color, np.full(len(place), face), place, np.full(len(place), 0.002, np.float32))
    return color


def test_an_object_keeps_its_colour_and_others_differ(rng: np.random.Generator) -> None:
    body = car(rng)
    cars = join([body.labelled(CAR, k) for k in range(1, 41)])
    look = Appearance(cars, "street")
    paint = cars.material == material("car_paint")
    colors = [np.unique(look.color[paint & (cars.instance == k)], axis=0) for k in range(1, 41)]
    assert all(len(own) == 1 for own in colors)
    assert len({tuple(own[0].tolist()) for own in colors}) >= 3
    alone = Appearance(body.labelled(CAR, 17), "street")  # whatever stands beside it
    mine = body.material == material("car_paint")
    np.testing.assert_array_equal(np.unique(alone.color[mine], axis=0), colors[16])
    again = Appearance(cars, "another street")
    assert (again.color[paint] != look.color[paint]).any()


def test_bright_paints_are_bright_and_dark_ones_dark() -> None:
    def painted(tint: float) -> np.ndarray:
        mesh = join([box((1, 1, 1), (0, 0, 0), "car_paint").labelled(CAR, k) for k in range(1, 30)])
        return Appearance(mesh.tinted(tint), "x").color

    assert painted(0.12).max() < 0.05 < 0.6 < painted(1.7).min()


def test_bicycles_have_painted_frames_and_lamp_posts_bare_steel() -> None:
    cycles = [bicycle(np.random.default_rng(k)).labelled(BICYCLE, k) for k in range(1, 20)]
    mesh = join([*cycles, lamp_post(np.random.default_rng(0))])
    look, steel = Appearance(mesh, "x"), mesh.material == material("steel")
    frames = {tuple(np.unique(look.color[steel & (mesh.instance == k)], axis=0).ravel())
              for k in range(1, 20)}  # fmt: skip
    assert len(frames) >= 4
    bare = look.color[steel & (mesh.instance == 0)]
    known = linear_colors(TABLE["steel"].colors)
    assert np.abs(bare[0] - known).max(1).min() < 1e-6


def test_people_wear_trousers_coats_and_hair(rng: np.random.Generator) -> None:
    build = draw_build(rng)
    crowd = join([standing(build, rng).labelled(PERSON, k) for k in range(1, 30)])
    look = Appearance(crowd, "x")
    top = crowd.vertices[crowd.faces, 2].mean(1)
    cloth = crowd.material == material("cloth")
    differ = 0
    for k in range(1, 30):
        mine = cloth & (crowd.instance == k)
        high = np.unique(look.color[mine & (top > 0.7 * top.max())], axis=0)
        low = np.unique(look.color[mine & (top < 0.3 * top.max())], axis=0)
        assert len(high) == len(low) == 1
        differ += int(not np.array_equal(high, low))
    assert differ > 20
    skin = (crowd.material == material("skin")) & (crowd.instance == 1)
    crown = skin & (top == top[skin].max())
    assert look.color[crown].mean() < look.color[skin & (top < 0.9 * top[skin].max())].mean()


def test_panes_have_frames_at_their_edges_and_not_at_their_diagonal() -> None:
    corners = [[[0, 0, 0], [1, 0, 0], [1, 0, 2], [0, 0, 2.0]]]
    pane = quads(np.array(corners), "glass").labelled(BUILDING)
    look = Appearance(pane, "x")
    width, rim = TABLE["glass"].rim
    frame = linear_colors(rim)[0]
    inner = [[0.5, 0, 1.0], [0.45, 0, 0.9], [0.55, 0, 1.1]]  # on the diagonal
    color = seen(look, pane, 0, [*inner, [0.5, 0, width / 2], [1 - width / 2, 0, 1.0]])
    np.testing.assert_allclose(color[3:], [frame, frame], atol=1e-3)
    assert np.abs(color[:3] - frame).min() > 0.05
    color = seen(look, pane, 1, [[width / 2, 0, 1.0], [0.5, 0, 2 - width / 2]])
    np.testing.assert_allclose(color, [frame, frame], atol=1e-3)


def test_a_dented_plate_has_no_frame() -> None:
    # Two triangles that meet in a dent.
    outline = np.array([[[0, 0, 0], [2, 0, 0], [0.5, 0, 0.5], [0, 0, 2.0]]])
    plate = polygons(outline, "whiteboard")
    look = Appearance(plate, "x")
    assert look.rims.edges(np.arange(2)).tolist() == [0, 0]
    plain = seen(look, plate, 0, [[0.5, 0, 0.001]])
    np.testing.assert_array_equal(plain[0], look.color[0])


def test_a_box_has_a_frame_on_every_side() -> None:
    board = box((2, 0.05, 1), (0, 0, 0), "whiteboard")
    look = Appearance(board, "x")
    assert look.rims.edges(np.arange(12)).tolist() == [4] * 12
    assert len(np.unique(look.rims.plate(np.arange(12)))) == 6


@pytest.mark.parametrize("seed", range(8))
def test_signs_are_read_by_their_outline(seed: int) -> None:
    mesh = sign(np.random.default_rng(seed))
    look = Appearance(mesh, "x")
    faces = np.flatnonzero(mesh.material == material("sign_face"))
    edges = look.rims.edges(faces)
    assert set(edges.tolist()) <= {3, 4, 12}
    assert len(np.unique(look.color[faces], axis=0)) <= len(np.unique(look.rims.plate(faces)))
    corner = mesh.vertices[mesh.faces[faces[0]]].astype(float)
    near = corner[1] * 0.98 + corner.mean(0) * 0.02
    rim = seen(look, mesh, int(faces[0]), [near.tolist()])[0]
    assert np.abs(rim - look.color[faces[0]]).max() > 0.05


def test_albedo_has_texture_and_stays_a_colour(rng: np.random.Generator) -> None:
    wall = quads(np.array([[[0, 0, 0], [9, 0, 0], [9, 0, 5], [0, 0, 5.0]]]), "brick")
    look = Appearance(wall, "x")
    u, v = rng.uniform(0, 5, (2, 5000)).astype(np.float32)
    place = np.stack([u, np.zeros_like(u), v], 1)
    color = look.albedo(np.zeros(5000, int), place, u, v, np.full(5000, 0.003, np.float32))
    assert color.shape == (5000, 3) and (color > 0).all() and (color < 1).all()
    assert color.std(0).min() > 0.01
    np.testing.assert_allclose(np.median(color, 0), look.color[0], rtol=0.35)
