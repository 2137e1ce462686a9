"""The update ledger: every parameter that shapes the predictions is in an optimizer, gets a gradient, and moves.

Gradients are looked at in the first steps and then at every power of two; whatever stands still is judged at the end
of the first epoch, so that rare embeddings and experts have had their turn; what may be unfrozen later, at the end of
training. Nothing is left in place afterwards.
"""

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.fingerprints import bits
from receipts.training.sentinels.hooked import Hooked
from receipts.training.sentinels.influence import influential
from receipts.training.sentinels.loose import loose
from receipts.training.sentinels.parameters import (
    are_alike,
    counted,
    in_groups,
    is_declared,
    is_empty,
    owner,
    refuse_unmatched,
    strangers,
    values,
)
from receipts.training.sentinels.stillness import EARLY, Trace, decays_only, reason, told
from receipts.training.sentinels.thawing import may_thaw

ENOUGH = 3  # optimizer steps, the fewest after which the others are judged
LONG = 16  # batches in which somebody would have stepped

SEEN = ("first", "gradients", "nonzero", "rate", "push", "waits")  # of a trace, for a run that goes on
COUNTS = ("steps", "stale", "settled", "early")


class UpdateLedger(Hooked):
    """Follows every parameter through the first epoch. `frozen` are the declared patterns of names."""

    lasting = ("seen",)

    def __init__(self, findings: Findings, frozen: list[str]) -> None:
        self.findings, self.frozen = findings, frozen
        self.traces: dict[int, Trace] = {}
        super().__init__()
        self.steps = self.stale = 0
        self.settled = self.early = False
        self.flat: list[Tensor] | None = None  # without any slope in the first steps: watched at all that follow
        self.asleep: dict[str, Tensor] = {}  # without a gradient in the first epoch, and perhaps not for good
        self.x: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take down the first bits of everything, and follow every optimizer."""
        self.named = dict(pl_module.named_parameters())
        refuse_unmatched(self.frozen, list(self.named))
        self.strays = loose(pl_module)
        self.strangers = strangers(trainer.optimizers, self.named, self.strays)
        everything = self.named | self.strays | self.strangers
        self.names = {id(tensor): name for name, tensor in everything.items()}
        self.traces = {id(tensor): Trace(bits(tensor)) for tensor in everything.values()}
        for tensor in self.named.values():
            if tensor.requires_grad:
                trace = self.traces[id(tensor)]
                trace.hooks.append(tensor.register_hook(self.arrival(tensor, trace)))  # type: ignore[no-untyped-call]
        self.handles = [optimizer.register_step_post_hook(self.stepped) for optimizer in trainer.optimizers]

    @property
    def seen(self) -> dict[str, Any]:
        """What was seen so far, parameters by name; given to a run that goes on, it looks no further than this one."""
        traces = {self.names[key]: {name: getattr(trace, name) for name in SEEN} for key, trace in self.traces.items()}
        return {"traces": traces, "asleep": list(self.asleep), **{name: getattr(self, name) for name in COUNTS}}

    @seen.setter
    def seen(self, seen: dict[str, Any]) -> None:
        for name in COUNTS:
            setattr(self, name, seen[name])
        for key, trace in self.traces.items():
            vars(trace).update(seen["traces"].get(self.names[key], {}))
        self.asleep = {name: self.named[name] for name in seen["asleep"]}
        if self.early or self.settled:
            self.unhook()

    def arrival(self, tensor: Tensor, trace: Trace) -> Any:
        """Called when a gradient arrives, before it is added to what is there."""

        def look(_: Tensor) -> None:
            if trace.waits and is_empty(tensor.grad):
                trace.waits = False

        return look

    def stepped(self, optimizer: Optimizer, *_: Any) -> None:
        """After an optimizer's step, its gradients still in place: look at them, densely at first."""
        self.steps += 1
        if self.steps > EARLY + 1 and self.steps & (self.steps - 1):
            self.follow()
            return
        for group in optimizer.param_groups:
            for tensor in group["params"]:
                if (trace := self.traces.get(id(tensor))) is not None:
                    self.note(tensor, trace, float(group.get("lr", 1.0)))

    def follow(self) -> None:
        """Weights whose every gradient was zero so far: whether that still is so."""
        if self.flat is None:
            seen = ((tensor, self.traces[id(tensor)]) for tensor in self.named.values() if tensor.dim() > 1)
            self.flat = [tensor for tensor, trace in seen if trace.gradients and not trace.nonzero]
        for tensor in self.flat:
            self.traces[id(tensor)].nonzero += not is_empty(tensor.grad)
        self.flat = [tensor for tensor in self.flat if not self.traces[id(tensor)].nonzero]

    def note(self, tensor: Tensor, trace: Trace, rate: float) -> None:
        """One parameter after one step."""
        trace.rate = max(trace.rate, rate)
        if tensor.grad is None:
            return
        is_stale = trace.waits and bool(trace.hooks)
        self.stale += is_stale and not is_empty(tensor.grad)  # zeros of a layer that was left out are none
        trace.waits = True
        trace.gradients += 1
        numbers = values(tensor.grad.detach())
        largest = float(numbers.abs().max()) if numbers.numel() else 0.0
        trace.nonzero += largest > 0
        trace.push = max(trace.push, rate * largest)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Judge what the first steps can tell."""
        if self.x is None and (self.asleep or not self.settled):
            self.x = batch[0]
        if self.settled or self.early:
            return
        if self.stale:
            self.judge_stale()
        if self.steps >= EARLY:
            self.early = True
            self.unhook()
            self.judge(trainer, pl_module, last=False)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge everything, once there have been a few steps."""
        final = trainer.current_epoch + 1 == trainer.max_epochs or self.is_idle(trainer)
        if not self.settled and (self.steps >= ENOUGH or final):
            self.settled = True
            self.unhook()
            self.judge(trainer, pl_module, last=True)
            self.conclude(trainer)
            self.x = self.x if self.asleep else None

    def is_idle(self, trainer: Trainer) -> bool:
        """Whether two epochs and many batches have passed without a step."""
        return self.steps == 0 and trainer.current_epoch > 0 and trainer.fit_loop.total_batch_idx >= LONG

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge what might have been unfrozen by now, and leave nothing behind."""
        still = {name: tensor for name, tensor in self.asleep.items() if self.has_slept(tensor)}
        self.leave()
        self.asleep = {}
        if not still:
            return
        if self.findings.limited or trainer.current_epoch < (trainer.max_epochs or 0):
            self.findings.notes(f"{counted(list(still)[:3], len(still))} were frozen when training was ended")
        elif named := influential(trainer, pl_module, self.x, still):
            said = self.told("frozen-by-mistake", still[named[0]])
            self.findings.fails("frozen-by-mistake", f"{counted(named, len(still))}, all through training: {said}")

    def has_slept(self, tensor: Tensor) -> bool:
        """Whether a parameter is what it was; a bias before a norm may be when awake, since it gets no gradient."""
        return bits(tensor) == self.traces[id(tensor)].first and (tensor.dim() > 1 or not tensor.requires_grad)

    def leave(self) -> None:
        """Take every hook away."""
        self.unhook()
        super().leave()

    def unhook(self) -> None:
        """Stop looking at single gradients."""
        for trace in self.traces.values():
            for hook in trace.hooks:
                hook.remove()
            trace.hooks = []
            trace.waits = False

    def judge_stale(self) -> None:
        """Gradients that were used once and are part of the next step's, too."""
        self.findings.fails(
            "stale-gradients",
            f"at optimizer step {self.steps}, {self.stale} tensors still held the gradient of the step before when "
            "the next one was added to it",
        )
        self.stale = 0

    def judge(self, trainer: Trainer, pl_module: LightningModule, last: bool) -> None:
        """Every parameter that has not moved, by the reason for it; only those that shape the predictions count."""
        if not trainer.optimizers:
            return
        if last and self.steps == 0:
            so_far = "the first epoch" if trainer.current_epoch == 0 else f"{trainer.current_epoch + 1} epochs"
            self.findings.fails("never-moves", f"no optimizer took a step in {so_far}")
        still = self.standing_still(trainer, last)
        if last:
            self.judge_gradients()
        self.judge_strays(trainer, pl_module)
        for check, tensors in still.items():
            if named := influential(trainer, pl_module, self.x, tensors):
                self.findings.fails(check, f"{counted(named, len(tensors))}: {self.told(check, tensors[named[0]])}")
            elif tensors and last and check != "frozen-by-mistake":
                self.findings.notes(f"{counted(list(tensors)[:3], len(tensors))} stand still and move no prediction")

    def judge_gradients(self) -> None:
        """Gradients that came and were all zero: weights may move by decay alone."""
        reached = [trace for trace in self.traces.values() if trace.gradients]
        if reached and not any(trace.nonzero for trace in reached):
            self.findings.fails(
                "no-gradient", f"every gradient of {len(reached)} parameters was zero in all steps that were looked at"
            )

    def standing_still(self, trainer: Trainer, last: bool) -> dict[str, dict[str, Tensor]]:
        """Check to the parameters by name that it may be about."""
        found: dict[str, dict[str, Tensor]] = {}
        held = {id(tensor) for tensor in in_groups(trainer.optimizers)}
        unfreezes = may_thaw(trainer, trainer.lightning_module)
        for name, tensor in self.named.items():
            moved = bits(tensor) != self.traces[id(tensor)].first
            if is_declared(name, self.frozen):
                check = "moved-though-frozen" if moved and not unfreezes else None
            elif moved and last and decays_only(tensor, self.traces[id(tensor)]):
                check = "no-gradient"
            elif moved and last and are_alike(tensor, owner(trainer.lightning_module, name)):
                check = "units-alike"
            elif moved or (unfreezes and not tensor.requires_grad):
                check = None
                if not moved and last and type(owner(trainer.lightning_module, name)).__module__.startswith("torch.nn"):
                    self.asleep[name] = tensor
            else:
                check = reason(tensor, self.traces, id(tensor) in held, last, owner(trainer.lightning_module, name))
            if check:
                found.setdefault(check, {})[name] = tensor
        return found

    def told(self, check: str, tensor: Tensor) -> str:
        """What was seen of the first of the parameters that a check is about."""
        return told(check, tensor, self.traces[id(tensor)], self.steps)

    def judge_strays(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tensors that learn outside the module, and tensors of an optimizer that are nowhere in it."""
        learning = {name: tensor for name, tensor in self.strays.items() if not is_empty(tensor.grad)}
        if named := influential(trainer, pl_module, self.x, learning):
            self.findings.fails(
                "unregistered-parameters",
                f"{counted(named, len(learning))}: gradients reach them, and no checkpoint holds them",
            )
        idle = [tensor for tensor in self.strangers.values() if is_empty(tensor.grad)]
        if idle:
            shapes = ", ".join(str(tuple(tensor.shape)) for tensor in idle[:5])
            self.findings.fails(
                "foreign-parameters",
                f"the optimizers hold {len(idle)} tensors that no layer uses, of shapes {shapes}",
            )

    def conclude(self, trainer: Trainer) -> None:
        """What held, in numbers."""
        declared = sum(is_declared(name, self.frozen) for name in self.named)
        said = f"{len(self.named)} parameters, {declared} declared frozen, {self.steps} optimizer steps"
        for name in HELD:
            if name == "frozen-by-mistake" and self.asleep:
                continue
            if trainer.optimizers:
                self.findings.passes(name, said)
            else:
                self.findings.is_beside(name, "configure_optimizers returned none")


HELD = (
    "outside-optimizer",
    "frozen-by-mistake",
    "moved-though-frozen",
    "no-gradient",
    "never-moves",
    "units-alike",
    "stale-gradients",
    "unregistered-parameters",
    "foreign-parameters",
)
