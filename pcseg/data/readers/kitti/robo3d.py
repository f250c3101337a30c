"""SemanticKITTI-C: Robo3D's own files of eight corruptions, for those who have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pcseg.data.corruptions import CORRUPTIONS, SEVERITIES
from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import check_choice
from pcseg.data.readers.kitti.family import KittiFamily
from pcseg.errors import ConfigError, DataError

SEQUENCE = "08"
"""All of it is made from SemanticKITTI's validation sequence."""


class SemanticKITTIC(KittiFamily):
    """SemanticKITTI-C in its folders ``<corruption>/<severity>/{velodyne,labels}``.

    One corruption and severity at a time. Its frames are those of sequence 08; fog, snow and
    crosstalk have ids of their own and are not scored. Labels of fog, snow, motion blur, wet
    ground, crosstalk and incomplete echoes come without instances. No poses, no times.
    """

    name: str = "semantickitti_c"
    label_map: ClassVar[str] = "semantickitti_c"
    frame_files: ClassVar[str] = "velodyne/*.bin"

    def __init__(
        self,
        root: str | Path,
        split: str = "test",
        label_set: str | LabelSet | None = None,
        *,
        corruption: str = "",
        severity: str = "",
        labels: str = "optional",
        invalid: str = "error",
        every: int = 1,
    ) -> None:
        """Find the frames of one corruption and severity.

        Args:
            root: the folder that holds the corruptions, or ``SemanticKITTI-C`` beside others.
            split: ``test``, ``all``, or frames such as ``08:0-99``.
            label_set: see `Reader`.
            corruption: one of the eight of `pcseg.data.corruptions`.
            severity: ``light``, ``moderate`` or ``heavy``.
            labels: see `Reader`.
            invalid: see `Reader`.
            every: see `Reader`.

        Raises:
            ConfigError: if no corruption and severity is given, or one that does not exist.
            DataError: if their folder is not there.
        """
        if not corruption or not severity:
            raise ConfigError(
                f"{self.name}: give one corruption ({', '.join(CORRUPTIONS)}) and one severity "
                f"({', '.join(SEVERITIES)}): data.options={{corruption: fog, severity: light}}."
            )
        check_choice("corruption", corruption, CORRUPTIONS)
        check_choice("severity", severity, SEVERITIES)
        self.corruption, self.severity = corruption, severity
        super().__init__(root, split, label_set, labels=labels, invalid=invalid, every=every)

    def cloud_path(self, frame: FrameId) -> Path:
        """The ``.bin`` of a frame."""
        return self.folder / self.cloud_folder / f"{frame.frame}.bin"

    def label_path(self, frame: FrameId) -> Path:
        """The ``.label`` of a frame, whether it is there or not."""
        return self.folder / self.label_folder / f"{frame.frame}.label"

    def _locate(self, root: Path) -> Path:
        below = Path(self.corruption) / self.severity
        for folder in (root / below, root / "SemanticKITTI-C" / below):
            if (folder / self.cloud_folder).is_dir():
                return folder
        there = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
        raise DataError(
            f"{root}: has no {below}/{self.cloud_folder}. It holds: "
            f"{', '.join(there[:8]) or 'nothing'}. Give the folder that holds the corruptions as "
            "Robo3D's archives do (fog/light/velodyne, …)."
        )

    def _sequences_there(self) -> list[str]:
        return [SEQUENCE]

    def _clouds_there(self, sequence: str) -> list[str]:
        folder = self.folder / self.cloud_folder
        return sorted(p.stem for p in folder.glob("*.bin") if not p.name.startswith("."))

    def _facts_of(self, frame: FrameId) -> dict[str, Any]:
        done = {"suite": "Robo3D", "name": self.corruption, "severity": self.severity}
        return {"corruption": done}

    def _reading(self) -> str:
        return f"{super()._reading()} {self.corruption} {self.severity}"
