"""Ray casting against brute force, and the windows of rays for movers against all rays."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from pcseg import optional
from pcseg.errors import ConfigError, MissingExtra
from pcseg.sim import Lidar, raycast, sensor
from pcseg.sim.mesh import Mesh, soup
from pcseg.sim.raycast import caster
from pcseg.sim.rays import Bearings


@pytest.fixture
def triangles(rng: np.random.Generator) -> Mesh:
    centers = rng.uniform(-5, 5, (60, 1, 3))
    corners = (centers + rng.normal(0, 0.8, (60, 3, 3))).reshape(-1, 3)
    return soup(corners, np.arange(180).reshape(-1, 3), 0)


def brute_force(mesh: Mesh, origins: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, ...]:
    """Möller and Trumbore, every ray with every triangle, in float64."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(float) for k in range(3))
    normal_e, other_e = b - a, c - a
    p = np.cross(directions[:, None], other_e[None])
    det = (normal_e[None] * p).sum(2)
    with np.errstate(divide="ignore", invalid="ignore"):
        t0 = origins[:, None] - a[None]
        u = (t0 * p).sum(2) / det
        q = np.cross(t0, normal_e[None])
        v = (directions[:, None] * q).sum(2) / det
        t = (other_e[None] * q).sum(2) / det
    t = np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0), t, np.inf)
    return t.min(1), np.where(np.isfinite(t.min(1)), t.argmin(1), -1)


def test_more_casters_than_the_system_has_keys_for_devices() -> None:
    """A long street has thousands: one for every phase of whoever walks there."""
    program = """
import numpy as np
from pcseg.sim.mesh import soup
from pcseg.sim.raycast import caster
mesh = soup(np.eye(3), np.arange(3), 0)
print(len([caster(mesh) for _ in range(1500)]))
"""
    # In a process of its own, because it would be the process that dies.
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "1500\n"), done.stderr


@pytest.mark.parametrize("engine", ["embreex", "open3d"])
def test_engines_agree_with_brute_force(
    engine: str, triangles: Mesh, rng: np.random.Generator
) -> None:
    try:
        scene = caster(triangles, engine)
    except ImportError as error:
        pytest.skip(f"{engine} cannot be imported here: {error}")
    directions = rng.normal(0, 1, (2000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    origins = rng.normal(0, 1, (2000, 3))
    expected, face = brute_force(triangles, origins, directions)
    limit = np.full(2000, 6.0, np.float32)
    hits = scene.cast(origins.astype(np.float32), directions.astype(np.float32), limit)
    far = expected > 6.0
    agree = hits.face == np.where(far, -1, face)
    assert agree.mean() > 0.998  # an edge may be hit on either side
    np.testing.assert_allclose(hits.distance[agree & ~far], expected[agree & ~far], rtol=1e-4)
    assert (hits.distance[hits.face < 0] == 6.0).all()
    met = agree & ~far
    corners = triangles.vertices[triangles.faces[hits.face[met]]]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    cosine = (across * hits.normal[met]).sum(1)
    cosine /= np.linalg.norm(across, axis=1) * np.linalg.norm(hits.normal[met], axis=1)
    np.testing.assert_allclose(np.abs(cosine), 1.0, atol=1e-4)


def test_without_any_engine_says_what_to_install(
    triangles: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raycast, "available", lambda name: False)
    with pytest.raises(MissingExtra, match="pip install embreex"):
        caster(triangles)


def test_an_unknown_engine_is_refused(triangles: Mesh) -> None:
    with pytest.raises(ConfigError, match="embreex or open3d, not by 'optix'"):
        caster(triangles, "optix")


def test_open3d_finds_libusb_before_it_is_imported(
    triangles: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.delitem(sys.modules, "open3d", raising=False)
    monkeypatch.setattr(optional, "_preload_libusb", lambda: order.append("libusb"))

    def refuse(name: str) -> None:
        order.append(name)
        raise ImportError("libusb-1.0.so.0")

    monkeypatch.setattr(optional.importlib, "import_module", refuse)
    with pytest.raises(MissingExtra, match=r"without embreex needs open3d.*pcseg\[viz\]"):
        caster(triangles, "open3d")
    assert order == ["libusb", "open3d"]


@pytest.mark.parametrize("name", ["hdl64e_s3", "pandar_gt", "vls128", "waymo_short_range"])
@pytest.mark.parametrize("step", [4, 7])
def test_window_of_rays_holds_every_ray_near_a_sphere(
    name: str, step: int, rng: np.random.Generator
) -> None:
    device = sensor(name).thinned(step, 2)
    bearings = Bearings(device)
    pose = np.eye(4)
    rays = device.directions.reshape(-1, 3).astype(float)
    for _ in range(40):
        center, radius = rng.uniform([-30, -30, -3], [30, 30, 3]), rng.uniform(0.3, 4.0)
        along = rays @ center
        apart = np.sqrt(np.maximum(center @ center - along**2, 0))
        inside = np.flatnonzero((apart < radius) & (along > 0))
        near = bearings.near(pose, center, radius)
        assert set(inside) <= set(near.tolist())
        assert len(np.unique(near)) == len(near)
    assert name == "waymo_short_range" or len(near) < len(rays)


def test_movers_are_met_in_the_same_way_without_windows(light: Lidar) -> None:
    device = sensor("hdl64e_s3").thinned(9)
    quick = light.with_sensor(device)
    slow = light.with_sensor(device)
    slow._bearings = SimpleNamespace(near=lambda *_: np.arange(device.rows * device.columns))  # type: ignore[assignment]
    first, second = (next(x.drive([2.0], [np.random.default_rng(1)])) for x in (quick, slow))
    assert (first.raw_labels > 251).sum() > 20
    np.testing.assert_array_equal(first.xyz, second.xyz)
    np.testing.assert_array_equal(first.raw_labels, second.raw_labels)
