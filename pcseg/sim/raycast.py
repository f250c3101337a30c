"""Ray casting: the first triangle that each ray meets, by embreex or by Open3D."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from pcseg.errors import ConfigError, MissingExtra
from pcseg.optional import available, need_open3d
from pcseg.sim.mesh import Mesh


@dataclass(frozen=True)
class Hits:
    """What N rays met.

    Attributes:
        distance: (N,) float32 metres along the ray, or the given limit where nothing was met.
        face: (N,) int32 row of the mesh's faces, -1 where nothing was met.
        normal: (N, 3) float32 geometric normal of the face, of any length and either sign.
    """

    distance: np.ndarray
    face: np.ndarray
    normal: np.ndarray


class Caster(Protocol):
    """A scene that rays can be sent into."""

    def cast(self, origins: np.ndarray, directions: np.ndarray, limit: np.ndarray) -> Hits:
        """First hits of rays (N, 3) float32 of unit length that are nearer than limit (N,)."""
        ...


def caster(mesh: Mesh, engine: str | None = None) -> Caster:
    """The fastest ray caster that can be imported, for one mesh.

    Args:
        mesh: at least one triangle.
        engine: ``"embreex"`` or ``"open3d"``; by default the first that is there.

    Raises:
        ConfigError: for another engine.
        MissingExtra: if the engine, or both, are not installed.
    """
    if engine not in (None, "embreex", "open3d"):
        raise ConfigError(f"rays are cast by embreex or open3d, not by '{engine}'.")
    if engine == "embreex" or (engine is None and available("embreex")):
        return _Embree(mesh)
    if engine == "open3d" or (engine is None and available("open3d")):
        return _Open3D(mesh)
    raise MissingExtra(
        "simulation needs a ray caster, and neither embreex nor open3d can be imported. "
        "Install one of them with: pip install embreex   (or, where it has no wheel: "
        'pip install "pcseg[viz]")'
    )


class _Embree:
    def __init__(self, mesh: Mesh) -> None:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        self._scene = EmbreeScene(device=_embree_device())
        # Embree reads these arrays for as long as the scene lives.
        self._arrays = (np.ascontiguousarray(mesh.vertices), np.ascontiguousarray(mesh.faces))
        self._mesh = TriangleMesh(self._scene, *self._arrays)

    def cast(self, origins: np.ndarray, directions: np.ndarray, limit: np.ndarray) -> Hits:
        out = self._scene.run(origins, directions, dists=limit.copy(), output=True)
        return Hits(out["tfar"], out["primID"], out["Ng"])


@lru_cache(maxsize=1)
def _embree_device() -> Any:
    """One for all scenes of a process.

    Each device takes one of the system's keys for thread-local storage. There are 1024 on Linux,
    and the process dies without a word where they are used up; a long street has more casters.
    """
    from embreex.rtcore import EmbreeDevice

    return EmbreeDevice()


class _Open3D:
    def __init__(self, mesh: Mesh) -> None:
        open3d: Any = need_open3d("ray casting without embreex")
        self._o3d = open3d
        self._scene = open3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(
            open3d.core.Tensor(np.ascontiguousarray(mesh.vertices)),
            open3d.core.Tensor(mesh.faces.astype(np.uint32)),
        )

    def cast(self, origins: np.ndarray, directions: np.ndarray, limit: np.ndarray) -> Hits:
        rays = self._o3d.core.Tensor(np.concatenate([origins, directions], 1).astype(np.float32))
        out = self._scene.cast_rays(rays)
        distance = out["t_hit"].numpy()
        near = distance < limit
        face = np.where(near, out["primitive_ids"].numpy().astype(np.int64), -1).astype(np.int32)
        return Hits(np.where(near, distance, limit), face, out["primitive_normals"].numpy())
