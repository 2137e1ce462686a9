"""The sample ledger: the first epoch brings every train row, and a loader of somebody's own brings them mixed."""

import math
from collections import Counter
from typing import Any

import torch
import torch.distributed
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler

from receipts.training.sentinels.findings import Findings

BATCHES = 8  # the fewest that can be told to be sorted
MIXED = 0.5  # of the entropy that batches drawn at random would have


class SampleLedger(Callback):
    """`expected` rows are in train; `loader` is a DataModule's own, None where the core makes the batches."""

    lasting = ("seen", "labels", "done")

    def __init__(self, findings: Findings, expected: int, loader: DataLoader[Any] | None, classes: bool) -> None:
        self.findings, self.expected, self.loader, self.classes = findings, expected, loader, classes
        self.seen = 0
        self.labels: list[Counter[int]] = []
        self.done = False

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count what was learnt from."""
        if self.done:
            return
        self.seen += len(batch[1])
        if self.loader is not None and self.classes and isinstance(batch[1], Tensor) and batch[1].dim() == 1:
            self.labels.append(Counter(batch[1].tolist()))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge the first epoch."""
        if self.done:
            return
        self.done = True
        self.judge_count(trainer)
        self.judge_order()

    def judge_count(self, trainer: Trainer) -> None:
        """Rows that were not learnt from, but for those that a loader says it drops."""
        name = "samples-missing"
        if trainer.should_stop:
            return self.findings.is_open(name, "training was ended within the first epoch")
        if self.loader is not None and not is_plain(self.loader):
            return self.findings.is_open(name, f"the train loader draws with a {type(self.loader.sampler).__name__}")
        dropped = (self.loader.batch_size or 1) - 1 if self.loader is not None and self.loader.drop_last else 0
        seen = self.over_all(trainer)
        said = f"{seen} of {self.expected} train rows in the first epoch"
        if seen < self.expected - dropped:
            self.findings.fails(name, said)
        return self.findings.passes(name, said)

    def over_all(self, trainer: Trainer) -> int:
        """Rows that all processes have learnt from; one that a process borrowed to have any counts, too."""
        if trainer.world_size == 1:
            return self.seen
        total = torch.tensor(self.seen, device=trainer.strategy.root_device)
        torch.distributed.all_reduce(total)
        return int(total)

    def judge_order(self) -> None:
        """Whether batches hold far fewer classes than drawn ones would."""
        if self.loader is None:
            return self.findings.is_beside("sorted-batches", "the core shuffles")
        if not is_plain(self.loader) or len(self.labels) < BATCHES:
            return self.findings.is_open("sorted-batches", "too few batches, no class labels, or an own sampler")
        inside = sum(entropy(labels) for labels in self.labels) / len(self.labels)
        drawn = expected_entropy(self.labels)
        said = f"classes in a batch have an entropy of {inside:.2f}, drawn at random {drawn:.2f}"
        if drawn > 0 and inside < MIXED * drawn:
            self.findings.fails("sorted-batches", said)
        return self.findings.passes("sorted-batches", said)


def is_plain(loader: DataLoader[Any]) -> bool:
    """Whether a loader takes every row once: in order or shuffled, by nobody's own rule."""
    sampler = loader.sampler
    drawn = isinstance(sampler, RandomSampler) and not sampler.replacement and sampler.num_samples == len(sampler)
    return loader.batch_size is not None and (drawn or isinstance(sampler, SequentialSampler))


def entropy(labels: Counter[int]) -> float:
    """The entropy of a batch's labels, in nats."""
    n = labels.total()
    return -sum(count / n * math.log(count / n) for count in labels.values())


def expected_entropy(batches: list[Counter[int]]) -> float:
    """The mean entropy of batches of the same sizes, drawn from the same labels."""
    everything = torch.tensor([label for batch in batches for label in batch.elements()])
    order = torch.randperm(len(everything), generator=torch.Generator().manual_seed(0))
    parts = torch.split(everything[order], [batch.total() for batch in batches])
    return sum(entropy(Counter(part.tolist())) for part in parts) / len(batches)
