"""Protocols: frozen rules, and the line that is printed with every figure."""

from __future__ import annotations

import dataclasses

import pytest

from pcseg import __version__
from pcseg.data import label_set
from pcseg.errors import ConfigError
from pcseg.evaluate import HOUSE, PROTOCOLS, Protocol, house_protocol, protocol

# A change here means that figures of one name are no longer comparable: give the rules a new name.
FROZEN = {
    "pcseg/1": "33f01779d450",
    "semantickitti-official/1": "db56a0176be8",
    "dglss/1": "58204dcc2482",
    "waymo-official/1": "f369806e61d1",
    "nuscenes-official/1": "eb902f6b4b30",
    "3dlabelprop/1": "74ff645ef8ae",
    "pointdr/1": "3a40b9d10963",
    "xmuda/1": "4dae6d4bb183",
    "lidog/1": "4fa8d0399673",
}


def test_rules_are_frozen_by_name() -> None:
    assert {name: rules.hash for name, rules in PROTOCOLS.items()} == FROZEN


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Protocol)])
def test_every_field_is_part_of_the_hash(field) -> None:
    assert dataclasses.replace(HOUSE, **{field: "something else"}).hash != HOUSE.hash


def test_the_line_says_all_that_a_figure_needs() -> None:
    rules = house_protocol(label_set("semantic_kitti/sk19"))
    meta = {"dataset": "semantickitti", "split": "val", "seed": 0}
    assert rules.line(meta) == (
        "semantickitti val | per point | full resolution | TTA none | seed 0 | sk19/v1 "
        f"| pcseg {__version__}"
    )
    assert "TTA 8 views | seed ?" in rules.with_tta("8 views").line()


def test_round_trip() -> None:
    for rules in PROTOCOLS.values():
        assert Protocol.from_dict(rules.to_dict()) == rules


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no protocol 'sk/2'. Known: pcseg/1, semantickitti"):
        protocol("sk/2")
