"""Preparation of datasets: judged, counted, and every scan stored in one quick file."""

from pcseg.data_prep.checks import Finding, check
from pcseg.data_prep.preparation import Preparation, PrepareJob, estimate, prepare
from pcseg.data_prep.survey import Survey, SurveyJob, survey
from pcseg.data_prep.verify import Problem, verify

__all__ = [
    "Finding",
    "Preparation",
    "PrepareJob",
    "Problem",
    "Survey",
    "SurveyJob",
    "check",
    "estimate",
    "prepare",
    "survey",
    "verify",
]
