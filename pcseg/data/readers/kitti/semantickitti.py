"""SemanticKITTI: 64-beam street scenes of Karlsruhe, labelled in 28 classes, with poses."""

from __future__ import annotations

from typing import ClassVar

from pcseg.data.readers.kitti.family import KittiFamily


class SemanticKITTI(KittiFamily):
    """SemanticKITTI, or any folder in its layout (simulated streets).

    Scans have ``attrs["intensity"]`` in 0..1 as stored, raw labels with the moving classes,
    instances (0 for none), the sensor's pose and, in ``meta``, the time in seconds. Cameras are
    the colour pictures of KITTI's odometry archive, rectified; their labels, which only simulated
    data have, are looked for in ``image_2_labels/NNNNNN.png`` (16-bit raw ids).
    """

    name: str = "semantickitti"
    label_map: ClassVar[str] = "semantic_kitti"
    camera_folders: ClassVar[tuple[str, ...]] = ("image_2", "image_3")
