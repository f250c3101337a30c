"""Networks and losses. A network sees the sparse core only, never a backend."""

from pcseg.models.build import build_network
from pcseg.models.losses import SegmentationLoss, lovasz_softmax
from pcseg.models.minkunet import MinkUNet
from pcseg.models.points import Points
from pcseg.models.spvcnn import SPVCNN

__all__ = ["SPVCNN", "MinkUNet", "Points", "SegmentationLoss", "build_network", "lovasz_softmax"]
