"""Cells as jobs of Slurm, through submitit; without Slurm on the machine, as its local processes."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import submitit

from receipts.ablation import worker
from receipts.ablation.worker import Order
from receipts.config.compose import Experiment

LOGS = Path("runs/plans/.slurm")


class Slurm:
    """At most `workers` jobs at a time. `parameters` are sbatch's, by submitit's names without `slurm_`."""

    def __init__(self, workers: int, parameters: dict[str, Any]) -> None:
        self.workers = workers
        self.executor = submitit.AutoExecutor(folder=LOGS)
        if self.executor.cluster == "slurm":
            self.executor.update_parameters(**{f"slurm_{name}": value for name, value in parameters.items()})
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="job")
        self.jobs: list[submitit.Job[int]] = []

    def submit(self, order: Order, experiment: Experiment) -> "Future[int]":
        """Queue a cell, with as many cores as it computes on."""
        return self.pool.submit(self.run, order, experiment)

    def run(self, order: Order, experiment: Experiment) -> int:
        """One job from start to end."""
        config = experiment.config
        cores = config.fit.threads * config.trainer.processes + config.trainer.workers
        self.executor.update_parameters(cpus_per_task=cores, name=f"cell-{order.number}")
        job = self.executor.submit(worker.remote, order, Path.cwd())
        self.jobs.append(job)
        return int(job.result())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        for job in self.jobs:
            if not job.done():
                job.cancel(check=False)
        self.pool.shutdown()
