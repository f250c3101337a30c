"""Benchmarks: a plan of trainings and targets, expanded, done once, sealed, scored and reported."""

from pcseg.benchmark.expand import Cell, Work, expand
from pcseg.benchmark.plan import Plan
from pcseg.benchmark.plan_file import load_plan
from pcseg.benchmark.run import Progress, run_benchmark
from pcseg.benchmark.store import Store
from pcseg.benchmark.units import Unit
from pcseg.benchmark.work import Context

__all__ = [
    "Cell",
    "Context",
    "Plan",
    "Progress",
    "Store",
    "Unit",
    "Work",
    "expand",
    "load_plan",
    "run_benchmark",
]
