"""SimKITTI32: a simulated 32-beam sensor driven through the world of SemanticKITTI 08."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.readers.kitti.family import KittiFamily


class SimKITTI32(KittiFamily):
    """SimKITTI32: one sequence, ``08``, with SemanticKITTI's ids and files.

    The sensor (HDL-32E) runs 0.5 m below SemanticKITTI's trajectory, and labels reach 80 m where
    SemanticKITTI's end at about 50 m. Intensity was not simulated: a column of zeros is left out
    of the attributes, so that nobody trains on it. The release was not at hand when this was
    written; what is known of it is its page and the code of those who used it.
    """

    name: str = "simkitti32"
    label_map: ClassVar[str] = "simkitti32"

    def _attrs_of(self, cloud: np.ndarray, frame: FrameId) -> dict[str, np.ndarray]:
        return super()._attrs_of(cloud, frame) if cloud[:, 3].any() else {}

    def _facts_of(self, frame: FrameId) -> dict[str, Any]:
        return {"sensor": "hdl32e"}
