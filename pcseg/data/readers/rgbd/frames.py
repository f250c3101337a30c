"""Posed RGB-D frames from a folder of pictures or a stream, and the view of a scan each one is."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from pcseg.data.readers.rgbd.images import (
    nearest,
    read_depth,
    scaled_intrinsics,
    size_of,
    smooth,
)
from pcseg.data.readers.rgbd.matrices import read_matrix, refuse_unrigid
from pcseg.data.readers.rgbd.sens import read_frames, read_header
from pcseg.data.scan import View
from pcseg.errors import DataError
from pcseg.files import natural_key
from pcseg.io.pictures import read_picture

log = logging.getLogger(__name__)

GRIDS = ("color", "depth")
_SAME_PLACE = 1e-3


@dataclass(frozen=True)
class RgbdFrame:
    """One frame; both cameras are taken to sit at one place and to look the same way.

    Attributes:
        name: of the frame, for example ``"20"`` or ``"frame-000020"``.
        rgb: (H, W, 3) uint8.
        color_K: (3, 3) float64 intrinsics of `rgb`.
        depth: (h, w) float32 metres along the optical axis, 0 where unknown.
        depth_K: (3, 3) float64 intrinsics of `depth`.
        pose: (4, 4) float64 camera -> world (x right, y down, z forward).
        time: seconds, or None.
    """

    name: str
    rgb: np.ndarray
    color_K: np.ndarray
    depth: np.ndarray
    depth_K: np.ndarray
    pose: np.ndarray
    time: float | None = None

    def view(self, sensor_to_world: np.ndarray, grid: str = "color") -> View:
        """The frame as a view of a scan.

        Args:
            sensor_to_world: (4, 4) from the frame of the scan's points into that of the poses.
            grid: ``color`` keeps each pixel of the picture and gives it the nearest depth;
                ``depth`` keeps each depth and interpolates the picture there.
        """
        rgb, K, depth = self.rgb, self.color_K, self.depth
        one_grid = rgb.shape[:2] == depth.shape and np.array_equal(K, self.depth_K)
        if grid == "depth" and not one_grid:
            rgb, K = smooth(rgb, K, self.depth_K, size_of(depth)), self.depth_K
        elif not one_grid:
            depth = nearest(depth, self.depth_K, K, size_of(rgb))
        camera_from_sensor = np.linalg.inv(self.pose) @ sensor_to_world
        return View(rgb, K, camera_from_sensor, depth, name=self.name, time=self.time)


class Frames(Protocol):
    """A recording: frames in order, read as they are asked for."""

    def __len__(self) -> int:
        """Frames in all, those without pose included."""

    def read(self, every: int = 1) -> Iterator[RgbdFrame]:
        """Each n-th frame; those whose tracking was lost are left out, with one notice."""


class SensFrames:
    """The frames of a ``.sens`` stream; see `pcseg.data.readers.rgbd.sens`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header = read_header(path)
        if np.abs(self.header.extrinsics - np.eye(4)).max() > _SAME_PLACE:
            log.warning(
                "%s: states extrinsics of its cameras, which are not applied: both are taken to "
                "sit where the poses are",
                path,
            )

    def __len__(self) -> int:
        return self.header.num_frames

    def read(self, every: int = 1) -> Iterator[RgbdFrame]:
        """See `Frames`.

        Raises:
            DataError: at a damaged frame, with its number.
        """
        lost: list[str] = []
        for frame in read_frames(self.path, every):
            if not frame.tracked:
                lost.append(str(frame.number))
                continue
            refuse_unrigid(frame.pose, frame.source)
            yield RgbdFrame(
                str(frame.number),
                frame.decode_color(),
                self.header.color_K,
                frame.decode_depth(),
                self.header.depth_K,
                frame.pose,
                frame.color_time,
            )
        _say_lost(self.path, lost)


class FolderFrames:
    """The frames of a folder: three files each, and the intrinsics of the two cameras."""

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        patterns: tuple[str, str, str],
        intrinsics: tuple[np.ndarray | None, np.ndarray],
        sizes: tuple[tuple[int, int] | None, tuple[int, int] | None] = (None, None),
    ) -> None:
        """Take note of the frames; nothing is read yet.

        Args:
            folder: that holds them.
            names: of the frames, in order.
            patterns: of colour, depth and pose files, with ``{}`` for the name of the frame; a
                colour file that does not exist is looked for as jpg and png.
            intrinsics: (3, 3) of colour and depth; None for colours that the depth camera's serve,
                scaled where the pictures have another size.
            sizes: (height, width) that the intrinsics are for; pictures that were exported smaller
                get scaled ones. None for the size of the pictures.
        """
        self.folder, self.names, self.patterns = folder, list(names), patterns
        self.intrinsics, self.sizes = intrinsics, sizes

    def __len__(self) -> int:
        return len(self.names)

    def read(self, every: int = 1) -> Iterator[RgbdFrame]:
        """See `Frames`.

        Raises:
            DataError: for a missing or damaged file.
        """
        for name in self.tracked(self.names[::every]):
            yield self.read_one(name)

    def tracked(self, names: Sequence[str]) -> list[str]:
        """Those of the frames whose camera was not lost; the others are named in a notice.

        Raises:
            DataError: for a missing or damaged pose.
        """
        lost = [n for n in names if not np.isfinite(read_matrix(self.files(n)[2])).all()]
        _say_lost(self.folder, lost)
        return [name for name in names if name not in set(lost)]

    def read_one(self, name: str) -> RgbdFrame:
        """One frame by name.

        Raises:
            DataError: for a missing or damaged file, or a pose that is none.
        """
        color, depth, pose_path = self.files(name)
        pose = read_matrix(pose_path)
        refuse_unrigid(pose, pose_path)
        rgb, metres = read_picture(color), read_depth(depth)
        (color_K, depth_K), (color_size, depth_size) = self.intrinsics, self.sizes
        depth_K = scaled_intrinsics(depth_K, depth_size or size_of(metres), size_of(metres))
        if color_K is None:
            color_K, color_size = depth_K, size_of(metres)
        color_K = scaled_intrinsics(color_K, color_size or size_of(rgb), size_of(rgb))
        return RgbdFrame(name, rgb, color_K, metres, depth_K, pose)

    def files(self, name: str) -> tuple[Path, Path, Path]:
        """Paths of the colour, depth and pose files of a frame."""
        color, depth, pose = (self.folder / p.format(name) for p in self.patterns)
        if not color.is_file() and color.with_suffix(".png").is_file():
            color = color.with_suffix(".png")
        return color, depth, pose


def seven_scenes_names(folder: Path) -> list[str]:
    """Names such as ``frame-000020`` of the frames in a folder laid out like 7-Scenes, sorted."""
    names = [p.name.removesuffix(".depth.png") for p in folder.glob("[!.]*.depth.png")]
    return sorted(names, key=natural_key)


def exported_names(folder: Path) -> list[str]:
    """Names such as ``20`` of the frames in a folder as ScanNet's SensReader exports them."""
    names = [path.stem for path in (folder / "depth").glob("[!.]*.png")]
    return sorted(names, key=natural_key)


SEVEN_SCENES = ("{}.color.jpg", "{}.depth.png", "{}.pose.txt")
EXPORTED = ("color/{}.jpg", "depth/{}.png", "pose/{}.txt")


def exported_frames(
    folder: Path, sizes: tuple[tuple[int, int] | None, tuple[int, int] | None] = (None, None)
) -> FolderFrames:
    """The frames of a folder with ``color/``, ``depth/``, ``pose/`` and the intrinsics.

    The intrinsics lie in ``intrinsic/intrinsic_color.txt`` as SensReader exports them, or in
    ``intrinsics_color.txt`` as in ScanNet's archive of 25,000 frames.

    Args:
        folder: that holds them.
        sizes: see `FolderFrames`.

    Raises:
        DataError: if the intrinsics are missing or damaged.
    """
    intrinsics = _find_intrinsics(folder, "color"), _find_intrinsics(folder, "depth")
    return FolderFrames(folder, exported_names(folder), EXPORTED, intrinsics, sizes)


def _find_intrinsics(folder: Path, camera: str) -> np.ndarray:
    places = [
        folder / "intrinsic" / f"intrinsic_{camera}.txt",
        folder / f"intrinsic_{camera}.txt",
        folder / f"intrinsics_{camera}.txt",
    ]
    for path in places:
        if path.is_file():
            return read_intrinsics(path)
    raise DataError(
        f"{places[0]}: missing, so the pixels of {folder / camera} have no direction. Export it "
        "with ScanNet's SensReader (--export_intrinsics)."
    )


def read_intrinsics(path: Path) -> np.ndarray:
    """Read intrinsics stored as a 3x3 or 4x4 matrix: (3, 3) float64.

    Raises:
        DataError: if they are missing, damaged or not those of a pinhole camera.
    """
    K = read_matrix(path)[:3, :3]
    pinhole = np.isfinite(K).all() and K[0, 0] > 0 and K[1, 1] > 0
    if not pinhole or np.abs(K[2] - [0, 0, 1]).max() > 1e-6 or abs(K[0, 1]) > 1e-6:
        raise DataError(
            f"{path}: not the intrinsics of a pinhole camera without skew (fx 0 cx / 0 fy cy / "
            f"0 0 1): {K.tolist()}. Mend the file."
        )
    return K


def _say_lost(source: Path, lost: list[str]) -> None:
    if lost:
        log.warning(
            "%s: %d frames were left out, their camera was lost (pose not finite): %s%s",
            source,
            len(lost),
            ", ".join(lost[:8]),
            ", …" if len(lost) > 8 else "",
        )
