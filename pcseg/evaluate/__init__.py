"""Evaluation: confusion matrices, protocols, results, prediction files and submissions."""

from pcseg.evaluate.checks import check_pair, check_same_classes
from pcseg.evaluate.confusion import Confusion, batch_mean_iou
from pcseg.evaluate.evaluation import Evaluation
from pcseg.evaluate.protocol import HOUSE, PROTOCOLS, Protocol, house_protocol, protocol
from pcseg.evaluate.result import Result
from pcseg.evaluate.views import View

__all__ = [
    "HOUSE",
    "PROTOCOLS",
    "Confusion",
    "Evaluation",
    "Protocol",
    "Result",
    "View",
    "batch_mean_iou",
    "check_pair",
    "check_same_classes",
    "house_protocol",
    "protocol",
]
