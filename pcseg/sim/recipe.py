"""The recipe of a simulated drive: all that fixes its bytes, checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pcseg.data.reader import ALL_CAMERAS
from pcseg.errors import ConfigError
from pcseg.sim.rig import Rig
from pcseg.sim.street import MARGIN_M, MAX_LENGTH_M
from pcseg.sim.writers import layout_class


@dataclass(frozen=True)
class Recipe:
    """What every sequence of a data set shares.

    Attributes:
        seed: of all chance; sequences and frames derive their own from it.
        sensor: device or rig of sensors.yaml in place of the layout's own main LiDAR, or None.
        layout: of the files.
        cameras: names of those that take pictures.
        image_scale: of the pictures, 1 for the data set's own size.
        frames: scans per sequence.
        speed_mps: of the carrier.
        frame_step_m: distance between two scans.
        columns_step: every how many-th firing is kept.
        rows_step: every how many-th beam is kept.
    """

    seed: int
    sensor: str | None
    layout: str
    cameras: tuple[str, ...]
    image_scale: float
    frames: int
    speed_mps: float
    frame_step_m: float
    columns_step: int
    rows_step: int

    def make_rig(self) -> Rig:
        """The rig: LiDARs thinned and cameras chosen as asked."""
        rig = layout_class(self.layout).rig(self.sensor)
        chosen = rig.with_cameras(self.cameras, self.image_scale)
        return chosen.thinned(self.columns_step, self.rows_step)

    def street_m(self) -> float:
        """Length of street that the frames of a sequence need."""
        return max(160.0, 2 * MARGIN_M + self.frames * self.frame_step_m)

    def facts(self) -> dict[str, Any]:
        """What the manifest says besides the recipe."""
        main = self.make_rig().main
        return {
            "sensor_model": main.sensor.model,
            "mount_height_m": float(main.body_from_sensor[2, 3]),
        }

    def times(self) -> list[float]:
        """Seconds of every frame from the first."""
        return [frame * self.frame_step_m / self.speed_mps for frame in range(self.frames)]


def make_recipe(
    *,
    seed: int,
    sensor_name: str | None,
    layout: str,
    cameras: Sequence[str] | None,
    image_scale: float,
    frames: int,
    speed_mps: float,
    frame_step_m: float | None,
    columns_step: int,
    rows_step: int,
) -> Recipe:
    """A checked recipe; the frame step is by default what the carrier drives between two frames.

    Raises:
        ConfigError: naming the setting that cannot be, and what it can be.
    """
    kind = layout_class(layout)
    rig = kind.rig(sensor_name)
    if cameras is None and not kind.pictures:
        cameras = ()
    elif cameras is None or tuple(cameras) == ALL_CAMERAS:
        cameras = tuple(camera.name for camera in rig.cameras)
    rig.with_cameras(cameras, image_scale).thinned(columns_step, rows_step)
    if seed < 0:
        raise ConfigError(f"the seed must be 0 or more, not {seed}.")
    if frames < 1:
        raise ConfigError(f"a sequence needs at least 1 frame, not {frames}.")
    if not speed_mps > 0:
        raise ConfigError(f"the speed must be positive, not {speed_mps} m/s.")
    step = speed_mps / rig.frame_rate_hz if frame_step_m is None else float(frame_step_m)
    if not step > 0:
        raise ConfigError(f"the step between frames must be positive, not {step} m.")
    if 2 * MARGIN_M + frames * step > MAX_LENGTH_M:
        most = int((MAX_LENGTH_M - 2 * MARGIN_M) / step)
        raise ConfigError(
            f"{frames} frames {step:g} m apart need too long a street "
            f"(at most {MAX_LENGTH_M:.0f} m). "
            f"Use up to {most} frames a sequence, a smaller step, or more sequences."
        )
    return Recipe(
        seed=seed,
        sensor=sensor_name,
        layout=layout,
        cameras=tuple(cameras),
        image_scale=float(image_scale),
        frames=frames,
        speed_mps=float(speed_mps),
        frame_step_m=step,
        columns_step=columns_step,
        rows_step=rows_step,
    )


def sequence_names(given: Sequence[str | int]) -> tuple[str, ...]:
    """Two-digit names, in order and once each.

    Raises:
        ConfigError: if there is none, or one is not a number of 0..99.
    """
    names = [f"{name:02d}" if isinstance(name, int) else str(name) for name in given]
    wrong = [name for name in names if not re.fullmatch("[0-9][0-9]", name)]
    if wrong or not names:
        raise ConfigError(
            f"sequences must be two-digit names such as 00 or 08, not {', '.join(wrong) or 'none'}."
        )
    return tuple(dict.fromkeys(names))
