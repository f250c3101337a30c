"""The README's commands are run in order as they stand; only names of places are replaced."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from pcseg.io import PointFile, write_points
from tests.conftest import TINY, pcseg
from tests.scenes import street

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("pcseg ")]
QUICK = [*TINY, "data.label_set=null", "train.max_steps=2"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, kitti: Path, trained: Path) -> Path:
    """A folder with what the README supposes: a demo's run, a scan, and somebody's own scans."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(trained, folder / "pcseg-demo" / "run")
    cloud, labels = street(np.random.default_rng(3))
    intensity = {"intensity": cloud[:, 3].copy()}
    write_points(folder / "scan.ply", PointFile(cloud[:, :3].copy(), intensity))
    classes = {40: 1, 50: 2, 10: 3}
    for split, count in (("train", 3), ("val", 2)):
        for i in range(count):
            cloud, labels = street(np.random.default_rng([i, count]))
            own = np.array([classes.get(int(raw), 0) for raw in labels & 0xFFFF], np.int64)
            path = folder / "my-scans" / split / f"{i}.ply"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_points(path, PointFile(cloud[:, :3].copy(), {}, own))
    (folder / "my-scans/labels.yaml").write_text(yaml_block())
    return folder


def yaml_block() -> str:
    """The label map that the README shows."""
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    return block


def test_readme_has_the_two_commands() -> None:
    text = "\n".join(BLOCKS)
    assert "make demo" in text
    assert "make test" in text


def test_all_commands_of_the_readme_run(desk: Path, kitti: Path) -> None:
    assert len(COMMANDS) >= 9
    for command in COMMANDS:
        words = command.split("#")[0].replace("/data/semantickitti", str(kitti)).split()[1:]
        if words[0] == "train":
            words += QUICK
        if words[0] == "submit":  # the tiny dataset has one test sequence only
            words += ["--sequences", "11"]
        if words[0] == "simulate" and "--frames" in words:
            words[words.index("--frames") + 1] = "1"
        done = pcseg(*words, cwd=desk)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    made = ("scan.html", "street.png", "kitti.json", "submission.zip", "rooms-plots/ranges.png")
    for name in made:
        assert (desk / name).stat().st_size > 0
    assert len(list((desk / "mine-labelled").glob("*.ply"))) == 2
