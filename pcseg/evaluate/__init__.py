"""Evaluation: confusion matrices, protocols, results, prediction files and submissions."""

from pcseg.evaluate.checks import check_pair, check_same_classes
from pcseg.evaluate.confusion import Confusion, batch_mean_iou
from pcseg.evaluate.crop import Crop
from pcseg.evaluate.evaluation import Evaluation
from pcseg.evaluate.prediction_files import (
    default_format,
    find_prediction,
    prediction_path,
    read_prediction,
    write_prediction,
)
from pcseg.evaluate.protocol import HOUSE, PROTOCOLS, Protocol, house_protocol, protocol
from pcseg.evaluate.result import Result
from pcseg.evaluate.submission import (
    Fault,
    require_valid,
    server_sequences,
    validate_submission,
    write_submission,
)
from pcseg.evaluate.views import View, list_views, view

__all__ = [
    "HOUSE",
    "PROTOCOLS",
    "Confusion",
    "Crop",
    "Evaluation",
    "Fault",
    "Protocol",
    "Result",
    "View",
    "batch_mean_iou",
    "check_pair",
    "check_same_classes",
    "default_format",
    "find_prediction",
    "house_protocol",
    "list_views",
    "prediction_path",
    "protocol",
    "read_prediction",
    "require_valid",
    "server_sequences",
    "validate_submission",
    "view",
    "write_prediction",
    "write_submission",
]
