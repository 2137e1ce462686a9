"""A training step that asks only who has something to say.

At every step Lightning goes to every hook of every callback, module and strategy, whether it does anything or not, with
a profiler round each, and reads the signature of `training_step` anew: for a small network that takes as long as
learning. Where nothing of that can matter the same calls are made here, in the same order and to the same bits;
progress, schedules, validation and whatever is out of the ordinary stay Lightning's.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loops.fetchers import _DataFetcher, _PrefetchDataFetcher
from lightning.pytorch.loops.optimization.automatic import ClosureResult
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.plugins.precision import Precision
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import SingleDeviceStrategy
from lightning.pytorch.utilities.signature_utils import is_param_in_hook_signature
from torch import Tensor

from receipts.data.batches import TrainBatches

Hook = Callable[..., Any]
OF_MODULES = (  # a module that overrides one of them has its steps made by Lightning
    *("on_train_batch_start", "on_train_batch_end", "on_before_zero_grad", "optimizer_zero_grad", "optimizer_step"),
    *("configure_gradient_clipping", "on_before_backward", "backward", "on_after_backward", "on_before_optimizer_step"),
    *("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer"),
)
OF_CALLBACKS = (
    *("on_train_batch_start", "on_train_batch_end", "on_before_zero_grad"),
    *("on_before_backward", "on_after_backward", "on_before_optimizer_step"),
)
NOTHING = nullcontext("")


class NoProfiler(PassThroughProfiler):
    """Measures nothing, without making a context manager for it a hundred times a step."""

    def profile(self, action_name: str) -> AbstractContextManager[str]:  # type: ignore[override]
        """Nothing."""
        return NOTHING


class ShortSteps(_TrainingEpochLoop):
    """Lightning's loop over the batches of an epoch, its steps made directly where that comes to the same."""

    def on_run_start(self, data_fetcher: _DataFetcher) -> None:
        """Find out who takes part, once an epoch."""
        super().on_run_start(data_fetcher)
        self.is_short = is_plain(self.trainer, data_fetcher)
        callbacks = self.trainer.callbacks
        self.hooks = {name: [getattr(one, name) for one in callbacks if has(one, name)] for name in OF_CALLBACKS}
        step = self.trainer.lightning_module.training_step
        self.takes_index = is_param_in_hook_signature(step, "batch_idx", min_args=2)

    def advance(self, data_fetcher: _DataFetcher) -> None:
        """One batch."""
        if not self.is_short or self.restarting:
            super().advance(data_fetcher)
            return
        self.val_loop.restarting = False
        batch, _, _ = next(data_fetcher)
        index, progress, connector = self.batch_idx + 1, self.batch_progress, self.trainer._logger_connector
        progress.is_last_batch = data_fetcher.done
        progress.increment_ready()
        connector.on_batch_start(batch)
        self.call("on_train_batch_start", batch, index)
        progress.increment_started()
        outputs = self.optimize(batch, index)
        progress.increment_processed()
        if self.trainer.lr_scheduler_configs:
            self.update_lr_schedulers("step", update_plateau_schedulers=False)
            if self._num_ready_batches_reached():
                self.update_lr_schedulers("epoch", update_plateau_schedulers=False)
        self.call("on_train_batch_end", outputs, batch, index)
        if self._results:  # something was logged
            connector.on_batch_end()
        self._results.batch = None
        progress.increment_completed()

    def optimize(self, batch: Any, index: int) -> dict[str, Any]:
        """Loss, gradients and the optimizer's step; what `training_step` returned, its loss detached."""
        trainer, module = self.trainer, self.trainer.lightning_module
        (optimizer,) = trainer.optimizers
        progress = self.automatic_optimization.optim_progress.optimizer
        found: list[ClosureResult] = []

        @torch.enable_grad()
        def closure() -> Tensor | None:
            with named(module, "training_step"):
                given = module.training_step(batch, index) if self.takes_index else module.training_step(batch)
            result = ClosureResult.from_training_step_output(given)
            found[:] = [result]
            progress.zero_grad.increment_ready()
            self.call("on_before_zero_grad", optimizer)
            progress.zero_grad.increment_started()
            optimizer.zero_grad()
            progress.zero_grad.increment_completed()
            if (loss := result.closure_loss) is not None:
                self.call("on_before_backward", loss)
                loss.backward()  # type: ignore[no-untyped-call]
                self.call("on_after_backward")
            self.call("on_before_optimizer_step", optimizer)
            if trainer.gradient_clip_val is not None:
                trainer.precision_plugin._clip_gradients(
                    module, optimizer, trainer.gradient_clip_val, trainer.gradient_clip_algorithm
                )
            return result.loss

        progress.step.increment_ready()
        optimizer.step(closure)
        progress.step.increment_completed()
        return found[0].asdict() if found[0].loss is not None else {}

    def call(self, name: str, *values: Any) -> None:
        """Call a hook of those callbacks that have it."""
        if hooks := self.hooks[name]:
            trainer, module = self.trainer, self.trainer.lightning_module
            with named(module, name):
                for hook in hooks:
                    hook(trainer, module, *values)


@contextmanager
def named(module: LightningModule, hook: str) -> Iterator[None]:
    """Let `log` know where it is called; set past `nn.Module`, which would look for a parameter in it."""
    own = vars(module)
    before, own["_current_fx_name"] = own["_current_fx_name"], hook
    yield
    own["_current_fx_name"] = before


def is_plain(trainer: Trainer, data_fetcher: _DataFetcher) -> bool:
    """Whether a step is nothing but loss, gradients and update, on batches that lie where they are needed."""
    loader = data_fetcher.combined_loader.flattened
    return (
        type(trainer.strategy) is SingleDeviceStrategy
        and type(trainer.precision_plugin) is Precision
        and type(data_fetcher) is _PrefetchDataFetcher
        and [type(one) for one in loader] == [TrainBatches]
        and trainer.lightning_module.automatic_optimization
        and len(trainer.optimizers) == 1
        and trainer.accumulate_grad_batches == 1
        and not trainer.loggers
        and not any(has(trainer.lightning_module, name) for name in OF_MODULES)
    )


def has(thing: Callback | LightningModule, hook: str) -> bool:
    """Whether a callback or a module has a hook of its own, in its class or put onto it."""
    base = Callback if isinstance(thing, Callback) else LightningModule
    return hook in vars(thing) or getattr(type(thing), hook) is not getattr(base, hook)


def shorten(trainer: Trainer) -> Trainer:
    """The trainer, its steps short where they can be."""
    loop = trainer.fit_loop.epoch_loop
    trainer.fit_loop.epoch_loop = ShortSteps(trainer, loop.min_steps, loop.max_steps)
    return trainer
