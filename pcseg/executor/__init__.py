"""Executors: independent tasks on local processes, a Ray cluster or Slurm, by one interface."""

from __future__ import annotations

from pcseg.errors import ConfigError
from pcseg.executor.protocol import Executor, Report, Resources, Work
from pcseg.hints import did_you_mean

__all__ = ["EXECUTORS", "Executor", "Report", "Resources", "Work", "executor"]

EXECUTORS = ("local", "ray", "slurm")


def executor(name: str = "local", workers: int = 1, resources: Resources | None = None) -> Executor:
    """An executor by name.

    Args:
        name: ``local`` (processes of this machine), ``ray`` (the cluster that ``ray.init`` finds,
            or this machine) or ``slurm`` (jobs of a cluster, through submitit).
        workers: tasks at a time; 1 works in this very process, where `name` is ``local``.
        resources: threads and GPUs of each worker, and what Slurm is asked for.

    Raises:
        ConfigError: for an unknown name or fewer than one worker.
        MissingExtra: if Ray or submitit is asked for and not installed.
    """
    if workers < 1:
        raise ConfigError(f"at least 1 worker is needed, not {workers}.")
    given = resources or Resources()
    if name == "ray":
        from pcseg.executor.on_ray import OnRay

        return OnRay(workers, given)
    if name == "slurm":
        from pcseg.executor.on_slurm import OnSlurm

        return OnSlurm(workers, given)
    if name != "local":
        raise ConfigError(
            f"there is no executor '{name}'{did_you_mean(name, EXECUTORS)}. "
            f"Use one of: {', '.join(EXECUTORS)}."
        )
    from pcseg.executor.local import Here, Processes

    return Processes(workers, given) if workers > 1 else Here()
