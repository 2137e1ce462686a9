"""Lightning modules as methods: Lightning trains, the core feeds it, watches it and selects by the harness."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from receipts.config import build
from receipts.config.schema import Config
from receipts.data.batches import OrderedBatches, TrainBatches, check_augment, targets, tensors
from receipts.data.sealed import Subset
from receipts.evaluation.metrics import direction
from receipts.provenance import determinism
from receipts.provenance.determinism import derive, seed_globals, streams
from receipts.provenance.environment import backend_flags
from receipts.refusal import Refusal
from receipts.runs.log import hush
from receipts.runs.record import Checkpoint, World
from receipts.training import checkpoints
from receipts.training.method import FirstStep, Outputs
from receipts.training.progress import Progress
from receipts.training.validation import HarnessValidation, arrays, joined

KNOWN_NOISE = (  # said by Lightning about itself, or about what we do on purpose
    r".*LeafSpec.* is deprecated",
    r".*does not have many workers",
    r".*number of training batches .* is smaller than the logging interval",
)
LOSS_LIKE = {"classification": "nll", "regression": "rmse"}


class StepRng(Callback):
    """Reseeds every generator at each step, so that dropout is a function of (seed, rank, epoch, step) alone."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed this step."""
        seed_globals(derive("step", self.seed, trainer.global_rank, trainer.current_epoch, batch_idx))


class ModuleMethod:
    """A LightningModule behind `fit` and `predict`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        refuse_unstated(config)
        hush()
        determinism.prepare()
        self.device = device_of(config.trainer.accelerator)
        determinism.pin_backend(config.fit.deterministic, config.fit.threads)
        seed_globals(derive("init", config.seed))
        self.module: LightningModule = build.build(config.model)
        self.nondeterministic: list[str] = []
        refuse_incomplete(self.module, config.model["_target_"])

    def fit(self, train: Subset, val: Subset, folder: Path, first_step: FirstStep) -> Checkpoint:
        """Train with Lightning; the checkpoint kept is the best on val by the harness's own metric."""
        config, task = self.config, self.config.task
        names = list(dict.fromkeys([config.fit.select.metric, task.primary, LOSS_LIKE[task.kind]]))
        validation = HarnessValidation(self.module, val, task, names)
        progress = Progress(folder, validation, first_step)
        keeper = best_checkpoint(config, folder)
        trainer = self.trainer([StepRng(config.seed), validation, progress, *self.callbacks(keeper)], folder)
        check_augment(augment := [build.build(spec, "augment") for spec in config.augment])
        classes = task.kind == "classification"
        batches = TrainBatches(
            tensors(train.inputs, self.device),
            targets(train, classes, self.device),
            config.fit.batch_size or 1,
            config.seed,
            augment,
        )
        watching = OrderedBatches(
            tensors(val.inputs, self.device), targets(val, classes, self.device), len(val), config.fit.batch_size or 1
        )
        try:
            with determinism.watched() as self.nondeterministic:
                interruptible(trainer, self.module, batches, watching)
        finally:
            validation.detach(self.module)
        return self.selected(trainer, keeper, folder)

    def selected(self, trainer: Trainer, keeper: ModelCheckpoint, folder: Path) -> Checkpoint:
        """The checkpoint that selection kept; the last weights where val was never looked at."""
        path, rule = Path(keeper.best_model_path), f"{keeper.mode} {keeper.monitor}".replace("val/", "val ")
        if not keeper.best_model_path:
            trained = trainer.global_step > 0
            path = folder / "checkpoints" / ("last.ckpt" if trained else "init.ckpt")
            rule = "the last epoch: val was never looked at" if trained else "no epoch was trained"
            trainer.save_checkpoint(path)
        content = checkpoints.read(path)
        return Checkpoint(
            path.resolve().relative_to(folder.resolve()).as_posix(),
            int(content["epoch"]) + 1 if keeper.best_model_path else None,
            rule,
            checkpoints.weights_hash(content["state_dict"]),
        )

    def load(self, folder: Path, checkpoint: Checkpoint) -> None:
        """Take the selected weights; every key must match."""
        self.module.load_state_dict(checkpoints.state_of(folder / checkpoint.file, checkpoint.weights), strict=True)

    def predict(self, subset: Subset) -> Outputs:
        """`predict_step` over a split in row order, under Lightning's own prediction loop."""
        batches = OrderedBatches(
            tensors(subset.inputs, self.device), None, len(subset), self.config.fit.batch_size or 1
        )
        with quiet():
            found = self.trainer([], None).predict(self.module, batches)
        return joined([arrays(part) for part in found or []])

    def world(self) -> World:
        """Device and everything pinned on it."""
        fit = self.config.fit
        return World(
            device=torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu",
            processes=self.config.trainer.processes,
            threads=fit.threads,
            precision=fit.precision,
            global_batch=(fit.batch_size or 0) * fit.accumulate,
            deterministic=fit.deterministic,
            nondeterministic_ops=self.nondeterministic,
            backend=backend_flags(),
            seeds=streams(self.config.seed),
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

    def size(self) -> int:
        """How many numbers the module's parameters hold."""
        return sum(parameter.numel() for parameter in self.module.parameters())

    def trainer(self, callbacks: list[Callback], folder: Path | None) -> Trainer:
        """Lightning's trainer as the config states it, with nothing of its own that moves, prints or writes."""
        fit = self.config.fit
        caps = [cap for cap in (fit.epochs, self.config.limit.epochs) if cap is not None]
        every = fit.validate_every
        return Trainer(
            accelerator="gpu" if self.device.type == "cuda" else "cpu",
            devices=1,
            max_epochs=min(caps),
            precision=fit.precision,  # type: ignore[arg-type]
            deterministic=fit.deterministic,
            accumulate_grad_batches=fit.accumulate,
            gradient_clip_val=fit.clip_norm,
            check_val_every_n_epoch=int(every) if every >= 1 else 1,
            val_check_interval=1.0 if every >= 1 else every,
            callbacks=callbacks,
            default_root_dir=folder,
            logger=False,
            enable_checkpointing=any(isinstance(callback, ModelCheckpoint) for callback in callbacks),
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )

    def callbacks(self, keeper: ModelCheckpoint) -> list[Callback]:
        """The researcher's callbacks, then selection."""
        select = self.config.fit.select
        own = [build.build(spec, "fit.callbacks") for spec in self.config.fit.callbacks]
        if foreign := [type(callback).__name__ for callback in own if not isinstance(callback, Callback)]:
            raise Refusal(f"{foreign[0]} is no callback", "it is not one of Lightning's", "correct fit.callbacks")
        patience = (
            []
            if select.patience is None
            else [
                EarlyStopping(
                    keeper.monitor or "", mode=keeper.mode, patience=select.patience, check_on_train_epoch_end=False
                )
            ]
        )
        return [*own, *patience, keeper]


def best_checkpoint(config: Config, folder: Path) -> ModelCheckpoint:
    """Keeps the best epoch on val by the selected metric, whose direction is its own."""
    metric = config.fit.select.metric
    mode = "max" if direction(config.task.kind, metric) == "higher" else "min"
    return ModelCheckpoint(
        folder / "checkpoints",
        "best",
        monitor=f"val/{metric}",
        mode=mode,
        save_on_train_epoch_end=False,
        enable_version_counter=False,
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings that no researcher can act on; every other one is shown and logged."""
    with warnings.catch_warnings():
        for message in KNOWN_NOISE:
            warnings.filterwarnings("ignore", message=message)
        yield


def interruptible(trainer: Trainer, module: LightningModule, train: TrainBatches, val: OrderedBatches) -> None:
    """Fit; Lightning ends the whole program at Ctrl-C with exit code 1, where we want to know of it."""
    try:
        with quiet():
            trainer.fit(module, train, val)
    except SystemExit as error:
        if trainer.interrupted and error.code == 1:
            raise KeyboardInterrupt from error
        raise


def refuse_unstated(config: Config) -> None:
    """Training settings that have no default."""
    if missing := [name for name in ("epochs", "batch_size") if getattr(config.fit, name) is None]:
        raise Refusal(
            f"the experiment does not state {', '.join(f'fit.{name}' for name in missing)}",
            "a module is trained in epochs and batches, and both move the numbers",
            "state them under fit:",
        )


def refuse_incomplete(module: LightningModule, target: str) -> None:
    """A module that lacks one of the three methods that are asked of it."""
    from lightning.pytorch.utilities.model_helpers import is_overridden

    for name in ("training_step", "configure_optimizers", "predict_step"):
        if not is_overridden(name, module):
            call = "predict_step(self, x, batch_idx): return self(x).softmax(-1)" if name == "predict_step" else name
            raise Refusal(
                f"{target} has no {name}",
                "a module needs training_step, configure_optimizers and predict_step, and nothing of ours",
                f"add def {call}",
            )


def device_of(accelerator: str) -> torch.device:
    """The device a run computes on; a GPU that is asked for and not there is refused."""
    available = torch.cuda.is_available()
    if accelerator == "gpu" and not available:
        raise Refusal(
            "trainer=gpu, and torch finds no GPU here",
            f"torch {torch.__version__} on {sys.platform}",
            "trainer=auto      (or install the CUDA build: README, set-up)",
        )
    return torch.device("cuda:0") if available and accelerator != "cpu" else torch.device("cpu")
