"""Checks: what a survey of a dataset says about its health."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pcseg.data_prep.facts import ScanFacts
from pcseg.data_prep.motion import judge_motion, judge_overlap
from pcseg.data_prep.survey import Survey

LEVELS = ("error", "warning", "note")
FEW_POINTS = 100
FAR_M = 500.0
STRAY = 3.0
DUPLICATE_SHARE = 0.01
MOST_CAMERAS = 12
AGREEMENT = 0.6
"""Points and pixels of well calibrated sensors agree far more often than this."""


@dataclass(frozen=True)
class Finding:
    """Something a user should know before training.

    Attributes:
        level: ``error`` (the data are damaged or cannot be used as they are), ``warning`` (probably
            not what was meant) or ``note``.
        where: file, frame, sequence or class.
        what: is found, and what helps.
    """

    level: str
    where: str
    what: str


Check = Callable[[Survey], Iterator[Finding]]


def check(survey: Survey) -> list[Finding]:
    """All findings, the gravest first."""
    found = [finding for one in CHECKS for finding in one(survey)]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def unreadable(survey: Survey) -> Iterator[Finding]:
    """Scans that their reader refuses: truncated files, wrong counts, unknown labels."""
    for broken in survey.broken:
        yield Finding("error", str(broken.frame), broken.message)


def absent(survey: Survey) -> Iterator[Finding]:
    """Sequences of the split, numbers within a sequence, and labels that are not there."""
    for name in survey.missing:
        yield Finding("warning", name, f"this sequence of '{survey.job.split}' is missing.")
    for name, scans in survey.sequences().items():
        frames = [facts.frame.frame for facts in scans]
        frames += [broken.frame.frame for broken in survey.broken if broken.frame.sequence == name]
        if survey.job.every == 1 and all(frame.isdecimal() for frame in frames):
            yield from _gaps(name, np.unique([int(frame) for frame in frames]))
        unlabelled = sum(not facts.labelled for facts in scans)
        if 0 < unlabelled < len(scans):
            yield Finding(
                "note", name, f"{unlabelled} of {len(scans)} scans have no labels (labels=only)."
            )


def strange_points(survey: Survey) -> Iterator[Finding]:
    """NaN, repeated, too few, too far, too bright."""
    for facts in survey.scans:
        where = str(facts.frame)
        if facts.invalid:
            yield Finding(
                "error",
                where,
                f"{facts.invalid} points have NaN or infinite values. Mend the file, or train "
                "with data.invalid=ignore.",
            )
        if facts.points < FEW_POINTS:
            yield Finding("warning", where, f"only {facts.points} points.")
        if facts.duplicates > DUPLICATE_SHARE * facts.points:
            share = facts.duplicates / facts.points
            yield Finding("warning", where, f"{share:.0%} of the points repeat others exactly.")
        _, high, farthest = facts.distances_m
        if farthest > FAR_M and farthest > STRAY * high:
            yield Finding(
                "warning",
                where,
                f"a point lies at {farthest:.0f} m, nearly all others within {high:.0f} m: "
                "a stray value?",
            )
        low, high = facts.intensity or (0.0, 1.0)
        if low < 0 or high > 1:
            yield Finding(
                "warning", where, f"intensity runs from {low:g} to {high:g}, not within 0..1."
            )


def copies(survey: Survey) -> Iterator[Finding]:
    """Scans with the very same coordinates as another."""
    first: dict[str, ScanFacts] = {}
    for facts in survey.scans:
        before = first.setdefault(facts.digest, facts)
        if before is not facts and facts.points:
            yield Finding(
                "error", str(facts.frame), f"has the same points as {before.frame}: a copied file?"
            )


def labels(survey: Survey) -> Iterator[Finding]:
    """Classes that never occur, and labels that are all ignored."""
    labelled = [facts for facts in survey.scans if facts.labelled]
    if not labelled:
        yield Finding("note", survey.job.dataset, "no scan has labels: there is nothing to train.")
        return
    counts = np.sum([facts.by_range.sum(1) for facts in labelled], axis=0)
    if not counts[:-1].any():
        yield Finding(
            "error",
            survey.job.dataset,
            f"every label is ignored by {survey.classes.dataset}/{survey.classes.name}: "
            "is it the right label set?",
        )
        return
    names = [name for name, n in zip(survey.classes.names, counts[:-1], strict=True) if not n]
    if names:
        what = f"{len(names)} classes do not occur: {', '.join(names)}."
        yield Finding("note", survey.job.dataset, what)
    for facts in labelled:
        if not facts.by_range[:-1].any():
            yield Finding("warning", str(facts.frame), "every point of this scan is ignored.")


def motion(survey: Survey) -> Iterator[Finding]:
    """Poses that jump, are not rigid, or do not lay scans over each other; times that go back."""
    for name, scans in survey.sequences().items():
        judged = list(judge_motion(name, scans))
        if all(level != "error" for _, level, _ in judged):
            judged += judge_overlap(name, scans, survey.job.open())
        for where, level, what in judged:
            yield Finding(level, where, what)


def calibration(survey: Survey) -> Iterator[Finding]:
    """Pictures that show no points, or others than the points' labels say."""
    names = list(dict.fromkeys(name for facts in survey.scans for name in facts.cameras))
    groups = {name: [name] for name in names} if len(names) <= MOST_CAMERAS else {"pictures": names}
    for title, members in groups.items():
        seen = [f.cameras[name] for f in survey.scans for name in members if name in f.cameras]
        inside, compared = sum(c.inside for c in seen), sum(c.compared for c in seen)
        if not inside:
            what = "no point falls into any of its pictures: calibration?"
            yield Finding("error", title, what)
            continue
        total = sum(f.points for f in survey.scans for name in members if name in f.cameras)
        yield Finding("note", title, f"{inside / total:.1%} of the points fall into its pictures.")
        if compared:
            agreeing = sum(c.agreeing for c in seen) / compared
            low = agreeing < AGREEMENT
            yield Finding(
                "warning" if low else "note",
                title,
                f"{agreeing:.1%} of {compared:,} labelled points that nothing hides have the class "
                "of their pixel" + (": is the calibration right?" if low else "."),
            )


CHECKS: tuple[Check, ...] = (
    unreadable,
    absent,
    strange_points,
    copies,
    labels,
    motion,
    calibration,
)


def _gaps(sequence: str, numbers: np.ndarray) -> Iterator[Finding]:
    """Numbers (N,), sorted, that leave more room than is usual among them."""
    steps = np.diff(numbers)
    wide = steps > np.median(steps) if len(steps) else np.zeros(0, bool)
    if wide.any():
        first = numbers[int(wide.argmax())]
        what = f"{int(wide.sum())} gaps in the numbers of its frames, after {first}."
        yield Finding("warning", sequence, what)
