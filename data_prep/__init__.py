"""Preparation of datasets: every scan in one quick file, resumable, verified."""

from pcseg.data_prep.preparation import Preparation, PrepareJob, estimate, prepare
from pcseg.data_prep.verify import Problem, verify

__all__ = ["Preparation", "PrepareJob", "Problem", "estimate", "prepare", "verify"]
