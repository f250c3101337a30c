"""The benchmark programs: one command line, one form of record, and they run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[1] / "benchmarks"
PROGRAMS = {"io": ["--points", "2000"], "loader": ["--workers", "0"], "sim": [], "sparse": []}


def test_the_record_names_the_processor_and_what_was_measured(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    import _run

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    found = _run.record([{"ms": 1.0}], cores=2)
    assert found["device"] and found["device"] != "a GPU"
    assert {"threads", "versions", "commit", "rows"} <= found.keys()
    assert found["cores"] == 2 and found["rows"] == [{"ms": 1.0}]


def test_every_program_is_listed() -> None:
    programs = {p.stem for p in FOLDER.glob("*.py") if "__main__" in p.read_text()}
    assert programs == PROGRAMS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_run_and_write_their_record(name: str, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--quick", "--json", str(file)]
    subprocess.run([*command, *PROGRAMS[name]], check=True, capture_output=True, timeout=600)
    found = json.loads(file.read_text())
    assert {"device", "threads", "versions", "commit", "rows"} <= found.keys()
    assert found["rows"]
