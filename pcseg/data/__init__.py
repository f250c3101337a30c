"""Scans, label maps, dataset readers, transforms and mixing."""

from pcseg.data.catalogue import DATASETS, dataset_facts, open_dataset
from pcseg.data.dataset import FrameId, ScanDataset
from pcseg.data.labels import LabelSet, label_set, list_label_sets, read_label_set
from pcseg.data.scan import IGNORE, Prediction, Scan, View, concatenate
from pcseg.data.splits import splits

__all__ = [
    "DATASETS",
    "IGNORE",
    "FrameId",
    "LabelSet",
    "Prediction",
    "Scan",
    "ScanDataset",
    "View",
    "concatenate",
    "dataset_facts",
    "label_set",
    "list_label_sets",
    "open_dataset",
    "read_label_set",
    "splits",
]
