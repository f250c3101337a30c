"""SemanticSTF: scans in fog, rain and snow, each with its weather."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import check_choice
from pcseg.data.readers.kitti.family import KittiFamily
from pcseg.errors import DataError
from pcseg.files import read_lines

WEATHERS = ("dense_fog", "light_fog", "rain", "snow")


class SemanticSTF(KittiFamily):
    """SemanticSTF; its sequences are the folders ``train``, ``val`` and ``test``.

    Points have five numbers: x y z, intensity of 0..255 (becomes 0..1) and the channel
    (``attrs["ring"]``, int16). Labels are already 1..19 in SemanticKITTI's order, 20 is what
    falls and floats. Single scans of many drives: no poses, no times. The weather of a frame, from
    ``val/val.txt`` and its like, stands in ``meta["weather"]``.
    """

    name: str = "semanticstf"
    label_map: ClassVar[str] = "semantic_stf"
    columns: ClassVar[int] = 5
    intensity_max: ClassVar[float] = 255.0
    inside: ClassVar[tuple[str, ...]] = ("",)
    camera_poses: ClassVar[bool] = False

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        label_set: str | LabelSet | None = None,
        *,
        weather: str | Sequence[str] = (),
        sequences: Sequence[str] | None = None,
        labels: str = "optional",
        invalid: str = "error",
        every: int = 1,
    ) -> None:
        """Find the frames of a split.

        Args:
            root: the folder that holds ``train/``, ``val/`` and ``test/``.
            split: one of these, ``all``, or one of these in one weather: ``val:snow``.
            label_set: see `Reader`.
            weather: keep only frames of these kinds: ``dense_fog``, ``light_fog``, ``rain``,
                ``snow``; all by default.
            sequences: see `Reader`.
            labels: see `Reader`.
            invalid: see `Reader`.
            every: see `Reader`.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if nothing of the split is there, or a list of weather is missing or damaged
                where it is needed.
        """
        self._wanted = (weather,) if isinstance(weather, str) else tuple(weather)
        folder, colon, kind = split.partition(":")
        if colon and kind in WEATHERS:
            split, self._wanted = folder, (kind,)
        for kind in self._wanted:
            check_choice("weather", kind, WEATHERS)
        self._weather: dict[str, dict[str, str]] = {}
        super().__init__(
            root,
            split,
            label_set,
            sequences=sequences,
            labels=labels,
            invalid=invalid,
            every=every,
        )
        if self._wanted:  # results say what was scored
            self.split = f"{split}:{'+'.join(self._wanted)}"

    def weather(self, frame: FrameId) -> str | None:
        """The weather of a frame; None if the lists do not name it."""
        return self._weather_of(frame.sequence).get(frame.frame)

    def _frames_there(self, sequence: str) -> list[str]:
        names = self._clouds_there(sequence)
        if not self._wanted:
            return names
        known = self._weather_of(sequence)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise DataError(
                f"{self._list_path(sequence)}: missing, or has no line for {len(unknown)} of the "
                f"{len(names)} clouds there, the first is {unknown[0]}. Copy the list of the "
                "dataset (lines 'name,weather'), or do not choose by weather."
            )
        return [name for name in names if known[name] in self._wanted]

    def _attrs_of(self, cloud: np.ndarray, frame: FrameId) -> dict[str, np.ndarray]:
        channel = cloud[:, 4]
        whole = np.rint(channel)
        if not (np.array_equal(whole, channel) and (0 <= whole).all() and (whole < 1024).all()):
            first = int(np.argmin((whole == channel) & (0 <= whole) & (whole < 1024)))
            raise DataError(
                f"{self.cloud_path(frame)}: point {first} has channel {channel[first]:g}, not the "
                "number of a beam: the file is damaged or has no five columns "
                "(x y z intensity channel, float32). Copy it again."
            )
        return {**super()._attrs_of(cloud, frame), "ring": whole.astype(np.int16)}

    def _facts_of(self, frame: FrameId) -> dict[str, Any]:
        weather = self.weather(frame)
        return {} if weather is None else {"weather": weather}

    def _weather_of(self, sequence: str) -> dict[str, str]:
        if sequence not in self._weather:
            path = self._list_path(sequence)
            self._weather[sequence] = read_weather(path) if path.is_file() else {}
        return self._weather[sequence]

    def _list_path(self, sequence: str) -> Path:
        return self.folder / sequence / f"{sequence}.txt"


def read_weather(path: Path) -> dict[str, str]:
    """Read a list of lines ``name,weather``, as the official evaluation by weather does.

    Returns:
        {name of the cloud without folder and suffix: weather}.

    Raises:
        DataError: naming the line that is not understood.
    """
    found = {}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        name, comma, weather = (part.strip() for part in line.partition(","))
        if not comma or weather not in WEATHERS:
            raise DataError(
                f"{path}, line {number}: '{line[:80]}' is not 'name,weather' with one of "
                f"{', '.join(WEATHERS)}. Copy the list of the dataset."
            )
        found[Path(name).name.removesuffix(".bin")] = weather
    return found
