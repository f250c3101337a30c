"""Corruptions: one trained run on corrupted scans, its mCE and its mRR.

Either pcseg's own corruptions of a clean split (`robo3d-like/1`), or the files that Robo3D
published. The two are never the same data: a figure says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from pcseg.benchmark.units import content_hash
from pcseg.data.catalogue import open_dataset
from pcseg.data.corruptions import CORRUPTIONS, SEVERITIES, SUITE, Corrupted
from pcseg.data.dataset import ScanDataset
from pcseg.errors import ConfigError, Interrupted
from pcseg.evaluate import Evaluation, check_same_classes
from pcseg.evaluate.protocol import HOUSE, Protocol, protocol
from pcseg.evaluate.robustness import Baseline, Robustness, published_baseline
from pcseg.evaluate.run import evaluate
from pcseg.executor import Executor, Report
from pcseg.files import read_json, write_json
from pcseg.methods import LoadedRun, load_run
from pcseg.methods.load import checkpoint_path
from pcseg.train.datasets import open_split

CLEAN = "clean"

OFFICIAL = {"semantickitti": ("semantickitti_c", "SemanticKITTI-C")}
"""Reader of the clean data -> reader of Robo3D's files, and name of their set."""

RULES = {"semantickitti": "semantickitti-official/1", "nuscenes": "nuscenes-official/1"}
"""Robo3D counts as the servers of the sets do; elsewhere the house rule holds."""


@dataclass(frozen=True)
class Suite:
    """What a run is scored on.

    Attributes:
        run: folder or checkpoint.
        settings: changed settings of the run: ``data.root=DIR`` …
        split: of the clean data.
        out: folder of the results.
        official: folder of Robo3D's published files, ``<corruption>/<severity>/velodyne``; None to
            corrupt the clean split here.
        seed: of the corruptions made here.
        device: auto, cpu or cuda.
    """

    run: Path
    settings: tuple[str, ...]
    split: str
    out: Path
    official: Path | None = None
    seed: int = 0
    device: str = "auto"

    @property
    def name(self) -> str:
        """What the figures are called after."""
        return SUITE if self.official is None else "Robo3D files"


def score_corruptions(
    suite: Suite,
    crew: Executor,
    baseline: str | None = None,
    told: Callable[[int, int], None] | None = None,
) -> Robustness:
    """Score a run clean, and under eight corruptions at three severities.

    Each of the 25 scores is kept as it is done, so that an interrupted call goes on.

    Args:
        suite: what to score.
        crew: who does it.
        baseline: file of another run's result (``robustness.json``), ``published`` for Robo3D's own
            baseline on its own files, or None for mRR alone.
        told: called with (scores done, scores in all).

    Raises:
        ConfigError: for a baseline that was scored on other data.
        DataError: if files are missing or damaged.
    """
    given = None if baseline is None else _baseline(baseline, suite)
    conditions = [(CLEAN, CLEAN), *((c, s) for c in CORRUPTIONS for s in SEVERITIES)]
    left = [one for one in conditions if not _path(suite, *one).is_file()]
    done = len(conditions) - len(left)
    if told is not None:
        told(done, len(conditions))
    for _ in crew.run(partial(_score, suite), left):
        done += 1
        if told is not None:
            told(done, len(conditions))
    miou = {c: [_miou(suite, c, s) for s in SEVERITIES] for c in CORRUPTIONS}
    found = Robustness(_miou(suite, CLEAN, CLEAN), miou, given)
    write_json(suite.out / "robustness.json", summary(suite, found))
    return found


def summary(suite: Suite, found: Robustness) -> dict[str, Any]:
    """The figures as plain data, with what they were measured on."""
    with_baseline = found.baseline is not None
    return {
        "suite": suite.name,
        "data": _data(suite),
        "protocol": _rules(suite).name,
        "clean": found.clean,
        "miou": {name: list(values) for name, values in found.miou.items()},
        "severities": list(SEVERITIES),
        "resilience_rates": found.resilience_rates,
        "mrr": found.mrr,
        "baseline": found.baseline.name if found.baseline is not None else None,
        "corruption_errors": found.corruption_errors if with_baseline else None,
        "mce": found.mce if with_baseline else None,
    }


def _score(suite: Suite, condition: tuple[str, str], report: Report) -> None:
    """Score one condition and keep the result."""
    loaded = _loaded(suite)
    evaluation = Evaluation(loaded.label_set, _rules(suite))

    def told(done: int, total: int) -> None:
        if not report((condition, done, total)):
            raise Interrupted("stopped; scores that are done are kept. Run the same command again.")

    dataset = _open(suite, loaded, *condition)
    check_same_classes(loaded.label_set, dataset.label_set, loaded.checkpoint)
    batch = loaded.config.eval.batch_size
    evaluate(loaded.method, dataset, evaluation, batch, progress=told)
    meta = {"suite": suite.name, "corruption": condition[0], "severity": condition[1]}
    evaluation.result({**meta, "split": suite.split}).save(_path(suite, *condition))


@lru_cache(maxsize=1)
def _loaded(suite: Suite) -> LoadedRun:
    """The run, opened once in each process."""
    return load_run(suite.run, suite.settings, suite.device)


def _open(suite: Suite, loaded: LoadedRun, name: str, severity: str) -> ScanDataset:
    clean = loaded.config.data
    if name == CLEAN:
        return open_split(clean, suite.split)
    if suite.official is None:
        made: Any = Corrupted(open_split(clean, suite.split), name, severity, suite.seed)
        return made  # type: ignore[no-any-return]
    reader, _ = _official(clean.name)
    classes = f"{reader}/{loaded.label_set.name}"
    options = {"corruption": name, "severity": severity, "labels": "required"}
    return open_dataset(reader, suite.official, "all", classes, **options)


def _official(dataset: str) -> tuple[str, str]:
    if dataset not in OFFICIAL:
        raise ConfigError(
            f"files of Robo3D are read for {', '.join(OFFICIAL)}, not for '{dataset}'. Leave "
            f"--official out to score under {SUITE}."
        )
    return OFFICIAL[dataset]


def _rules(suite: Suite) -> Protocol:
    name = _loaded(suite).config.data.name
    return protocol(RULES.get(name, HOUSE.name))


def _path(suite: Suite, name: str, severity: str) -> Path:
    """Where a score is kept: a name of its own for each checkpoint, split and seed."""
    state = checkpoint_path(suite.run).stat()
    key = [str(suite.run), state.st_mtime_ns, list(suite.settings), suite.split, suite.seed]
    mark = content_hash([*key, str(suite.official)])
    return suite.out / "scores" / mark / f"{name}-{severity}.json"


def _miou(suite: Suite, name: str, severity: str) -> float:
    return float(read_json(_path(suite, name, severity))["miou"])


def _data(suite: Suite) -> dict[str, Any]:
    """What two results must share to be compared."""
    data = _loaded(suite).config.data
    return {"dataset": data.name, "split": suite.split, "seed": suite.seed}


def _baseline(given: str, suite: Suite) -> Baseline:
    if given == "published":
        if suite.official is None:
            raise ConfigError(
                f"Robo3D's published baseline was scored on Robo3D's files, not on {SUITE}. Score "
                "a baseline of your own first and give its robustness.json, or give --official."
            )
        return published_baseline(_official(_loaded(suite).config.data.name)[1])
    data = read_json(Path(given))
    theirs = {key: data.get(key) for key in ("suite", "data", "protocol")}
    ours = {"suite": suite.name, "data": _data(suite), "protocol": _rules(suite).name}
    if theirs != ours:
        raise ConfigError(
            f"{given}: was scored on {theirs}, but this run is scored on {ours}. A corruption "
            "error is relative to a baseline on the same scans by the same rules."
        )
    values: dict[str, Sequence[float]] = data["miou"]
    return Baseline(given, {name: sum(v) / len(v) for name, v in values.items()})
