"""The recipe of a simulated data set: all that fixes its bytes, checked and kept beside it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pcseg._version import __version__
from pcseg.data.reader import ALL_CAMERAS, SIMULATION
from pcseg.errors import ConfigError, DataError
from pcseg.files import explained_refusals, read_json, remove_leftovers, write_json
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
    wrong = [name for name in names if not re.fullmatch(r"\d\d", name)]
    if wrong or not names:
        raise ConfigError(
            f"sequences must be two-digit names such as 00 or 08, not {', '.join(wrong) or 'none'}."
        )
    return tuple(dict.fromkeys(names))


def claim_folder(root: Path, recipe: Recipe, sequences: Sequence[str], overwrite: bool) -> None:
    """Make sure that all that is in the folder has the same recipe, and leave the manifest there.

    Sequences of another recipe are deleted before the new manifest is written, so that the manifest
    tells the truth whenever the work is interrupted.

    Raises:
        ConfigError: if the folder holds data of another recipe that may not be overwritten, or
            data that was not simulated.
        PcsegError: if the disk refuses.
    """
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root}: is a file, not a folder. Choose another place for the data.")
    path = root / SIMULATION
    known: dict[str, Any] = {}
    if path.exists():
        known = _read(path)
        ours = json.loads(json.dumps({"version": __version__, **asdict(recipe)}))
        theirs = {"version": known.get("version"), **known.get("recipe", {})}
        differing = [key for key in ours if theirs.get(key) != ours[key]]
        if differing and not overwrite:
            listed = ", ".join(f"{k}: there {theirs.get(k)}, asked {ours[k]}" for k in differing)
            raise ConfigError(
                f"{path}: this folder was simulated differently ({listed}). "
                "Choose another folder, or say that it may be overwritten."
            )
        if differing:
            _delete_simulated(root, theirs.get("layout", recipe.layout), known)
            known = {}
    else:
        for entry in layout_class(recipe.layout).entries:
            if (root / entry).exists():
                raise ConfigError(
                    f"{root}: has '{entry}' but no {SIMULATION}, so it may be genuine data. "
                    "Simulate into another folder."
                )
    names = sorted({*known.get("sequences", []), *sequences})
    write_json(path, _manifest(recipe, names))
    remove_leftovers(root, SIMULATION)


def _delete_simulated(root: Path, layout: str, known: Mapping[str, Any]) -> None:
    """Delete what the manifest vouches for, if there is nothing else among it."""
    folders = [root / entry for entry in layout_class(layout).entries]
    foreign = [path for path in folders if path.is_symlink()]
    for folder in folders:
        if folder.name == "sequences" and folder.is_dir():
            listed = known.get("sequences", [])
            foreign += [p for p in folder.iterdir() if p.is_symlink() or p.name not in listed]
    if foreign:
        raise ConfigError(
            f"{min(foreign)}: was not simulated here, so it is not overwritten. "
            "Move it away, or simulate into another folder."
        )
    for path in folders:
        with explained_refusals(path, "delete old data"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _manifest(recipe: Recipe, names: Sequence[str]) -> dict[str, Any]:
    main = recipe.make_rig().main
    return {
        "label": "simulated",
        "program": "pcseg",
        "version": __version__,
        "recipe": asdict(recipe),
        "sensor_model": main.sensor.model,
        "mount_height_m": float(main.body_from_sensor[2, 3]),
        "sequences": list(names),
    }


def _read(path: Path) -> dict[str, Any]:
    known = read_json(path)
    if not isinstance(known, dict) or known.get("label") != "simulated":
        raise DataError(f"{path}: is not a manifest of a simulation. Choose another folder.")
    return known
