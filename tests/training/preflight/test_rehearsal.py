"""The rehearsal: a batch that is unlearnt, samples that mix, and the module left as it was."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from watching import FEATURES, Small, rows

from receipts.config.schema import Config, Fit, Select, Task
from receipts.data.sealed import Subset
from receipts.training.preflight.rehearsal import ALL, rehearse

CPU = torch.device("cpu")


def subset(name: str, kind: str) -> Subset:
    x, y = rows()
    targets = y.numpy() if kind == "classification" else (x[:, 0] * 30 + 100).numpy()
    return Subset(name, [f"{name}-{row}" for row in range(len(x))], x.numpy(), targets, None, None)


def rehearsed(module: Any, kind: str = "classification", batch: int = 16) -> dict[str, str]:
    primary = "accuracy" if kind == "classification" else "rmse"
    task = Task(kind, 3 if kind == "classification" else None, primary)
    fit = Fit(epochs=3, batch_size=batch, select=Select(primary))
    config = Config(seed=0, model={}, data={}, task=task, fit=fit)
    found = rehearse(module, config, CPU, subset("train", kind), subset("val", kind)).checks
    assert [check.code for check in found] == list(ALL)
    return {check.code: check.verdict for check in found}


def failing(module: Any, kind: str = "classification", batch: int = 16) -> list[str]:
    return [name for name, verdict in rehearsed(module, kind, batch).items() if verdict == "fail"]


class WrongSign(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return -super().training_step(batch, batch_idx)


class OnProbabilities(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return functional.cross_entropy(self(batch[0]).softmax(-1), batch[1])


class Mixes(Small):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.reshape(FEATURES, len(x)).T)


class Centres(Small):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x - x.mean(0))


class Explodes(Small):
    def __init__(self) -> None:
        super().__init__(lr=1e30)
        self.body = nn.Sequential(nn.Linear(FEATURES, 8), nn.ReLU())


class IgnoresZero(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return functional.cross_entropy(self(batch[0]), batch[1], ignore_index=0)


class Prepares(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return super().training_step(((batch[0] - 1) / 2, batch[1]), batch_idx)


class PreparesInTrainingModeAlone(Small):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x - 1) / 2 if self.training else x)


class CountsFromOne(Small):
    """A table of which the training step reads the next row."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(64, FEATURES)
        self.step = 1

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.table((x * 4).long().clamp(-20, 20).sum(1).clamp(-20, 20) + 20 + self.step))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        self.step = 1
        return super().training_step(batch, batch_idx)

    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        self.step = 0
        return super().predict_step(x, batch_idx)


class SoftensTwice(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return functional.nll_loss(self(batch[0]).softmax(-1).log(), batch[1])

    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        return self(x).softmax(-1).softmax(-1)


class CallsThemLogits(SoftensTwice):
    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        return {"logits": self(x).softmax(-1)}


@pytest.mark.parametrize(
    ("module", "check"),
    [
        (IgnoresZero, "class-ignored"),
        (Prepares, "inputs-prepared-otherwise"),
        (PreparesInTrainingModeAlone, "inputs-prepared-otherwise"),
        (CountsFromOne, "inputs-prepared-otherwise"),
        (SoftensTwice, "softmax-twice"),
        (CallsThemLogits, "softmax-twice"),
        (WrongSign, "cannot-learn-a-batch"),
        (Explodes, "cannot-learn-a-batch"),
        (OnProbabilities, "loss-wants-logits"),
        (Mixes, "samples-mixed"),
        (Centres, "samples-mixed"),
    ],
)
def test_what_cannot_be_meant_fails(module: type[Small], check: str) -> None:
    assert failing(module()) == [check]


class Tiny(Small):
    def __init__(self) -> None:
        super().__init__(lr=1e-8)


class Hand(Small):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Any:
        optimizer = self.optimizers()
        optimizer.zero_grad()
        loss = functional.cross_entropy(self(batch[0]), batch[1], label_smoothing=0.1)
        self.manual_backward(loss)
        optimizer.step()
        return {"loss": loss}


class Waits(Small):
    """A schedule that reads a score of val, and one batch that is mixed with itself."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        x, y = batch
        other = torch.randperm(len(x))
        share = torch.rand(())
        z = self(x * share + x[other] * (1 - share))
        return share * functional.cross_entropy(z, y) + (1 - share) * functional.cross_entropy(z, y[other])

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=1e-2)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val/accuracy"}}


class Cycles(Small):
    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        total = int(self.trainer.estimated_stepping_batches)
        assert total == 3 * 4, "the copy is told the length of the real training"
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.3, total_steps=total)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


class Density(Small):
    """A mean and a spread, learnt by a likelihood that goes below zero; predictions are in the targets' own unit."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(8, 2)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, spread = self(x).unbind(-1)
        return mean, functional.softplus(spread) + 1e-3

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        mean, spread = self.split(batch[0])
        return -torch.distributions.Normal(mean, spread).log_prob((batch[1] - 100) / 3000).mean()

    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        return self.split(x)[0] * 3000 + 100

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=1e-2)


class Brightens(Small):
    """Inputs are scaled while training: by a factor that is drawn, or one that goes with the epoch."""

    def __init__(self, drawn: bool) -> None:
        super().__init__()
        self.drawn = drawn

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        factor = torch.rand(()) + 0.5 if self.drawn else 0.1
        return super().training_step((batch[0] * factor, batch[1]), batch_idx)


class NormsByHand(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        x, y = batch
        return super().training_step(((x - x.mean(0) - 1) / x.std(0), y), batch_idx)


class FadesIn(Brightens):
    def on_train_epoch_start(self) -> None:
        self.share = (self.current_epoch + 1) / 3


def test_scales_that_are_drawn_or_go_with_batch_or_epoch_are_left_alone() -> None:
    name = "inputs-prepared-otherwise"
    modules = (Brightens(False), Brightens(True), NormsByHand(), FadesIn(False))
    assert [rehearsed(module)[name] for module in modules] == ["fail", "pass", "pass", "not run"]


def test_ordinary_modules_pass() -> None:
    for module in (Small(), Tiny(), Hand(), Waits(), Cycles()):
        found = rehearsed(module)
        by_hand = found.pop("labels-ignored") == "not applicable"
        assert by_hand is isinstance(module, Hand)
        assert set(found.values()) == {"pass"}, type(module)
    assert failing(Density(), "regression") == []


class FirstHalf(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        x, y = batch
        return functional.cross_entropy(self(x)[: len(y) // 2], y[: len(y) // 2])


class HalfByHand(Hand):
    def training_step(self, batch: tuple[Tensor, Tensor]) -> Any:
        return super().training_step((batch[0][::2], batch[1][::2]))


class Hardest(Small):
    """The loss of the worst quarter of a batch."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        each = functional.cross_entropy(self(batch[0]), batch[1], reduction="none")
        return each.topk(len(each) // 4).values.mean()


class SomeAtRandom(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        each = functional.cross_entropy(self(batch[0]), batch[1], reduction="none")
        return (each * (torch.rand(len(each)) < 0.5)).mean()


class ClassesWithoutWeight(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return functional.cross_entropy(self(batch[0]), batch[1], weight=torch.tensor([0.0, 1.0, 1.0]))


class Believes(Small):
    """Learns what it thinks already."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        z = self(batch[0])
        return functional.cross_entropy(z, z.argmax(-1)) + 0 * z.sum()


class Autoencoder(Small):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(8, FEATURES)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return functional.mse_loss(self(batch[0]), batch[0])

    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        return self(x)[:, 0] * 30 + 100


class EveryPair(Small):
    """A squared error written by hand, against targets that were changed on the way."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return ((self(batch[0])[:, :1] * 30 + 100 - (batch[1] + 0.0).float()) ** 2).mean()

    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        return self(x)[:, 0] * 30 + 100

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=1e-2)


class FromZero(Small):
    def __init__(self) -> None:
        super().__init__(lr=1e-8)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)


class ReluAtTheEnd(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return functional.cross_entropy(self(batch[0]).repeat(2, 2).relu(), batch[1].repeat(2))


def test_rows_and_labels_that_the_loss_does_not_hear() -> None:
    assert failing(FirstHalf()) == ["rows-ignored"]
    assert failing(HalfByHand()) == ["rows-ignored"]
    torch.manual_seed(1)  # from some weights it happens to come nearer to the labels
    assert "labels-ignored" in failing(Believes())
    assert "labels-ignored" in failing(EveryPair(), "regression")
    assert failing(ReluAtTheEnd()) == ["logits-cut-off"]


@pytest.mark.parametrize("module", [Hardest, SomeAtRandom, ClassesWithoutWeight])
def test_rows_that_are_passed_over_for_what_they_are(module: type[Small]) -> None:
    assert rehearsed(module())["rows-ignored"] == "pass"


def test_a_loss_that_needs_no_labels_and_learns_all_the_same() -> None:
    assert rehearsed(Autoencoder(), "regression")["labels-ignored"] == "pass"
    assert rehearsed(FromZero())["labels-ignored"] == "not run", "nothing is told apart yet"


def test_a_module_that_does_not_come_through_is_not_run_and_never_failed() -> None:
    class Needs(Small):
        def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
            raise KeyError("a callback of its own")

    class Uncopied(Small):
        def __init__(self) -> None:
            super().__init__()
            self.stream = (row for row in range(3))

    for module in (Needs(), Uncopied()):
        assert set(rehearsed(module).values()) == {"not run"}
    assert rehearsed(Small(), batch=1)["samples-mixed"] in ("not run", "pass")


def test_the_module_and_every_generator_are_left_as_they_were() -> None:
    module = Small()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    random, theirs = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    rehearsed(module)
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())
    assert (theirs == np.random.get_state()[1]).all()  # noqa: NPY002
    assert "training_step" not in vars(module)
    assert module._trainer is None
    assert module.training
