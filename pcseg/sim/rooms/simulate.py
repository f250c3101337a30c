"""Simulated data sets of rooms on disk: resumable, in parallel, the same bytes every time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from pcseg.errors import ConfigError
from pcseg.executor import Report, executor
from pcseg.sim.dataset import Progress, Simulation
from pcseg.sim.manifest import claim_folder
from pcseg.sim.rooms.layouts import RoomWriter, room_layout_class
from pcseg.sim.rooms.room import build_room


@dataclass(frozen=True)
class RoomRecipe:
    """What every room of a data set shares.

    Attributes:
        seed: of all chance; rooms derive their own from it.
        layout: of the files; see `pcseg.sim.rooms.layouts.ROOM_LAYOUTS`.
        frames: pictures, or stations, in each room.
        image_scale: of the pictures, 1 for the data set's own size.
    """

    seed: int
    layout: str
    frames: int
    image_scale: float

    def writer(self, root: Path) -> RoomWriter:
        """Of the layout."""
        return room_layout_class(self.layout)(root, self.image_scale, self.frames)


def simulate_rooms(
    out: str | Path,
    *,
    layout: str = "scannet",
    rooms: int = 6,
    frames: int | None = None,
    seed: int = 0,
    image_scale: float = 1.0,
    workers: int = 1,
    engine: str = "local",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Simulation:
    """Furnish rooms, scan each of them and write the files of a data set.

    The same arguments give the same bytes, whatever the number of workers. Rooms that are there
    whole, from the same recipe, are kept, so an interrupted call can simply be repeated, and a call
    for more rooms adds the new ones.

    Args:
        out: folder for the data set and the manifest ``simulation.json``.
        layout: of the files; see `pcseg.sim.rooms.layouts.ROOM_LAYOUTS`.
        rooms: how many; their kinds take turns.
        frames: pictures on the way through each room (ScanNet), or stations of the panoramic
            camera (S3DIS); by default 60 and 3.
        seed: of everything.
        image_scale: of the pictures; 1 for the data set's own size. Smaller pictures make coarser
            meshes and thinner clouds.
        workers: processes. With more than one, call from under ``if __name__ == "__main__"``.
        engine: ``local`` or ``ray``; see `pcseg.executor.executor`.
        overwrite: delete simulated data of another recipe instead of refusing.
        progress: called after every frame or station.

    Raises:
        ConfigError: for a setting that cannot be, or a folder with other data.
        PcsegError: if the disk refuses a write, or a worker process dies.
    """
    kind = room_layout_class(layout)
    frames = kind.frames if frames is None else frames
    for value, what in ((rooms, "room"), (frames, kind.what)):
        if value < 1:
            raise ConfigError(f"at least 1 {what} is needed, not {value}.")
    if seed < 0:
        raise ConfigError(f"the seed must be 0 or more, not {seed}.")
    crew = executor(engine, workers)
    recipe, root, numbers = (
        RoomRecipe(seed, layout, frames, float(image_scale)),
        Path(out),
        range(rooms),
    )
    store = recipe.writer(root)
    names = [kind.room_name(number) for number in numbers]
    claim_folder(root, asdict(recipe), {"sensor_model": kind.sensor}, names, overwrite)
    for number in numbers:
        store.remove_leftovers(number)
    left = [number for number in numbers if not store.has_room(number)]
    told = _Progress(names, frames, (rooms - len(left)) * frames, progress)
    points = sum(found for _, found in crew.run(partial(_scan, root, recipe), left, told.step))
    store.finish(numbers)
    return Simulation(root, tuple(names), rooms, len(left), points)


def _scan(root: Path, recipe: RoomRecipe, number: int, report: Report) -> int:
    """Build and store one room; `report` is told of its frames and may ask to stop."""
    writer = recipe.writer(root)
    room = build_room([recipe.seed, number, 0], writer.room_kind(number))
    # A room's chance is its own: it does not matter which rooms were made before it.
    seed = recipe.seed * 1_000_003 + number
    return writer.write_room(number, room, seed, lambda frame: report((number, frame)))


class _Progress:
    """Counts frames of all rooms and tells the caller."""

    def __init__(self, names: list[str], frames: int, done: int, told: Progress | None) -> None:
        self._names, self._told = names, told
        self._frames, self._done, self._total = frames, done, len(names) * frames
        if told and done:
            told(done, self._total, f"{done // frames} rooms were there already")

    def step(self, message: tuple[int, int]) -> None:
        """Note a frame: number of the room, number of the frame."""
        number, frame = message
        self._done += 1
        if self._told:
            text = f"{self._names[number]}, {frame + 1} of {self._frames}"
            self._told(self._done, self._total, text)
