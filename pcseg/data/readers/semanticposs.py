"""SemanticPOSS: 40-beam scenes of a campus, full of people, in SemanticKITTI's layout."""

from __future__ import annotations

from typing import ClassVar

from pcseg.data.readers.kitti_family import KittiFamily


class SemanticPOSS(KittiFamily):
    """SemanticPOSS; intensities of 0..255 become 0..1.

    Its calib.txt holds no useful chain from sensor to camera, so poses are taken as they are.
    """

    name: str = "semanticposs"
    label_map: ClassVar[str] = "semantic_poss"
    intensity_max: ClassVar[float] = 255.0
    camera_poses: ClassVar[bool] = False
