"""Cells as tasks of a Ray cluster: the one that RAY_ADDRESS names, or one of this machine's own."""

import logging
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ray

from receipts.ablation import worker
from receipts.ablation.worker import Order
from receipts.config.compose import Experiment


class Ray:
    """Ray decides how many cells run at a time: each takes as many of the cluster's cores as it computes on."""

    def __init__(self, workers: int | None) -> None:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        self.workers = workers or int(ray.cluster_resources().get("CPU", 1))  # type: ignore[no-untyped-call, unused-ignore]
        self.tasks: list[Any] = []

    def submit(self, order: Order, experiment: Experiment) -> "Future[int]":
        """Hand a cell to the cluster; it is never tried again behind anybody's back."""
        config = experiment.config
        cores = min(config.fit.threads * config.trainer.processes, self.workers)
        task = ray.remote(num_cpus=cores, max_retries=0)(worker.remote).remote(order, Path.cwd())
        self.tasks.append(task)
        future: Future[int] = task.future()
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self.tasks if error is not None else ():
            ray.cancel(task, force=False)
        ray.shutdown()
