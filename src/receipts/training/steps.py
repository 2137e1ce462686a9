"""Steps of training and of val that ask only who has something to say.

At every step Lightning goes to every hook of every callback, module and strategy, whether it does anything or not, with
a profiler round each, and reads the signature of the step anew: for a small network that takes as long as learning.
Where nothing of that can matter the same calls are made here, in the same order and to the same bits; progress,
schedules, and whatever is out of the ordinary stay Lightning's.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, runtime_checkable

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loops.evaluation_loop import _EvaluationLoop
from lightning.pytorch.loops.fetchers import _DataFetcher, _PrefetchDataFetcher
from lightning.pytorch.loops.optimization.automatic import ClosureResult
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.plugins.precision import Precision
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import SingleDeviceStrategy
from lightning.pytorch.trainer.connectors.logger_connector.logger_connector import _LoggerConnector
from lightning.pytorch.trainer.connectors.logger_connector.result import _ResultCollection
from lightning.pytorch.trainer.states import RunningStage, TrainerFn
from lightning.pytorch.utilities.signature_utils import is_param_in_hook_signature
from torch import Tensor
from torch.optim import Optimizer

from receipts.data.batches import OrderedBatches, TrainBatches

Hook = Callable[..., Any]
# A module that overrides one of them has its steps made by Lightning.
TRANSFER = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")
OF_MODULES = (
    *("on_train_batch_start", "on_train_batch_end", "on_before_zero_grad", "optimizer_zero_grad", "optimizer_step"),
    *("configure_gradient_clipping", "on_before_backward", "backward", "on_after_backward", "on_before_optimizer_step"),
    *TRANSFER,
)
OF_WATCHED_MODULES = ("on_validation_batch_start", "on_validation_batch_end", *TRANSFER)
OF_CALLBACKS = (
    *("on_train_batch_start", "on_train_batch_end", "on_before_zero_grad"),
    *("on_before_backward", "on_after_backward", "on_before_optimizer_step"),
)
OF_WATCHING_CALLBACKS = ("on_validation_batch_start", "on_validation_batch_end")
NOTHING = nullcontext("")
NAMED = "_current_fx_name"  # by which `log` knows where it is called


@runtime_checkable
class Early(Protocol):
    """A callback that is asked before every batch, where hooks of the module are given one before callbacks are."""

    def before_batch(self, trainer: Trainer, pl_module: LightningModule, batch_idx: int) -> None:
        """Called before anybody sees the batch."""


class NoProfiler(PassThroughProfiler):
    """Measures nothing, without making a context manager for it a hundred times a step."""

    def profile(self, action_name: str) -> AbstractContextManager[str]:  # type: ignore[override]
        """Nothing."""
        return NOTHING


class Hooks:
    """Those callbacks of a trainer that have something to say, by the names of their hooks."""

    def __init__(self, trainer: Trainer, names: tuple[str, ...]) -> None:
        self.trainer, self.module = trainer, trainer.lightning_module
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        self.of = {name: [getattr(one, name) for one in callbacks if has(one, name)] for name in names}

    def call(self, name: str, *values: Any) -> None:
        """Call a hook of those callbacks that have it."""
        if hooks := self.of[name]:
            own = vars(self.module)  # set past `nn.Module`, which would look for a parameter in it
            before, own[NAMED] = own[NAMED], name
            for hook in hooks:
                hook(self.trainer, self.module, *values)
            own[NAMED] = before

    def step(self, name: str, *values: Any) -> Any:
        """What a step of the module returns."""
        own = vars(self.module)
        before, own[NAMED] = own[NAMED], name
        given = getattr(self.module, name)(*values)
        own[NAMED] = before
        return given


class ShortSteps(_TrainingEpochLoop):
    """Lightning's loop over the batches of an epoch, its steps made directly where that comes to the same."""

    def __init__(self, trainer: Trainer, min_steps: int | None, max_steps: int) -> None:
        super().__init__(trainer, min_steps, max_steps)
        self.val_loop = ShortPasses(
            trainer, TrainerFn.FITTING, RunningStage.VALIDATING, verbose=False, inference_mode=False
        )

    def on_run_start(self, data_fetcher: _DataFetcher) -> None:
        """Find out who takes part, once an epoch."""
        super().on_run_start(data_fetcher)
        self.is_short = is_plain(self.trainer, data_fetcher)
        self.batches = only_iterator(data_fetcher) if self.is_short else iter(())
        self.whole = (math.inf, self.trainer.num_training_batches)  # batches between passes over val, if not fewer
        self.hooks = Hooks(self.trainer, OF_CALLBACKS)
        self.takes_index = wants_index(self.trainer.lightning_module.training_step)
        module, callbacks = self.trainer.lightning_module, self.trainer.callbacks
        is_given = any(has(module, name) for name in TRANSFER)
        self.early = [one for one in callbacks if isinstance(one, Early)] if is_given else []

    def advance(self, data_fetcher: _DataFetcher) -> None:
        """One batch."""
        if not self.is_short or self.restarting:
            for one in self.early:
                one.before_batch(self.trainer, self.trainer.lightning_module, self.batch_idx + 1)
            super().advance(data_fetcher)
            return
        if self.val_loop.restarting:
            self.val_loop.restarting = False
        batch = next(self.batches)
        index, progress, connector = self.batch_idx + 1, self.batch_progress, self.trainer._logger_connector
        data_fetcher.fetched += 1
        progress.is_last_batch = data_fetcher.done = data_fetcher.fetched == data_fetcher.length
        progress.increment_ready()
        begin(connector, self._results, batch)
        self.hooks.call("on_train_batch_start", batch, index)
        progress.increment_started()
        outputs = self.optimize(batch, index)
        progress.increment_processed()
        if self.trainer.lr_scheduler_configs:
            self.update_lr_schedulers("step", update_plateau_schedulers=False)
            if self._num_ready_batches_reached():
                self.update_lr_schedulers("epoch", update_plateau_schedulers=False)
        self.hooks.call("on_train_batch_end", outputs, batch, index)
        if self._results:  # something was logged
            connector.on_batch_end()
        self._results.batch = None
        progress.increment_completed()

    def on_advance_end(self, data_fetcher: _DataFetcher) -> None:
        """After a batch: a pass over val may be due, a schedule by val, or an early end; mostly nothing is."""
        trainer = self.trainer
        within = trainer.val_check_batch not in self.whole or trainer.lr_scheduler_configs
        if not self.is_short or within or self.batch_progress.is_last_batch or trainer.should_stop:
            super().on_advance_end(data_fetcher)
        else:
            self._batches_that_stepped += 1

    def optimize(self, batch: Any, index: int) -> dict[str, Any]:
        """Loss, gradients and the optimizer's step; what `training_step` returned, its loss detached."""
        trainer, module = self.trainer, self.trainer.lightning_module
        (optimizer,) = trainer.optimizers
        progress = self.automatic_optimization.optim_progress.optimizer
        found: list[ClosureResult] = []

        @torch.enable_grad()
        def closure() -> Tensor | None:
            given = self.hooks.step("training_step", *((batch, index) if self.takes_index else (batch,)))
            result = result_of(given)
            found[:] = [result]
            progress.zero_grad.increment_ready()
            self.hooks.call("on_before_zero_grad", optimizer)
            progress.zero_grad.increment_started()
            clear(optimizer)
            progress.zero_grad.increment_completed()
            if (loss := result.closure_loss) is not None:
                self.hooks.call("on_before_backward", loss)
                loss.backward()  # type: ignore[no-untyped-call]
                self.hooks.call("on_after_backward")
            self.hooks.call("on_before_optimizer_step", optimizer)
            if trainer.gradient_clip_val is not None:
                trainer.precision_plugin._clip_gradients(
                    module, optimizer, trainer.gradient_clip_val, trainer.gradient_clip_algorithm
                )
            return result.loss

        progress.step.increment_ready()
        optimizer.step(closure)
        progress.step.increment_completed()
        return found[0].asdict() if found[0].loss is not None else {}


class ShortPasses(_EvaluationLoop):
    """Lightning's pass over val, its steps made directly where that comes to the same."""

    def on_run_start(self) -> None:
        """Find out who takes part, once a pass."""
        super().on_run_start()
        trainer, module = self.trainer, self.trainer.lightning_module
        assert self._data_fetcher is not None, "a pass has begun"
        self.is_short = lies_ready(trainer, self._data_fetcher, OrderedBatches) and not any(
            has(module, name) for name in OF_WATCHED_MODULES
        )
        self.hooks = Hooks(trainer, OF_WATCHING_CALLBACKS)
        self.takes_index = wants_index(module.validation_step)

    def _evaluation_step(
        self, batch: Any, batch_idx: int, dataloader_idx: int, dataloader_iter: Iterator[Any] | None
    ) -> None:
        """One batch."""
        if not self.is_short:
            super()._evaluation_step(batch, batch_idx, dataloader_idx, dataloader_iter)
            return
        progress = self.batch_progress
        progress.increment_ready()
        begin(self.trainer._logger_connector, self._results, batch)
        self.hooks.call("on_validation_batch_start", batch, batch_idx)
        progress.increment_started()
        output = self.hooks.step("validation_step", *((batch, batch_idx) if self.takes_index else (batch,)))
        progress.increment_processed()
        self.hooks.call("on_validation_batch_end", output, batch, batch_idx)
        self._results.batch = None  # what is logged at a step of val goes to loggers alone, and there are none
        progress.increment_completed()
        self._has_run = True
        self._seen_batches_per_dataloader[dataloader_idx] += 1


def result_of(given: Any) -> ClosureResult:
    """What a step returned, as Lightning takes it apart; a loss is not divided by one, which costs two kernels."""
    return ClosureResult(given) if isinstance(given, Tensor) else ClosureResult.from_training_step_output(given)


def begin(connector: _LoggerConnector, results: _ResultCollection, batch: Any) -> None:
    """Let `log` know the batch that begins, and whether it is the first."""
    if connector._first_loop_iter is not False:
        connector._first_loop_iter = connector._first_loop_iter is None
    results.batch, results.batch_size, results.dataloader_idx = batch, None, None


def clear(optimizer: Optimizer) -> None:
    """No gradients any more; what torch's own `zero_grad` does, without telling a profiler."""
    if type(optimizer).zero_grad is not Optimizer.zero_grad or "zero_grad" in vars(optimizer):
        optimizer.zero_grad()
        return
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None


def is_plain(trainer: Trainer, data_fetcher: _DataFetcher) -> bool:
    """Whether a step of training is nothing but loss, gradients and update."""
    return (
        lies_ready(trainer, data_fetcher, TrainBatches)
        and trainer.lightning_module.automatic_optimization
        and len(trainer.optimizers) == 1
        and trainer.accumulate_grad_batches == 1
        and not any(has(trainer.lightning_module, name) for name in OF_MODULES)
    )


def lies_ready(trainer: Trainer, data_fetcher: _DataFetcher, kind: type) -> bool:
    """Whether batches lie where they are needed, as they are needed, and nobody logs what is said of them."""
    return (
        type(trainer.strategy) is SingleDeviceStrategy
        and type(trainer.precision_plugin) is Precision
        and type(data_fetcher) is _PrefetchDataFetcher
        and [type(one) for one in data_fetcher.combined_loader.flattened] == [kind]
        and not trainer.loggers
    )


def only_iterator(data_fetcher: _DataFetcher) -> Iterator[Any]:
    """What goes through the one loader, past a combination of it alone that is made and taken apart at every batch."""
    (batches,) = data_fetcher.combined_loader._iterator.iterators  # type: ignore[union-attr]
    return batches


def wants_index(step: Hook) -> bool:
    """Whether a step is told which batch it has."""
    return bool(is_param_in_hook_signature(step, "batch_idx", min_args=2))


def has(thing: Callback | LightningModule, hook: str) -> bool:
    """Whether a callback or a module has a hook of its own, in its class or put onto it."""
    base = Callback if isinstance(thing, Callback) else LightningModule
    return hook in vars(thing) or getattr(type(thing), hook) is not getattr(base, hook)


def shorten(trainer: Trainer) -> Trainer:
    """The trainer, its steps short where they can be."""
    loop = trainer.fit_loop.epoch_loop
    trainer.fit_loop.epoch_loop = ShortSteps(trainer, loop.min_steps, loop.max_steps)
    return trainer
