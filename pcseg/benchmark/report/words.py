"""Figures as text, and the sentences that every form of the report says."""

from __future__ import annotations

from pcseg.benchmark.report.results import Results, Row, Stat

NOTHING = "–"

COLUMNS = ("AM", "HM", "drop")


def percent(stat: Stat | None) -> str:
    """``53.1 ± 0.4``, in percent; a dash for nothing."""
    if stat is None:
        return NOTHING
    spread = "" if stat.std is None else f" ± {100 * stat.std:.1f}"
    return f"{100 * stat.mean:.1f}{spread}"


def aggregates(row: Row) -> tuple[str, str, str]:
    """AM, HM and relative drop of a row, as `COLUMNS` names them."""
    return percent(row.am), percent(row.hm), percent(row.drop)


def rules(results: Results) -> list[str]:
    """How the figures were made, in sentences."""
    plan = results.plan
    seeds = ", ".join(map(str, plan.chosen_seeds))
    over = ", ".join(results.means_over) or "none"
    few = "" if len(plan.chosen_seeds) > 2 else " (fewer than the three that a spread needs)"
    lines = [
        f"Figures are mIoU in percent, mean ± standard deviation over the seeds {seeds}{few}.",
        "Every raw point of a target's scans counts once. What is ignored is decided by the truth "
        "alone: a prediction outside the scored classes is a miss, and nothing may abstain.",
        "One confusion matrix for each target. A class without a point in the truth is left out of "
        "the mean and marked; one that is there and never predicted counts 0.",
        "Checkpoints were chosen on validation scans of the source and sealed before any label of "
        "a target was read.",
        f"AM and HM are the arithmetic and the harmonic mean over: {over}. Drop is the share of "
        "the mIoU on targets in the source's domain that AM loses.",
        f"Frames: tier {plan.tier}. No test-time augmentation unless a method's name says so.",
    ]
    if results.simulated:
        lines.insert(0, "SIMULATED DATA: the scans were simulated. These figures say nothing about "
                        "genuine scans until that is shown.")  # fmt: skip
    return lines


def title_of(view: str, plan_primary: str) -> str:
    """A view as a heading."""
    level = {
        "L3": "L3: six classes that nearly every dataset defines",
        "L2": "L2: ten classes, as far as both datasets define them",
        "L1": "L1: the common refinement of the two datasets",
    }.get(view, view)
    return level + (" (primary)" if view == plan_primary else "")
