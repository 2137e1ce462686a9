"""Progress a person can follow: every step in train.log, every pass over val on screen and in history.csv."""

import csv
import io
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from lightning.pytorch import Callback, LightningModule, Trainer
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from torch import Tensor

from receipts.refusal import Refusal
from receipts.runs.files import write_atomically
from receipts.runs.log import note, progress, settle
from receipts.training.method import Site
from receipts.training.sentinels.parameters import values
from receipts.training.utilisation import Meter
from receipts.training.validation import HarnessValidation

GRADIENT_EVERY = 64  # updates of a row of history, from its first
STEP_ON_SCREEN_S = 5.0

Step = tuple[int, int | None, int, int, float | None, float, float]  # what line_of makes a line of


class Progress(Callback):
    """Tells of steps and passes. Lines of steps are made later, off the training thread; gradient norms are sampled.

    Of several processes the first one tells; a row of history holds what all of them did.
    """

    lasting = ("losses", "norms", "updates", "samples", "scores", "past", "clocks")

    def __init__(self, site: Site, validation: HarnessValidation) -> None:
        self.validation, self.site = validation, site
        self.history = History(site.folder / "history.csv")
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.samples = self.updates = 0  # since the last row
        self.scores: Mapping[str, float | None] | None = None
        self.screen = Screen(silent=site.rank > 0)
        self.begun = self.row_begun = time.monotonic()
        self.steps = 0  # of this process's life

    @property
    def past(self) -> dict[str, list[Any]]:
        """The history so far; given to a run that goes on, its file holds these rows and no others."""
        return {"columns": list(self.history.columns), "rows": list(self.history.rows)}

    @past.setter
    def past(self, past: dict[str, list[Any]]) -> None:
        self.history.columns, self.history.rows = past["columns"], past["rows"]
        if self.site.rank == 0:
            self.history.rewrite()

    @property
    def clocks(self) -> tuple[float, float]:
        """Seconds of training, and those since the last row of history."""
        return time.monotonic() - self.begun, time.monotonic() - self.row_begun

    @clocks.setter
    def clocks(self, clocks: tuple[float, float]) -> None:
        self.begun, self.row_begun = (time.monotonic() - seconds for seconds in clocks)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clocks."""
        self.meter = Meter(pl_module.device)
        self.meter.start()
        self.begun = self.row_begun = time.monotonic()
        self.total = int(trainer.estimated_stepping_batches) * trainer.accumulate_grad_batches

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        """Sample the norm of the gradients, before clipping."""
        if self.updates % GRADIENT_EVERY == 0:
            gradients = [parameter.grad for parameter in pl_module.parameters() if parameter.grad is not None]
            self.norms.append(float(torch.nn.utils.get_total_norm([values(gradient) for gradient in gradients])))
        self.updates += 1

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """One line in the log; on screen too for the first step, and now and then in a long epoch."""
        loss = loss_of(outputs)
        self.losses += [] if loss is None else [loss]
        self.samples += len(batch[1])
        loop = trainer.fit_loop
        done = loop.total_batch_idx + 1
        if loss is None and done == 1 and pl_module.automatic_optimization:
            raise Refusal(
                "training_step returned no loss",
                "Lightning skips such a batch without a word",
                "return the loss, a scalar tensor, or {'loss': …}",
            )
        elapsed = time.monotonic() - self.begun
        told = (trainer.current_epoch + 1, loop.max_epochs, done, self.total, loss, rate(trainer), elapsed)
        note(line_of, *told)
        self.screen.step(told)
        self.steps += 1
        if self.steps == 1:
            self.site.first_step()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the scores of a pass over val; what the module logs for its epoch is only known at the epoch's end."""
        self.scores = self.validation.latest

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """A row of history for a pass over val within an epoch."""
        if self.scores is not None:
            self.row(trainer, pl_module, self.scores)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A row of history at the end of each epoch, validated or not."""
        self.row(trainer, pl_module, self.scores or {})

    def row(self, trainer: Trainer, pl_module: LightningModule, scores: Mapping[str, float | None]) -> None:
        """Write what happened since the last row."""
        seconds = max(time.monotonic() - self.row_begun, 1e-9)
        loss, samples = self.over_all(mean(self.losses), self.samples, pl_module)
        row: dict[str, float | int | None] = {
            "epoch": trainer.current_epoch + 1,
            "step": trainer.global_step,
            "loss": loss,
            "elapsed_s": round(time.monotonic() - self.begun, 3),
            "learning_rate": rate(trainer),
            "gradient_norm": mean(self.norms),
            "samples_per_second": round(samples / seconds, 1),
            **self.meter.since(),
            **{f"val/{name}": scores.get(name) for name in self.validation.names},
            **self.module_values(trainer),
        }
        if self.site.rank == 0:
            self.history.write(row)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in scores.items() if value is not None)
        told = "" if loss is None else f"loss {loss:.4f}  "
        speed = f"{samples / seconds:,.0f} samples/s"
        line = f"epoch {row['epoch']}/{trainer.max_epochs}  {told}{shown and f'val {shown}'}  {speed}"
        progress.info(line)
        self.screen.line(line)
        self.losses, self.norms, self.updates, self.samples, self.scores = [], [], 0, 0, None
        self.row_begun = time.monotonic()

    def over_all(self, loss: float | None, samples: int, pl_module: LightningModule) -> tuple[float | None, int]:
        """The mean loss and the number of samples over all processes; their losses come weighted by their shares."""
        if self.site.world == 1:
            return loss, samples
        share = math.nan if loss is None else loss / self.site.world
        both = torch.tensor([share, samples], dtype=torch.float64, device=pl_module.device)
        torch.distributed.all_reduce(both)
        return None if loss is None or bool(both[0].isnan()) else float(both[0]), int(both[1])

    def module_values(self, trainer: Trainer) -> dict[str, float]:
        """What the module itself logged, under a name that says so."""
        ours = {f"val/{name}" for name in self.validation.names}
        logged = {name: value for name, value in trainer.callback_metrics.items() if name not in ours}
        return {f"module/{name}": float(value) for name, value in sorted(logged.items())}

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """A training that goes on from here does not tell the steps before it again."""
        settle()

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the screen."""
        self.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave the screen whatever happens."""
        self.close()

    def close(self) -> None:
        """Leave the screen, and stop the meter where it was started."""
        self.screen.close()
        if hasattr(self, "meter"):
            self.meter.stop()


class Screen:
    """One live line of steps under the lines of epochs on a terminal; plain lines, fewer of them, elsewhere."""

    def __init__(self, silent: bool = False) -> None:
        self.shown, self.silent = 0.0, silent
        bar = sys.stdout.isatty() and not silent
        self.bar: Bar | None = Bar(TextColumn("{task.description}"), BarColumn(), transient=True) if bar else None
        self.task = self.bar.add_task("") if self.bar else None

    def step(self, told: Step) -> None:
        """A step is done: the first one is shown at once, later ones now and then."""
        if self.bar is not None and self.task is not None:
            _, _, done, total, _, _, elapsed = told
            left = f"step {done}/{total}  {elapsed / done:.4f} s/step  ETA {clock(elapsed / done * (total - done))}"
            self.bar.start()
            self.bar.update(self.task, description=left, completed=done, total=total)
            if done == 1:
                self.line(line_of(*told))
        elif time.monotonic() - self.shown > STEP_ON_SCREEN_S:
            self.line(line_of(*told))

    def line(self, line: str) -> None:
        """A line that stays."""
        self.shown = time.monotonic()
        if self.bar is not None:
            self.bar.console.print(line, highlight=False, markup=False)
        elif not self.silent:
            print(line, flush=True)

    def close(self) -> None:
        """Take the live line away."""
        if self.bar is not None:
            self.bar.stop()


class History:
    """`history.csv`, a row at a time; a column that comes later is empty in the rows before it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] = []
        self.rows: list[dict[str, float | int | None]] = []

    def write(self, row: dict[str, float | int | None]) -> None:
        """Append a row, or write the file anew where the row has a column of its own."""
        new = [name for name in row if name not in self.columns]
        self.columns += new
        self.rows.append(row)
        if new:
            self.rewrite()
        else:
            with self.path.open("ab") as file:
                file.write(self.text([row]))

    def rewrite(self) -> None:
        """The whole file: its header and every row."""
        write_atomically(self.path, self.text([dict(zip(self.columns, self.columns, strict=True)), *self.rows]))

    def text(self, rows: Sequence[Mapping[str, object]]) -> bytes:
        """Rows as lines of CSV."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows(
            ["" if (value := row.get(name)) is None else str(value) for name in self.columns] for row in rows
        )
        return out.getvalue().encode()


def line_of(
    epoch: int, epochs: int | None, done: int, total: int, loss: float | None, rate: float, elapsed: float
) -> str:
    """A step as a line, `elapsed` in seconds."""
    told = "" if loss is None else f"loss {loss:.4f} "
    left = clock(elapsed / done * (total - done))
    return (
        f"epoch {epoch}/{epochs} step {done}/{total} {told}lr {rate:.2e} {elapsed / done:.4f} s/step "
        f"elapsed {clock(elapsed)} ETA {left}"
    )


def loss_of(outputs: Any) -> float | None:
    """The loss that training_step returned, as a number; None where it skipped the batch, or steps by hand."""
    value = outputs.get("loss") if isinstance(outputs, dict) else outputs
    return float(value.item()) if isinstance(value, Tensor) else None


def rate(trainer: Trainer) -> float:
    """The learning rate of the first parameter group."""
    return float(trainer.optimizers[0].param_groups[0]["lr"]) if trainer.optimizers else float("nan")


def mean(values: list[float]) -> float | None:
    """The mean, or nothing of nothing."""
    return sum(values) / len(values) if values else None


def clock(seconds: float) -> str:
    """Seconds as people write them."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
