"""Predicting every raw point of a target in the classes of the source; labels stay closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pcseg.benchmark.arrays import encode, list_hash, part_name, write_manifest, write_part
from pcseg.benchmark.seal import read_seal
from pcseg.benchmark.specs import open_unlabelled
from pcseg.benchmark.store import Store, file_hash
from pcseg.benchmark.units import Unit
from pcseg.data.dataset import ScanDataset
from pcseg.evaluate.run import predictions
from pcseg.files import read_json, remove_leftovers, write_json
from pcseg.methods import LoadedRun, load_run

if TYPE_CHECKING:
    from pcseg.benchmark.work.do import Context, Told


def do(context: Context, unit: Unit, told: Told) -> Mapping[str, Any]:
    """Predict sequence by sequence; finished sequences of an interrupted call are kept."""
    store = Store(context.out)
    folder, trained = store.folder(unit.id), store.folder(unit.spec["train"])
    seal = read_seal(trained)
    loaded = load_run(trained / seal.checkpoint, device=context.device)
    dataset, scored = open_unlabelled(unit.spec["scans"], context.out)
    remove_leftovers(folder, "*")
    parts = []
    done = 0
    for number, rows in enumerate(_by_sequence(dataset, scored)):
        path = folder / part_name(number)
        points = folder / f"{path.stem}.json"
        if not points.is_file():
            _predict_part(context, loaded, dataset, rows, path, told, (done, len(scored)))
        done += len(rows)
        told(done, len(scored))
        parts.append(
            {
                "file": path.name,
                "sequence": dataset.frames[rows[0]].sequence,
                "frames": [dataset.frames[row].frame for row in rows],
                "points": read_json(points),
                "sha256": file_hash(path),
            }
        )
    counts = [n for part in parts for n in part["points"]]
    facts = {
        "weights_hash": seal.weights,
        "scans": len(scored),
        "points": sum(counts),
        "frames_hash": list_hash([dataset.frames[row] for row in scored]),
        "points_hash": list_hash(counts),
        "predictions_hash": list_hash([part["sha256"] for part in parts]),
    }
    of = {"checkpoint_sha256": seal.sha256}
    write_manifest(folder, {**facts, **of, "label_set": loaded.label_set.to_dict(), "parts": parts})
    return facts


def _predict_part(
    context: Context,
    loaded: LoadedRun,
    dataset: ScanDataset,
    rows: Sequence[int],
    path: Any,
    told: Told,
    place: tuple[int, int],
) -> None:
    """Predict the scans of one sequence; one that looks back in time sees those between, too."""
    seen = list(rows)
    if getattr(loaded.method, "sequential", False):
        sequence = dataset.frames[rows[0]].sequence
        seen = [r for r in range(max(rows) + 1) if dataset.frames[r].sequence == sequence]
    wanted = set(rows)
    batch = 1 if seen != list(rows) else loaded.config.eval.batch_size
    encoded = []
    made = predictions(loaded.method, dataset, batch, context.loaders, seen)
    for row, (_, prediction) in zip(seen, made, strict=True):
        if row in wanted:
            encoded.append(encode(prediction))
            told(place[0] + len(encoded), place[1])
    write_part(path, encoded)
    # Written second: it tells that the part is whole.
    write_json(path.with_suffix(".json"), [rows.shape[1] for rows in encoded])


def _by_sequence(dataset: ScanDataset, rows: Sequence[int]) -> list[list[int]]:
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(dataset.frames[row].sequence, []).append(row)
    return list(found.values())
