"""Datasets by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pcseg.data.catalogue import DATASETS, dataset_facts, default_label_set, open_dataset
from pcseg.data.readers.kitti.semantickitti import SemanticKITTI
from pcseg.errors import ConfigError


def test_open_by_name(write_sequence: Callable[..., Path]) -> None:
    root = write_sequence().parents[1]
    data = open_dataset("semantickitti", root, "00:0-1", "semantic_kitti/sk25_multi", every=1)
    assert isinstance(data, SemanticKITTI) and len(data) == 2
    assert data.label_set.num_classes == 25


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_states_its_facts(name: str) -> None:
    assert {"title", "licence", "sensors", "classes"} <= set(dataset_facts(name))


def test_facts_come_from_the_label_map() -> None:
    facts = dataset_facts("semantickitti")
    assert "NC" in facts["licence"] and "HDL-64E" in facts["sensors"]
    assert facts["classes"].startswith("sk19 (19), sk25_multi (25)")


def test_default_label_set() -> None:
    assert default_label_set("semanticposs") == "semantic_poss"
    assert default_label_set("generic") is None  # its classes are the user's


def test_names_that_do_not_exist() -> None:
    with pytest.raises(ConfigError, match=r"'semantickiti' \(did you mean semantickitti\?\)"):
        open_dataset("semantickiti", ".", "all")
    with pytest.raises(ConfigError, match=r"no option 'sequence' \(did you mean sequences\?\)"):
        open_dataset("semantickitti", ".", "all", sequence=["00"])
