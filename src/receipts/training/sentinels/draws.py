"""Whether every step draws its own dropout and noise: nobody sets a generator back within a step.

Before each step the core seeds the global generators anew, so two steps end with the same state only if something set
it in between. A reset after which nothing is drawn changes no number, and is left alone.
"""

import hashlib
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from receipts.training.sentinels.findings import Findings

LOOKS = 4  # steps in a row whose generators are compared


class DrawLedger(Callback):
    """Compares the states of torch's generators after the first steps."""

    lasting = ("seen", "same")

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.seen: list[str] = []
        self.same = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Compare with the step before."""
        if len(self.seen) >= LOOKS:
            return
        generator = generator_of(pl_module.device)
        state = state_of(generator)
        self.same += bool(self.seen) and state == self.seen[-1] and state != fresh(generator)
        self.seen.append(state)
        if len(self.seen) == LOOKS:
            if self.same == LOOKS - 1:
                self.findings.fails(
                    "same-draws",
                    f"{LOOKS} steps in a row ended with the generator in one and the same state: it is set to "
                    f"{generator.initial_seed()} in each",
                )
            self.findings.passes("same-draws", f"{LOOKS} steps in a row left the generator in states of their own")


def generator_of(device: torch.device) -> torch.Generator:
    """The global generator from which dropout draws on a device."""
    if device.type == "cuda":
        return torch.cuda.default_generators[device.index or 0]
    return torch.default_generator


def state_of(generator: torch.Generator) -> str:
    """The state of a generator, by its hash."""
    return hashlib.sha256(generator.get_state().numpy().tobytes()).hexdigest()


def fresh(generator: torch.Generator) -> str:
    """The state of a generator that was just given the same seed, and has drawn nothing."""
    twin = torch.Generator(generator.device).manual_seed(generator.initial_seed())
    return state_of(twin)
