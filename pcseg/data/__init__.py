"""Scans, label maps, dataset readers, transforms and mixing."""

from pcseg.data.labels import LabelSet, label_set, list_label_sets, read_label_set
from pcseg.data.scan import IGNORE, Prediction, Scan, View, concatenate

__all__ = [
    "IGNORE",
    "LabelSet",
    "Prediction",
    "Scan",
    "View",
    "concatenate",
    "label_set",
    "list_label_sets",
    "read_label_set",
]
