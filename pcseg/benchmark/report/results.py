"""Results: what the scores of a plan say, as rows of a table and as the details behind a figure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pcseg.benchmark.expand import Cell, Work
from pcseg.benchmark.plan import Plan
from pcseg.benchmark.store import Store
from pcseg.benchmark.views import file_name
from pcseg.evaluate.aggregate import arithmetic_mean, gap_closed, harmonic_mean, relative_drop
from pcseg.files import read_json


@dataclass(frozen=True)
class Stat:
    """A figure and its spread over seeds.

    Attributes:
        values: one for each seed.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over seeds."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float | None:
        """Sample standard deviation over seeds, None for one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Row:
    """A method trained on a source, scored on every target under one view.

    Attributes:
        method: name in the plan.
        source: name in the plan.
        variant: how much of the source was trained on.
        oracle: trained on data like the targets'.
        track: what the network was given.
        targets: mIoU by target; targets that the view does not fit are missing.
        am: arithmetic mean over the targets that are not in the source's domain.
        hm: harmonic mean over the same.
        drop: share of the in-domain mIoU that `am` loses; None without a target in the domain.
        gaps: by target, how much of the way from the reference to the oracle is gone.
    """

    method: str
    source: str
    variant: str
    oracle: bool
    track: str
    targets: Mapping[str, Stat]
    am: Stat | None
    hm: Stat | None
    drop: Stat | None
    gaps: Mapping[str, Stat]

    @property
    def name(self) -> str:
        """For a line of a table."""
        variant = "" if self.variant == "full" else f", {self.variant}"
        return f"{self.method}{variant}" + (" (oracle)" if self.oracle else "")


class Results:
    """All scores of a plan that has been run.

    Args:
        plan: the plan.
        work: its expansion.
        store: folder with the units' results.
    """

    def __init__(self, plan: Plan, work: Work, store: Store) -> None:
        self.plan, self.work, self.store = plan, work, store
        self._scores: dict[tuple[str, str], dict[str, Any]] = {}

    @cached_property
    def views(self) -> list[str]:
        """Every view that fits any pair, the primary one first."""
        by_id = {unit.id: unit for unit in self.work.units}
        found = dict.fromkeys([self.plan.primary])
        for cell in self.work.cells:
            found |= dict.fromkeys(by_id[cell.score].spec["views"])
        return list(found)

    def score(self, cell: Cell, view: str) -> dict[str, Any] | None:
        """The figures of a cell, as `Result.to_dict` gives them; None if the view does not fit."""
        key = (cell.score, view)
        if key not in self._scores:
            path = self.store.folder(cell.score) / f"{file_name(view)}.json"
            if not path.is_file():
                return None
            self._scores[key] = read_json(path)
        return self._scores[key]

    def rows(self, view: str) -> list[Row]:
        """The table of a view, in the order of the plan, oracles last."""
        rows = [self._row(view, cells) for cells in self._grouped().values()]
        return sorted((row for row in rows if row.targets), key=lambda row: row.oracle)

    def cells(self, row: Row, target: str) -> list[Cell]:
        """The cells of a figure, one for each seed."""
        key = (row.method, row.source, row.variant)
        return [c for c in self._grouped()[key] if c.target == target]

    @property
    def simulated(self) -> bool:
        """Whether any scored scan was simulated."""
        view = self.plan.primary
        scores = (self.score(cell, view) for cell in self.work.cells)
        return any(score["simulated"] for score in scores if score is not None)

    @property
    def means_over(self) -> list[str]:
        """Targets that AM and HM are taken over, by name."""
        return [name for name, target in self.plan.targets.items() if not target.in_domain]

    def _grouped(self) -> dict[tuple[str, str, str], list[Cell]]:
        found: dict[tuple[str, str, str], list[Cell]] = {}
        for cell in self.work.cells:
            found.setdefault((cell.method, cell.source, cell.variant), []).append(cell)
        return found

    def _row(self, view: str, cells: Sequence[Cell]) -> Row:
        by_seed = self._by_seed(view, cells)
        first = cells[0]
        # A figure needs every seed: a mean over fewer would stand beside means over all.
        named = [
            name
            for name in self.plan.targets
            if by_seed and all(name in figures for figures in by_seed.values())
        ]
        over = [name for name in named if name in self.means_over]
        complete = over == self.means_over and bool(over)
        means = [[s[name] for name in over] for s in by_seed.values()] if complete else []
        home = [name for name in named if name not in self.means_over]
        am = [arithmetic_mean(values) for values in means]
        drops = [
            relative_drop(mean, arithmetic_mean([s[name] for name in home]))
            for mean, s in zip(am, by_seed.values(), strict=False)
            if home
        ]
        return Row(
            method=first.method,
            source=first.source,
            variant=first.variant,
            oracle=first.oracle,
            track=first.track,
            targets={n: Stat(tuple(s[n] for s in by_seed.values())) for n in named},
            am=_stat(am),
            hm=_stat(harmonic_mean(values) for values in means),
            drop=_stat(drops),
            gaps={} if first.oracle else self._gaps(view, first.source, by_seed, named),
        )

    def _by_seed(self, view: str, cells: Sequence[Cell]) -> dict[int, dict[str, float]]:
        found: dict[int, dict[str, float]] = {}
        for cell in cells:
            score = self.score(cell, view)
            if score is not None and score["miou"] is not None:
                found.setdefault(cell.seed, {})[cell.target] = float(score["miou"])
        return found

    def _gaps(
        self, view: str, source: str, by_seed: Mapping[int, Mapping[str, float]], named: list[str]
    ) -> dict[str, Stat]:
        """How far each target with an oracle has come; with equal seeds on all three sides."""
        found = {}
        for target in named:
            oracle = self.plan.targets[target].oracle
            if oracle is None:
                continue
            reference = self._of(view, self.plan.compared_with, source, target)
            best = self._of(view, self.plan.compared_with, oracle, target)
            shared = [s for s in by_seed if s in reference and s in best]
            closed = [
                gap_closed(by_seed[s][target], reference[s], best[s])
                for s in shared
                if best[s] > reference[s]
            ]
            if closed:
                found[target] = Stat(tuple(closed))
        return found

    def _of(self, view: str, method: str, source: str, target: str) -> dict[int, float]:
        cells = [c for c in self._grouped().get((method, source, "full"), []) if c.target == target]
        return {seed: values[target] for seed, values in self._by_seed(view, cells).items()}


def _stat(values: Iterable[float]) -> Stat | None:
    found = tuple(values)
    return Stat(found) if found else None
