"""Lightning's Trainer as an experiment states it, with nothing of its own that moves, prints or writes."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import ClusterEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, Timer
from lightning.pytorch.strategies import DDPStrategy

from receipts.config.place import ALONE, Place
from receipts.config.schema import Config
from receipts.evaluation.metrics import direction, scored_as
from receipts.training.building import Whole
from receipts.training.keeping import AtEpochs, WholeFiles
from receipts.training.method import Site
from receipts.training.steps import NoProfiler, shorten

KNOWN_NOISE = (  # said by Lightning about itself, or about what we do on purpose
    r".*LeafSpec.* is deprecated",
    r".*does not have many workers",
    r"Checkpoint directory .* exists and is not empty",  # a run that goes on
    r".*number of training batches .* is smaller than the logging interval",
    r".*It is recommended to use .*sync_dist=True",
)


class Meeting(ClusterEnvironment):
    """Who and where the processes of one command are: told by us, and not by variables that would outlive it."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    creates_processes_externally = True
    main_address = "127.0.0.1"

    @property
    def main_port(self) -> int:
        """The port that the first process listens on."""
        return self.place.port

    @staticmethod
    def detect() -> bool:
        """Never chosen by Lightning itself."""
        return False

    def world_size(self) -> int:
        """How many processes there are."""
        return self.place.world

    def set_world_size(self, size: int) -> None:
        """It is known."""

    def global_rank(self) -> int:
        """Which of them this is."""
        return self.place.rank

    def set_global_rank(self, rank: int) -> None:
        """It is known."""

    def local_rank(self) -> int:
        """The same: all are on one machine."""
        return self.place.rank

    def node_rank(self) -> int:
        """The only machine."""
        return 0


def environment(place: Place) -> ClusterEnvironment:
    """How Lightning learns who is there: by its own means where torchrun or srun started every process."""
    if place.launcher == "torchrun":
        return TorchElasticEnvironment()
    if place.launcher == "srun":
        return SLURMEnvironment(auto_requeue=False)
    return Meeting(place)


def make(config: Config, device: torch.device, callbacks: list[Callback], site: Site | None = None) -> Trainer:
    """A trainer on one device, or on as many as the site has processes.

    The environment is named in every case: Lightning would take that of a launcher, also for what happens in one
    process only.
    """
    fit, place = config.fit, site.place if site else ALONE
    caps = [cap for cap in (fit.epochs, config.limit.epochs) if cap is not None]
    every = fit.validate_every
    backend = "nccl" if device.type == "cuda" else "gloo"
    whole = next((callback for callback in callbacks if isinstance(callback, Whole)), None)
    trainer = Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=place.world // place.nodes,
        num_nodes=place.nodes,
        strategy=DDPStrategy(process_group_backend=backend) if place.world > 1 else "auto",
        max_epochs=min(caps),
        precision=fit.precision,  # type: ignore[arg-type]
        deterministic=fit.deterministic,
        accumulate_grad_batches=fit.accumulate,
        gradient_clip_val=fit.clip_norm,
        check_val_every_n_epoch=int(every) if every >= 1 else 1,
        val_check_interval=1.0 if every >= 1 else every,
        callbacks=callbacks,
        plugins=[WholeFiles(whole), environment(place)],
        default_root_dir=os.path.realpath(site.folder) if site else None,  # as Lightning names a folder it is told of
        logger=False,
        enable_checkpointing=any(isinstance(callback, ModelCheckpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        profiler=NoProfiler(),
    )
    shorten(trainer)
    leave_signals(trainer)
    return trainer


def leave_signals(trainer: Trainer) -> None:
    """Keep Lightning from SIGTERM, which is ours: it would answer with a call to all processes, and wait for ever for
    one that is gone; and it asks all of them before every batch whether one was told to stop.
    """
    trainer._signal_connector.register_signal_handlers = no_signals  # type: ignore[method-assign]
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = no_signals  # type: ignore[method-assign]


def no_signals() -> None:
    """Do nothing."""


def best_and_last(config: Config, folder: Path) -> tuple[ModelCheckpoint, ModelCheckpoint]:
    """The two checkpoints that are kept: the best on val by the selected metric, in its own direction, and the last."""
    metric = config.fit.select.metric
    best = AtEpochs(
        folder / "checkpoints",
        "best",
        monitor=f"val/{metric}",
        mode="max" if direction(scored_as(config.task), metric) == "higher" else "min",
        save_on_train_epoch_end=False,
        enable_version_counter=False,
    )
    last = AtEpochs(folder / "checkpoints", "last", save_on_train_epoch_end=True, enable_version_counter=False)
    return best, last


def stoppers(config: Config, best: ModelCheckpoint) -> list[Callback]:
    """What may end training before its last epoch: no better score for a while, or the clock."""
    fit, found = config.fit, list[Callback]()
    if fit.select.patience is not None:
        patience = fit.select.patience
        found.append(
            EarlyStopping(best.monitor or "", mode=best.mode, patience=patience, check_on_train_epoch_end=False)
        )
    if fit.max_minutes is not None:  # val is scored, and the checkpoints written, at the step at which it stops
        found.append(Timer(timedelta(minutes=fit.max_minutes), interval="step", verbose=False))
    return found


def reason_to_stop(config: Config, trainer: Trainer) -> str | None:
    """Why training ended before its last epoch; None where it did not."""
    total = trainer.estimated_stepping_batches
    at = f"at epoch {trainer.current_epoch}, step {trainer.global_step} of {total:.0f}"
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, EarlyStopping) and callback.stopped_epoch:
            return f"no better {callback.monitor.replace('/', ' ')} for {callback.patience} passes over val: ended {at}"
        if isinstance(callback, Timer) and (callback.time_remaining() or 0) <= 0 and trainer.global_step < total:
            return f"fit.max_minutes {config.fit.max_minutes:g} were over: ended {at}"
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings that no researcher can act on; every other one is shown and logged."""
    with warnings.catch_warnings():
        for message in KNOWN_NOISE:
            warnings.filterwarnings("ignore", message=message)
        yield


def interruptible(trainer: Trainer, module: LightningModule, train: Any, val: Any, point: Path | None) -> None:
    """Fit, from a point on if there is one.

    Lightning ends the whole program at Ctrl-C with exit code 1, where we want to know of it.
    """
    try:
        with quiet():
            trainer.fit(module, train, val, ckpt_path=point, weights_only=True)
    except SystemExit as error:
        if trainer.interrupted and error.code == 1:
            raise KeyboardInterrupt from error
        raise
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()  # or whatever computes later would wait for the others
