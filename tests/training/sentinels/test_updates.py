"""The update ledger: what stands still by mistake is told, what stands still on purpose is not."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import BackboneFinetuning, EMAWeightAveraging
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from watching import CLASSES, FEATURES, Small, batches, watched

from receipts.refusal import Refusal
from receipts.training.sentinels.updates import HELD, UpdateLedger


class HeadOnly(Small):
    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.head.parameters(), lr=self.lr)


class HeadReplaced(Small):
    def configure_optimizers(self) -> Any:
        optimizer = super().configure_optimizers()
        self.head = nn.Linear(8, CLASSES)
        return optimizer


class OnlyNorms(Small):
    def __init__(self) -> None:
        super().__init__()
        for name, parameter in self.named_parameters():
            parameter.requires_grad = "1." in name


class Detached(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).detach())


class Rounded(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).round())


class Argmaxed(Small):
    """A loss of decisions: every gradient is zero, and weight decay moves the weights all the same."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        z = self(batch[0])
        return (z.argmax(-1) - batch[1]).float().square().mean() + 0 * z.sum()

    def configure_optimizers(self) -> Any:
        return torch.optim.AdamW(self.parameters(), lr=self.lr)


class RoundedAndDecays(Small):
    """The body's gradients are zero, the head's are not; weight decay moves both."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head((4 * self.body(x)).round())

    def configure_optimizers(self) -> Any:
        return torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=0.1)


class Alike(Small):
    """Every unit of the body begins as the others, and no noise tells them apart."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(FEATURES, 8), nn.Tanh())
        for layer in (self.body[0], self.head):
            nn.init.constant_(layer.weight, 0.1)
            nn.init.zeros_(layer.bias)


class InAList(Small):
    def __init__(self) -> None:
        super().__init__()
        self.more = [nn.Linear(8, 8)]

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.more[0](self.body(x)))


class PlainTensor(Small):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.randn(8, requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x) * self.scale)


class Restoring(Small):
    def on_train_batch_end(self, *_: Any) -> None:
        self.head.weight.data.fill_(0.1)

    def __init__(self) -> None:
        super().__init__()
        self.head.weight.data.fill_(0.1)


class ZeroRateGroup(Small):
    def configure_optimizers(self) -> Any:
        groups = [{"params": self.body.parameters(), "lr": 0.0}, {"params": self.head.parameters()}]
        return torch.optim.SGD(groups, lr=self.lr)


class NeverSteps(Small):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        loss = super().training_step(batch, batch_idx)
        self.manual_backward(loss)
        return loss


class Manual(NeverSteps):
    """Manual optimisation; the backward pass is plain torch's, which Lightning allows."""

    zero = True

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        optimizer = self.optimizers()
        if self.zero:
            optimizer.zero_grad(set_to_none=False)
        loss = Small.training_step(self, batch, batch_idx)
        loss.backward()
        optimizer.step()
        return loss


class NeverZeroed(Manual):
    zero = False


class KeepsGradients(Small):
    def optimizer_zero_grad(self, *_: Any) -> None:
        return


@pytest.mark.parametrize(
    ("module", "check"),
    [
        (HeadOnly, "outside-optimizer"),
        (HeadReplaced, "foreign-parameters"),
        (OnlyNorms, "frozen-by-mistake"),
        (ZeroRateGroup, "frozen-by-mistake"),
        (Detached, "no-gradient"),
        (Rounded, "no-gradient"),
        (Argmaxed, "no-gradient"),
        (RoundedAndDecays, "no-gradient"),
        (Alike, "units-alike"),
        (InAList, "unregistered-parameters"),
        (PlainTensor, "unregistered-parameters"),
        (Restoring, "never-moves"),
        (NeverSteps, "never-moves"),
        (NeverZeroed, "stale-gradients"),
        (KeepsGradients, "stale-gradients"),
    ],
)
def test_what_does_not_learn_is_named(module: type[Small], check: str, tmp_path: Path) -> None:
    _, ended = watched(module(), lambda found: UpdateLedger(found, []), tmp_path)
    assert ended == check


# --- what must stay quiet ---------------------------------------------------------------------------------------------


class LeftOut(Small):
    """A layer is left out of most steps, and its gradient is set to zeros, not to none."""

    def __init__(self) -> None:
        super().__init__()
        self.extra = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        return self.head(x if self.training and self.trainer.fit_loop.total_batch_idx % 3 else self.extra(x))

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Any) -> None:
        optimizer.zero_grad(set_to_none=False)


class TinyRate(Small):
    def __init__(self) -> None:
        super().__init__(lr=1e-9)


class WarmingUp(Small):
    def configure_optimizers(self) -> Any:
        optimizer = super().configure_optimizers()
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 6))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Frozen(Small):
    def __init__(self) -> None:
        super().__init__()
        self.body.requires_grad_(False)


class Tied(Small):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)
        self.two.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.two(self.one(self.one(self.body(x)))))


class Rare(Small):
    """One embedding row and one expert in four are ever used, and one layer never."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Embedding(100, FEATURES, sparse=True)
        self.experts = nn.ModuleList(nn.Linear(FEATURES, FEATURES) for _ in range(4))
        self.unused = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.experts[1](x + self.rows(torch.zeros(len(x), dtype=torch.long))))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Teacher(Small):
    """A slow copy that no optimizer holds and that makes the predictions, and a fixed network inside the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.teacher = nn.Linear(FEATURES, CLASSES)
        self.student = nn.Linear(FEATURES, CLASSES)
        self.judge = nn.Linear(CLASSES, CLASSES)
        self.kept_out = [nn.Linear(FEATURES, CLASSES)]

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        x, y = batch
        extra = self.judge(self.student(x)).square().mean() + (self.student(x) - self.kept_out[0](x)).square().mean()
        return functional.cross_entropy(self.student(x) + self(x), y) + extra

    def on_train_batch_end(self, *_: Any) -> None:
        for slow, fast in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            slow.data.lerp_(fast.data, 0.1)

    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        return (self.teacher(x) + self(x)).softmax(-1)

    def configure_optimizers(self) -> Any:
        own = [*self.body.parameters(), *self.head.parameters(), *self.student.parameters()]
        return torch.optim.SGD(own, lr=self.lr)


class Constant(Small):
    """A table that is not meant to learn, as transformers have for positions, and a bias that a norm takes away."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(FEATURES), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + self.positions)


class TwoPlayers(Small):
    """Two optimizers, of which each leaves gradients in the other's parameters and empties its own."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.critic = nn.Linear(CLASSES, 1)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        player, critic = self.optimizers()
        loss = super().training_step(batch, batch_idx) - self.critic(self(batch[0])).mean()
        player.zero_grad()
        self.manual_backward(loss)
        player.step()
        critic.zero_grad()
        self.manual_backward(self.critic(self(batch[0]).detach()).mean() ** 2)
        critic.step()
        return loss

    def configure_optimizers(self) -> Any:
        own = [*self.body.parameters(), *self.head.parameters()]
        return [torch.optim.SGD(own, lr=0.01), torch.optim.Adam(self.critic.parameters(), lr=0.01)], []


class Accumulating(Manual):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        loss = Small.training_step(self, batch, batch_idx)
        self.manual_backward(loss)
        if batch_idx % 2:
            self.optimizers().step()
            self.optimizers().zero_grad()
        return loss


class Checkpointed(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(checkpoint(self.body, x, use_reentrant=False))


class Compiled(Small):
    def __init__(self) -> None:
        super().__init__()
        self.body.compile(backend="aot_eager")


class Closures(Small):
    def configure_optimizers(self) -> Any:
        return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=3)


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (Small, {}),
        (Small, {"accumulate_grad_batches": 3}),
        (Small, {"gradient_clip_val": 0.5}),
        (Small, {"precision": "bf16-mixed"}),
        (TinyRate, {}),
        (WarmingUp, {}),
        (LeftOut, {}),
        (Tied, {}),
        (Rare, {}),
        (Teacher, {}),
        (Constant, {}),
        (Manual, {}),
        (TwoPlayers, {}),
        (Accumulating, {}),
        (Checkpointed, {}),
        (Compiled, {}),
        (Closures, {}),
    ],
)
def test_what_learns_in_its_own_way_is_left_alone(module: type[Small], options: dict[str, Any], tmp_path: Path) -> None:
    found, ended = watched(module(), lambda found: UpdateLedger(found, []), tmp_path, **options)
    assert ended is None
    assert found == dict.fromkeys(HELD, "pass")


def test_a_declared_frozen_part_is_quiet_and_an_undeclared_one_is_not(tmp_path: Path) -> None:
    for pattern in ("body", "body.*", "b*"):
        assert watched(Frozen(), lambda found, p=pattern: UpdateLedger(found, [p]), tmp_path)[1] is None
    assert watched(Frozen(), lambda found: UpdateLedger(found, ["body", "head"]), tmp_path)[1] == "moved-though-frozen"
    assert watched(Frozen(), lambda found: UpdateLedger(found, ["body.0"]), tmp_path)[1] == "frozen-by-mistake"
    with pytest.raises(Refusal, match="no parameter answers"):
        watched(Frozen(), lambda found: UpdateLedger(found, ["bodi"]), tmp_path)


def test_what_is_waived_goes_on_and_says_so(tmp_path: Path) -> None:
    waived = {"outside-optimizer": "a linear probe"}
    found, ended = watched(HeadOnly(), lambda found: UpdateLedger(found, []), tmp_path, waived=waived)
    assert ended is None
    assert found["outside-optimizer"] == "waived"
    assert found["never-moves"] == "pass"


def test_averaging_and_unfreezing_callbacks_are_left_alone(tmp_path: Path) -> None:
    assert watched(Small(), lambda found: UpdateLedger(found, []), tmp_path, EMAWeightAveraging())[1] is None

    class Backboned(Small):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = self.body

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD([p for p in self.parameters() if p.requires_grad], lr=0.1)

    later = BackboneFinetuning(unfreeze_backbone_at_epoch=1, verbose=False)
    assert watched(Backboned(), lambda found: UpdateLedger(found, []), tmp_path, later)[1] is None


class Thaws(Small):
    """The body sleeps until an epoch."""

    def __init__(self, until: int) -> None:
        super().__init__()
        self.until = until

    def on_train_epoch_start(self) -> None:
        self.body.requires_grad_(self.current_epoch >= self.until)


def test_what_is_frozen_for_a_while_is_judged_when_training_ends(tmp_path: Path) -> None:
    def said(module: Small, **options: Any) -> tuple[dict[str, str], str | None]:
        return watched(module, lambda found: UpdateLedger(found, []), tmp_path, **{"max_epochs": 3, **options})

    assert said(Thaws(2))[1] is None
    found, ended = said(Thaws(9))
    assert ended == "frozen-by-mistake"
    assert found["frozen-by-mistake"] == "fail"
    assert said(Thaws(9), limited=True)[1] is None, "a look may be too short"
    assert said(Thaws(9), max_steps=10)[1] is None, "so is a training that was ended"


def test_a_skipped_first_step_of_mixed_precision_is_normal(tmp_path: Path) -> None:
    class Scaled(Manual):
        """The scaler's work by hand: too large a first scale, whose step is left out."""

        def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
            optimizer = self.optimizers(use_pl_optimizer=False)
            optimizer.zero_grad()
            loss = Small.training_step(self, batch, batch_idx)
            (loss * (float("inf") if batch_idx == 0 else 1.0)).backward()
            if all(bool(p.grad.isfinite().all()) for p in self.parameters()):
                optimizer.step()
            return loss

    assert watched(Scaled(), lambda found: UpdateLedger(found, []), tmp_path)[1] is None


def test_nothing_stays_behind_and_no_bit_changes(tmp_path: Path) -> None:
    from lightning.pytorch import Callback

    ended = []
    for sentinel in (lambda found: UpdateLedger(found, []), lambda _: Callback()):
        torch.manual_seed(1)
        module = Small()
        watched(module, sentinel, tmp_path, train=batches(40))
        ended.append(module)
    assert all(torch.equal(a, b) for a, b in zip(*(m.state_dict().values() for m in ended), strict=True))
    assert not any(p._backward_hooks for p in ended[0].parameters())
