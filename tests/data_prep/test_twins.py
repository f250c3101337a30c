"""Every twin through the same door: simulated, judged sound, prepared, and the same scans again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pcseg.data import open_dataset
from pcseg.data.catalogue import DATASETS
from pcseg.data_prep import PrepareJob, SurveyJob, check, prepare, survey, verify
from pcseg.optional import available
from pcseg.sim import simulate, simulate_rooms
from pcseg.sim.rooms.layouts import ROOM_LAYOUTS
from pcseg.sim.writers import LAYOUTS

DOCS = Path(__file__).parents[2] / "docs" / "datasets.md"
NEEDS = {"waymo": "pyarrow", "pandaset": "pandas"}


def make(layout: str, root: Path) -> None:
    if layout in ROOM_LAYOUTS:
        simulate_rooms(root, layout=layout, rooms=1, frames=2, seed=3, image_scale=0.08)
    else:
        simulate(
            root,
            layout=layout,
            sequences=("00",),
            frames=2,
            frame_step=4.0,
            cameras=None if layout == "a2d2" else [],  # A2D2's points are labelled by pictures
            image_scale=0.1,
            columns_step=8,
        )


@pytest.mark.slow
@pytest.mark.parametrize("layout", [*LAYOUTS, *ROOM_LAYOUTS])
def test_a_twin_is_sound_and_can_be_prepared(layout: str, tmp_path: Path) -> None:
    if layout in NEEDS and not available(NEEDS[layout]):
        pytest.skip(f"needs {NEEDS[layout]}")
    make(layout, tmp_path / "twin")
    findings = check(survey(SurveyJob(layout, tmp_path / "twin")))
    assert [f for f in findings if f.level == "error"] == []
    job = PrepareJob(layout, tmp_path / "twin", tmp_path / "prepared")
    assert prepare(job).scans > 0
    assert verify(job.out, job.root) == []
    theirs, ours = (open_dataset(layout, root, "all") for root in (job.root, job.out))
    assert ours.frames == theirs.frames
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a.xyz, b.xyz)
        assert np.array_equal(a.labels, b.labels)
        assert a.attrs.keys() == b.attrs.keys()
        assert all(np.array_equal(a.attrs[key], b.attrs[key]) for key in a.attrs)
        assert (a.pose is None) == (b.pose is None)
        assert a.meta["simulated"] and b.meta["simulated"]


def test_the_docs_name_every_dataset() -> None:
    text = DOCS.read_text()
    assert [name for name in DATASETS if f"`{name}`" not in text] == []
