"""Lightning modules as methods: Lightning trains, the core feeds it, watches it and selects by the harness."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import DeviceStatsMonitor, LearningRateMonitor, ModelCheckpoint, ProgressBar

from receipts.bounds import confine
from receipts.config import build
from receipts.config.place import Place
from receipts.config.schema import Config
from receipts.data import loaders
from receipts.data.sealed import Subset
from receipts.data.shares import Share
from receipts.evaluation.metrics import scored_as
from receipts.provenance import determinism
from receipts.provenance.determinism import derive, seed_globals, streams
from receipts.provenance.environment import backend_flags
from receipts.refusal import Refusal
from receipts.runs import points
from receipts.runs.log import hush
from receipts.runs.record import Checkpoint, World
from receipts.training import building, checkpoints
from receipts.training.keeping import uncounted
from receipts.training.method import Outputs, Site
from receipts.training.preflight.kept import Rehearsed
from receipts.training.progress import Progress
from receipts.training.remembered import Remembered
from receipts.training.resuming import Resumption
from receipts.training.sentinels.posts import posted
from receipts.training.trainer import best_and_last, interruptible, make, quiet, reason_to_stop, stoppers
from receipts.training.validation import HarnessValidation, arrays, joined
from receipts.training.weighting import weighted

OF_SCREENS = (ProgressBar, LearningRateMonitor, DeviceStatsMonitor)  # callbacks that want a logger or the screen
AHEAD = 64  # steps
LOSS_LIKE = {"classification": "nll", "ordinal": "mae", "regression": "rmse"}


class StepRng(Callback):
    """Reseeds every generator at each step, so that dropout is a function of (seed, rank, epoch, step) alone."""

    def __init__(self, seed: int) -> None:
        self.seed, self.next = seed, -1
        self.ahead: Iterator[int] = iter(())

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed this step; seeds are derived for some steps together, which costs less than one by one."""
        if batch_idx % AHEAD == 0 or batch_idx != self.next:
            place = ("step", self.seed, trainer.global_rank, trainer.current_epoch)
            self.ahead = iter([derive(*place, step) for step in range(batch_idx, batch_idx + AHEAD)])
        self.next = batch_idx + 1
        seed_globals(next(self.ahead))

    def before_batch(self, trainer: Trainer, pl_module: LightningModule, batch_idx: int) -> None:
        """Seed what the module's hooks draw that move a batch to its device: they come before the step."""
        seed_globals(derive("move", self.seed, trainer.global_rank, trainer.current_epoch, batch_idx))

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Seed what hooks draw before training begins, each anew: a training that goes on calls them again."""
        seed_globals(derive("start", self.seed, trainer.global_rank, "setup"))

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same."""
        seed_globals(derive("start", self.seed, trainer.global_rank, "fit"))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same."""
        seed_globals(derive("start", self.seed, trainer.global_rank, "train"))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed what is drawn before the first step: a training that goes on may begin here."""
        seed_globals(derive("epoch", self.seed, trainer.global_rank, trainer.current_epoch))


class Rates(Callback):
    """Notes the learning rates that training begins with: one for each group of every optimizer."""

    lasting = ("begun",)

    def __init__(self) -> None:
        self.begun: list[float] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the optimizers, which are built by now."""
        self.begun = [float(group["lr"]) for optimizer in trainer.optimizers for group in optimizer.param_groups]


class ModuleMethod:
    """A LightningModule behind `fit` and `predict`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        refuse_unstated(config)
        hush()
        determinism.prepare()
        self.device = device_of(config.trainer.accelerator)
        determinism.pin_backend(config.fit.deterministic, config.fit.threads)
        self.module = building.built(config)
        self.nondeterministic: list[str] = []
        self.rates = Rates()
        self.stopped: str | None = None
        self.done: int | None = None

    def fit(self, train: Subset, val: Subset, site: Site) -> Checkpoint:
        """Train with Lightning; the checkpoint kept is the best on val by the harness's own metric."""
        config, task, share = self.config, self.config.task, Share(site.rank, site.world)
        self.finish(val)
        checkpoints.begin_from(config.fit.init_from, self.module)
        self.stand(site.place)
        size = loaders.own_size(config)
        names = list(dict.fromkeys([config.fit.select.metric, task.primary, LOSS_LIKE[scored_as(task)]]))
        validation = HarnessValidation(self.module, val, task, names, share, size)
        best, last = best_and_last(config, site.folder)
        own = own_callbacks(config)
        train_batches = loaders.training(train, config, self.device, share)
        sentinels = posted(config, site, validation, train, train_batches)
        progress = Progress(site, validation)
        remembered = Remembered(self.module, train_batches, site)
        first = [building.Whole(self.module), StepRng(config.seed), self.rates, remembered]
        watching: list[Callback] = [*first, validation, *sentinels, progress]
        watching.insert(0, Resumption(site, config.limits.save_seconds, watching))
        trainer = make(config, self.device, [*watching, *own, *stoppers(config, best), best, last], site)
        val_batches = loaders.watching(share.of_split(val, size), config, self.device)
        try:
            with determinism.watched() as self.nondeterministic, weighted(self.module, len(train), config, share):
                interruptible(trainer, self.module, train_batches, val_batches, begun(site))
        finally:
            validation.detach(self.module)
        self.stopped = reason_to_stop(config, trainer)
        self.done = None if uncounted(trainer) else trainer.global_step
        return self.selected(trainer, best, site.folder)

    def stand(self, place: Place) -> None:
        """Take the device of one process among several on a machine."""
        self.device = on_rank(self.device, place)

    def selected(self, trainer: Trainer, best: ModelCheckpoint, folder: Path) -> Checkpoint:
        """The checkpoint that selection kept; the last weights where val was never scored."""
        path = Path(best.best_model_path)
        rule = f"{best.mode} {best.monitor}".replace("val/", "val ")
        if not best.best_model_path:
            trained = trainer.fit_loop.total_batch_idx >= 0
            path = folder / "checkpoints" / ("last.ckpt" if trained else "init.ckpt")
            rule = "the last weights: val was never scored" if trained else "no epoch was trained"
            trainer.save_checkpoint(path)
        content = checkpoints.read(path)
        return Checkpoint(
            path.resolve().relative_to(folder.resolve()).as_posix(),
            int(content["epoch"]) + 1 if best.best_model_path else None,
            rule,
            checkpoints.weights_hash(content["state_dict"]),
        )

    def load(self, folder: Path, checkpoint: Checkpoint) -> None:
        """Take the selected weights; every key must match."""
        state = checkpoints.state_of(confine(folder, checkpoint.file), checkpoint.weights)
        building.take(self.module, state)

    def predict(self, subset: Subset) -> Outputs:
        """`predict_step` over a split in row order, under Lightning's own prediction loop."""
        batches = loaders.predicting(subset, self.config, self.device)
        with quiet():
            found = make(self.config, self.device, []).predict(self.module, batches)
        return joined([arrays(part) for part in found or []])

    def world(self) -> World:
        """Device and everything pinned on it."""
        fit = self.config.fit
        return World(
            device=torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu",
            processes=self.config.trainer.world,
            threads=fit.threads,
            precision=fit.precision,
            global_batch=fit.batch_size and fit.batch_size * fit.accumulate,
            deterministic=fit.deterministic,
            nondeterministic_ops=self.nondeterministic,
            backend=backend_flags(),
            seeds=streams(self.config.seed),
            nodes=self.config.trainer.nodes,
            learning_rates=self.rates.begun,
        )

    def parameters(self) -> dict[str, Any]:
        """What the module stored of its own arguments, if it did."""
        return {
            key: value if isinstance(value, bool | int | float | str | None) else repr(value)
            for key, value in self.module.hparams.items()
        }

    def model(self) -> LightningModule:
        """The module, in evaluation mode."""
        return self.module.eval()

    def ended(self) -> str | None:
        """Patience or the clock, where one of them ended training."""
        return self.stopped

    def steps(self) -> int | None:
        """Optimizer steps, over the whole fit; None where Lightning could not count them."""
        return self.done

    def rehearse(self, train: Subset, val: Subset) -> Rehearsed:
        """A moment of training on a copy."""
        from receipts.training.preflight.rehearsal import rehearse

        self.finish(val)
        return rehearse(self.module, self.config, self.device, train, val)

    def size(self) -> int | None:
        """How many numbers the module's parameters hold; not known before lazy layers have seen a batch."""
        return building.size(self.module)

    def finish(self, val: Subset) -> None:
        """Show lazy layers a batch of inputs."""
        if building.is_unfinished(self.module):
            x, _ = next(iter(loaders.watching(val, self.config, self.device)))
            building.finish(self.module, x, self.config.seed)


def begun(site: Site) -> Path | None:
    """The point that this fit goes on from, with the checkpoints as they were there; None where it begins."""
    point = points.newest(site.folder, tell=True)
    if point is not None and site.rank == 0:
        points.bring_back(point, site.folder / "checkpoints" / "best.ckpt")
        points.bring_back_others(point, site.folder)
    return point


def own_callbacks(config: Config) -> list[Callback]:
    """The researcher's callbacks."""
    own = [build.build(spec, "fit.callbacks") for spec in config.fit.callbacks]
    if foreign := [type(callback).__name__ for callback in own if not isinstance(callback, Callback)]:
        raise Refusal(f"{foreign[0]} is no callback", "it is not one of Lightning's", "correct fit.callbacks")
    if idle := [type(callback).__name__ for callback in own if isinstance(callback, OF_SCREENS)]:
        raise Refusal(
            f"fit.callbacks has a {idle[0]}, which has nothing to write to",
            "progress, rates and times stand in train.log and history.csv, and MLflow gets them from there",
            "take it out",
        )
    return own


def refuse_unstated(config: Config) -> None:
    """Training settings that have no default."""
    needed = ("epochs",) if config.split.rule == "datamodule" else ("epochs", "batch_size")
    if missing := [name for name in needed if getattr(config.fit, name) is None]:
        raise Refusal(
            f"the experiment does not state {', '.join(f'fit.{name}' for name in missing)}",
            "a module is trained in epochs and batches, and both move the numbers",
            "state them under fit:",
        )


def device_of(accelerator: str) -> torch.device:
    """The device a run computes on; a GPU that is asked for and not there is refused."""
    available = torch.cuda.is_available()
    if accelerator == "gpu" and not available:
        raise Refusal(
            "trainer=gpu, and torch finds no GPU here",
            f"torch {torch.__version__} on {sys.platform}",
            "trainer=auto retry=true      (or install the CUDA build: README, set-up)",
        )
    return torch.device("cuda:0") if available and accelerator != "cpu" else torch.device("cpu")


def on_rank(device: torch.device, place: Place) -> torch.device:
    """The device of one process among several; refused where there are fewer GPUs than processes."""
    if device.type == "cpu" or place.world == 1:
        return device
    on_node = place.world // place.nodes
    if on_node > torch.cuda.device_count():
        raise Refusal(
            f"{on_node} processes on one machine, where torch finds {torch.cuda.device_count()} GPUs",
            "each process takes a GPU of its own",
            "trainer=ddp      (one for each GPU; or trainer=ddp_cpu)",
        )
    return torch.device("cuda", place.local)
