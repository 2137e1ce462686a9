"""Validation by the harness inside Lightning's own loop.

The module *instance* gets a `validation_step` made of its `predict_step`, so evaluation mode, autocast, weight
averaging and `val_check_interval` are Lightning's; what is selected on is the harness's number, in float64.
"""

from math import ceil
from traceback import walk_tb
from types import MethodType
from typing import Any

import numpy as np
import torch
import torch.distributed
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor

from receipts.config.schema import Task
from receipts.data.sealed import Subset
from receipts.data.shares import Share
from receipts.evaluation.metrics import evaluate, metric_names, scored_as
from receipts.evaluation.predictions import Predictions, from_outputs
from receipts.refusal import Refusal
from receipts.training.method import Outputs


def arrays(output: Any) -> Outputs:
    """What a predict_step returned, on the CPU as NumPy; reduced precision becomes float32."""
    if isinstance(output, dict):
        return {key: array(value) for key, value in output.items()}
    return array(output)


def array(value: Any) -> np.ndarray[Any, Any]:
    """One tensor as an array of its own (Lightning's batches are views)."""
    if not isinstance(value, Tensor):
        raise Refusal(
            f"predict_step returned a {type(value).__name__}",
            "one tensor of outputs is needed, or a dictionary of named ones",
            "return self(x).softmax(-1)      (or {'logits': self(x)}, or {'value': self(x)})",
        )
    whole = value.detach().to("cpu")
    return np.array((whole.float() if whole.dtype in (torch.bfloat16, torch.float16) else whole).numpy())


def joined(parts: list[Outputs]) -> Outputs:
    """The outputs of several batches, one after the other."""
    first = parts[0]
    if isinstance(first, dict):
        return {key: np.concatenate([part[key] for part in parts]) for key in first}
    return np.concatenate(parts)  # type: ignore[arg-type]


def once(parts: list[tuple[list[str], Outputs]], wanted: list[str], batch: int) -> Outputs:
    """The outputs of all processes in the order of `wanted`, each id once.

    A row is dropped that a process borrowed since there were fewer batches than processes.
    """
    at: dict[str, int] = {}
    for position, sample in enumerate(sample for ids, _ in parts for sample in ids):
        at.setdefault(sample, position)
    rows = np.array([at[sample] for sample in wanted])
    assert len(at) == len(rows), "a process predicted ids that are not in val"
    borrowed = max(0, len(parts) - ceil(len(wanted) / batch))
    assert sum(len(ids) for ids, _ in parts) == len(wanted) + borrowed, "an id was predicted twice"
    whole = joined([outputs for _, outputs in parts])
    return {key: value[rows] for key, value in whole.items()} if isinstance(whole, dict) else whole[rows]


def predicted(module: LightningModule, x: Any, index: int) -> Any:
    """What a module says of a batch of inputs; one that expects labels beside them is told what it is given."""
    try:
        return module.predict_step(x, index)
    except ValueError as error:
        *_, (frame, _) = walk_tb(error.__traceback__)
        if frame.f_code.co_name != "predict_step" or "to unpack" not in str(error):
            raise
        raise Refusal(
            f"predict_step could not unpack its batch: {error}",
            "it is given x alone, never (x, y): what predicts has not seen the labels",
            "def predict_step(self, x, batch_idx): return self(x).softmax(-1)",
        ) from error


class HarnessValidation(Callback):
    """Scores val with the harness after each pass and logs `val/<metric>`; the class of the module is untouched.

    Several processes each predict their share, whole batches, and gather the table: all of them see the same number.
    """

    def __init__(
        self, module: LightningModule, val: Subset, task: Task, names: list[str], share: Share, batch: int
    ) -> None:
        self.val, self.task, self.names, self.share, self.batch = val, task, names, share, batch
        self.mine = share.of_split(val, batch).ids
        self.parts: list[Outputs] = []
        self.latest: dict[str, float | None] = {}
        self.table: Predictions | None = None  # of the last pass
        own = module.validation_step if is_overridden("validation_step", module) else None
        log = module.log
        reserved = {f"val/{name}" for name in metric_names(scored_as(task))}

        def validation_step(module: LightningModule, batch: tuple[Any, Tensor], index: int) -> None:
            if own is not None:
                own(batch, index)  # their own logs keep working
            self.parts.append(arrays(predicted(module, batch[0], index)))

        def checked_log(name: str, *values: Any, **options: Any) -> None:
            if name in reserved:
                raise Refusal(
                    f"the module logs {name!r}",
                    "that name is the harness's: selection would not know whose it reads",
                    f"log it as {name.replace('val/', 'val_batch/')}",
                )
            log(name, *values, **options)

        module.validation_step = MethodType(validation_step, module)  # type: ignore[method-assign]
        module.log = checked_log  # type: ignore[method-assign]
        self.own_log = log  # Lightning sets `log` of every callback to the module's

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new table."""
        self.parts = []

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, _: int = 0
    ) -> None:
        """Every process scores with the running statistics that a checkpoint would hold: those of the first.

        DDP hands them out too, but not after a step that only adds up gradients.
        """
        if batch_idx == 0 and self.share.world > 1:
            for buffer in pl_module.buffers():
                torch.distributed.broadcast(buffer, src=0)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Score the table and log what selection, schedulers and history read."""
        outputs = joined(self.parts)
        if self.share.world > 1:
            everybody: list[Any] = [None] * self.share.world
            torch.distributed.all_gather_object(everybody, (self.mine, outputs))
            outputs = once(everybody, self.val.ids, self.batch)
        table = from_outputs(outputs, self.val.ids, self.task, self.val.targets)
        self.latest, self.table = self.score(table), table
        for name, value in self.latest.items():
            if value is not None:
                self.own_log(f"val/{name}", torch.tensor(value, dtype=torch.float64))

    def score(self, table: Predictions) -> dict[str, float | None]:
        """The few numbers that training looks at, the one that selects first."""
        found = evaluate(table, self.task, names=self.names, second=False)
        if found[self.names[0]].value is None:
            raise Refusal(
                f"val has no {self.names[0]}, by which the epoch is selected",
                f"it is undefined: {found[self.names[0]].undefined}",
                f"fit.select.metric={self.names[-1]}      (or more rows)",
            )
        return {name: metric.value for name, metric in found.items()}

    def detach(self, module: LightningModule) -> None:
        """Hand the module back as it was."""
        del module.validation_step
        del module.log
