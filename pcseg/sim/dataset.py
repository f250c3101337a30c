"""Simulated data sets: streets driven through and written to disk, resumable, in parallel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from pcseg.executor import Report, executor
from pcseg.sim.manifest import claim_folder
from pcseg.sim.recipe import Recipe, make_recipe, sequence_names
from pcseg.sim.record import Recorder
from pcseg.sim.street import build_street
from pcseg.sim.writers import layout_class

Progress = Callable[[int, int, str], None]
"""Called with frames done, frames in all, and a short message."""


@dataclass(frozen=True)
class Simulation:
    """What `simulate` left on the disk.

    Attributes:
        root: folder that holds the layout's files and ``simulation.json``.
        sequences: names simulated or found.
        frames: of all sequences together.
        written: frames computed in this call; the others were there already.
        points: written in this call.
    """

    root: Path
    sequences: tuple[str, ...]
    frames: int
    written: int
    points: int


def simulate(
    out: str | Path,
    *,
    sensor: str | None = None,
    sequences: Sequence[str | int] = ("00",),
    frames: int = 10,
    seed: int = 0,
    layout: str = "semantickitti",
    cameras: Sequence[str] | None = None,
    image_scale: float = 1.0,
    speed_mps: float = 8.0,
    frame_step: float | None = None,
    columns_step: int = 1,
    rows_step: int = 1,
    workers: int = 1,
    engine: str = "local",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Simulation:
    """Drive through a street of its own for every sequence and write the scans.

    The same arguments give the same bytes, whatever the number of workers. Frames that are there
    whole, from the same recipe, are kept, so an interrupted call can simply be repeated.

    Args:
        out: folder for the data set's own files and the manifest ``simulation.json``.
        sensor: device or rig of sensors.yaml in place of the layout's own main LiDAR.
        sequences: two-digit names, each a street of its own; 08 is for validation in the splits of
            SemanticKITTI, nuScenes and Waymo.
        frames: scans per sequence.
        seed: of everything.
        layout: of the files; see `pcseg.sim.writers.LAYOUTS`.
        cameras: that take pictures: names, ``["all"]`` or none (``[]``); by default what is usual
            for the layout.
        image_scale: of the pictures; 1 for the data set's own size.
        speed_mps: of the carrier.
        frame_step: metres between frames; by default the way between two frames of the data set.
            Larger steps vary more.
        columns_step: keep every n-th firing (lighter scans).
        rows_step: keep every n-th beam.
        workers: processes. With more than one, call from under ``if __name__ == "__main__"``.
        engine: ``local`` or ``ray``; see `pcseg.executor.executor`.
        overwrite: delete simulated data of another recipe instead of refusing.
        progress: called after every frame.

    Raises:
        ConfigError: for a setting that cannot be, or a folder with other data.
        PcsegError: if the disk refuses a write, or a worker process dies.
    """
    recipe = make_recipe(
        seed=seed,
        sensor_name=sensor,
        layout=layout,
        cameras=cameras,
        image_scale=image_scale,
        frames=frames,
        speed_mps=speed_mps,
        frame_step_m=frame_step,
        columns_step=columns_step,
        rows_step=rows_step,
    )
    crew = executor(engine, workers)
    names, root = sequence_names(sequences), Path(out)
    store = layout_class(layout)(root, recipe.make_rig())
    claim_folder(root, asdict(recipe), recipe.facts(), names, overwrite)
    for name in names:
        store.remove_leftovers(name)
    wanted = [(name, frame) for name in names for frame in range(frames)]
    left = [(n, f) for n, f in wanted if not store.has_frame(n, f)]
    tasks = _tasks(left, workers)
    names_left = {name for name, _ in left}
    tasks += [(n, []) for n in names if n not in names_left and not store.has_sequence(n, frames)]
    report = _Report(len(wanted), len(wanted) - len(left), progress)
    work = partial(_drive, root, recipe)
    for _ in crew.run(work, tasks, report.frame):
        pass
    store.finish(names, frames)
    return Simulation(root, names, len(wanted), report.written, report.points)


class _Report:
    """Counts frames and points and tells the caller."""

    def __init__(self, total: int, done: int, progress: Progress | None) -> None:
        self.total, self.done, self.progress = total, done, progress
        self.written = self.points = 0
        if progress and done:
            progress(done, total, f"{done} frames were there already")

    def frame(self, message: tuple[str, int, int]) -> None:
        """Note a written frame: sequence, number, points."""
        sequence, frame, points = message
        self.done, self.written, self.points = self.done + 1, self.written + 1, self.points + points
        if self.progress:
            self.progress(
                self.done, self.total, f"sequence {sequence}, frame {frame}: {points} points"
            )


def _tasks(left: list[tuple[str, int]], workers: int) -> list[tuple[str, list[int]]]:
    """Frames grouped by sequence; long groups are cut if workers outnumber sequences."""
    by_name: dict[str, list[int]] = {}
    for name, frame in left:
        by_name.setdefault(name, []).append(frame)
    cuts = -(-workers // max(1, len(by_name)))
    tasks = []
    for name, numbers in by_name.items():
        size = max(1, -(-len(numbers) // cuts))
        tasks += [(name, numbers[k : k + size]) for k in range(0, len(numbers), size)]
    return tasks


def _drive(root: Path, recipe: Recipe, task: tuple[str, list[int]], report: Report) -> None:
    """Simulate some frames of one sequence; `report` is told of each and may ask to stop."""
    name, numbers = task
    recorder, times = _recorder(recipe, int(name)), recipe.times()
    store = layout_class(recipe.layout)(root, recorder.rig)
    bodies = np.stack([recorder.world.body_pose(time) for time in times])
    store.write_sequence(name, bodies, times)
    for number in numbers:
        # A frame's chance is its own: it does not matter which frames were made before it.
        since = times[number - 1] if number else None
        frame = recorder.record(times[number], [recipe.seed, int(name), 1, number], since)
        store.write_frame(name, number, frame)
        if not report((name, number, frame.points)):
            return


@lru_cache(maxsize=1)
def _recorder(recipe: Recipe, number: int) -> Recorder:
    """The rig in the street of a sequence; the last one is kept for a worker's next task."""
    world = build_street([recipe.seed, number, 0], recipe.street_m(), speed_mps=recipe.speed_mps)
    return Recorder(world, recipe.make_rig())
