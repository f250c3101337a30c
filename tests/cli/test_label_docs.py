"""The documentation of label maps and views is the data's own, and current."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from pcseg.cli.label_docs import label_docs
from pcseg.data import label_set, list_label_sets
from pcseg.data.label_files import shipped_maps
from pcseg.evaluate import PROTOCOLS, list_views, view
from tests.conftest import pcseg_here

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return label_docs()


def test_committed_docs_are_current(written: dict[str, str]) -> None:
    stale = [
        path
        for path, content in written.items()
        if not (DOCS / path).is_file() or (DOCS / path).read_text(encoding="utf-8") != content
    ]
    assert not stale, f"run `pcseg ls labels --markdown docs` and commit: {stale}"
    pictures = {f"labels/{path.name}" for path in (DOCS / "labels").glob("*")}
    assert pictures == written.keys() - {"labels.md"}


def test_every_map_set_view_and_rule_is_there(written: dict[str, str]) -> None:
    text = written["labels.md"]
    assert all(f"\n## {name}\n" in text for name in shipped_maps())
    assert all(f"`{name}`" in text for name in PROTOCOLS)
    assert all(view(name).hash in text for name in list_views())
    assert all(label_set(name).hash in text for name in list_label_sets())


def test_rows_of_a_table_have_as_many_cells_as_its_head(written: dict[str, str]) -> None:
    width = 0
    for line in written["labels.md"].splitlines():
        cells = line.replace("\\|", "").count("|") if line.startswith("|") else 0
        assert not width or not cells or cells == width, line
        width = cells


def test_a_row_says_how_each_set_reads_an_id(written: dict[str, str]) -> None:
    row = next(
        line for line in written["labels.md"].splitlines() if line.startswith("| 252 | moving-car")
    )
    assert "`#6496f5` | thing, moving | 0 car | 19 moving-car |" in row


def test_palettes_are_pictures_with_one_field_for_each_id(written: dict[str, str]) -> None:
    for path, content in written.items():
        if path.endswith(".svg"):
            name = Path(path).stem
            fields = ElementTree.fromstring(content).findall("{http://www.w3.org/2000/svg}rect")
            assert len(fields) == len(label_set(name).raw_names), name


def test_the_command_writes_them(tmp_path: Path, written: dict[str, str]) -> None:
    done = pcseg_here("ls", "labels", "--markdown", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "labels.md").read_text(encoding="utf-8") == written["labels.md"]
    refused = pcseg_here("ls", "models", "--markdown", tmp_path)
    assert refused.returncode == 2
    assert "goes with labels or views, not with 'models'" in refused.stderr


def test_ls_shows_views_and_the_facts_of_datasets() -> None:
    views = pcseg_here("ls", "views").stdout
    assert "xmuda/1" in views and "pcseg-dg/1/L1" in views.replace("\n", "")
    datasets = pcseg_here("ls", "datasets").stdout
    assert "CC BY-NC-SA" in datasets and "Behley" in datasets
