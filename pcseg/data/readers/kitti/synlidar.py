"""SynLiDAR: simulated 64-beam scans of cities, suburbs and a harbour, in SemanticKITTI's layout."""

from __future__ import annotations

from typing import ClassVar

from pcseg.data.readers.kitti.family import KittiFamily


class SynLiDAR(KittiFamily):
    """SynLiDAR, the full set or the thinned one: the same folders ``00`` to ``12``.

    Ids 0..32 of its own; intensities are rendered, in 0..1 as stored. The archives hold neither
    poses nor times; a poses.txt that somebody adds is taken to be the sensor's.
    """

    name: str = "synlidar"
    label_map: ClassVar[str] = "synlidar"
    inside: ClassVar[tuple[str, ...]] = ("", "sequences")
    camera_poses: ClassVar[bool] = False
