"""A picture held in the corner of an Open3D window: a textured rectangle before the camera."""

from __future__ import annotations

from typing import Any

import numpy as np

CORNER = 16
"""Pixels between the panel and the edges of the window."""


class Panel:
    """The legacy Open3D window has no text, but its meshes have textures."""

    def __init__(self, o3d: Any, visual: Any, near: float) -> None:
        """Prepare; nothing is shown yet.

        Args:
            o3d: the module Open3D.
            visual: the window.
            near: metres from the camera at which drawing begins; the panel lies just behind.
        """
        self._depth = 1.5 * near
        self._o3d = o3d
        self._visual = visual
        self._mesh: Any = None
        self._size = (0, 0)
        self._camera = b""

    def show(self, image: np.ndarray | None) -> None:
        """Show an (H, W, 3) uint8 RGB picture pixel by pixel, or nothing."""
        if self._mesh is not None:
            self._visual.remove_geometry(self._mesh, reset_bounding_box=False)
            self._mesh = None
        if image is None:
            return
        self._size = (image.shape[1], image.shape[0])
        self._mesh = self._rectangle(image)
        self._move()
        self._visual.add_geometry(self._mesh, reset_bounding_box=False)

    def follow(self) -> None:
        """Take the panel along if the camera has moved or the window has another size."""
        if self._mesh is not None and self._move():
            self._visual.update_geometry(self._mesh)

    def _rectangle(self, image: np.ndarray) -> Any:
        mesh = self._o3d.geometry.TriangleMesh()
        # Both sides, for which one is the front depends on the handedness of the corners.
        triangles = [[0, 1, 2], [0, 2, 3], [2, 1, 0], [3, 2, 0]]
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
        mesh.triangles = self._o3d.utility.Vector3iVector(triangles)
        mesh.triangle_uvs = self._o3d.utility.Vector2dVector(corners[np.ravel(triangles)])
        mesh.triangle_material_ids = self._o3d.utility.IntVector([0] * len(triangles))
        mesh.textures = [self._o3d.geometry.Image(np.ascontiguousarray(image))]
        self._camera = b""
        return mesh

    def _move(self) -> bool:
        """Place the corners where they are seen at the panel's pixels; False if they are there."""
        parameters = self._visual.get_view_control().convert_to_pinhole_camera_parameters()
        matrix, extrinsic = parameters.intrinsic.intrinsic_matrix, parameters.extrinsic
        camera = matrix.tobytes() + extrinsic.tobytes()
        if camera == self._camera:
            return False
        self._camera = camera
        right, bottom = CORNER + self._size[0], CORNER + self._size[1]
        pixels = np.array([[CORNER, CORNER], [right, CORNER], [right, bottom], [CORNER, bottom]])
        seen = np.full((4, 3), self._depth)
        seen[:, :2] = (pixels - matrix[:2, 2]) / matrix[[0, 1], [0, 1]] * self._depth
        world = (seen - extrinsic[:3, 3]) @ extrinsic[:3, :3]
        self._mesh.vertices = self._o3d.utility.Vector3dVector(world)
        return True
