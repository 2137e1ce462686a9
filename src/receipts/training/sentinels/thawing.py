"""Whether what is frozen in the first epoch may learn later: somebody's hook or callback speaks of freezing."""

from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import BaseFinetuning

LIBRARIES = ("lightning", "torch", "receipts")
SPOKEN = ("freez", "requires_grad", "thaw")


def may_thaw(trainer: Trainer, module: LightningModule) -> bool:
    """Whether a hook of the module, or a callback of somebody's own, names what unfreezes.

    Constructors are left out: what they freeze, they freeze for good.
    """
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    if any(isinstance(callback, BaseFinetuning) for callback in callbacks):
        return True
    return any(speaks(function.__code__) for owner in (module, *callbacks) for function in hooks(owner))


def hooks(owner: Any) -> Iterator[FunctionType]:
    """The hooks that a class outside of the libraries overrides."""
    for kind in type(owner).__mro__:
        if kind.__module__.partition(".")[0] not in LIBRARIES:
            for name, member in vars(kind).items():
                if isinstance(member, FunctionType) and (name.startswith("on_") or name == "training_step"):
                    yield member


def speaks(code: CodeType) -> bool:
    """Whether code names something that freezes or unfreezes, itself or in a function within it."""
    within = any(speaks(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return within or any(word in name for name in code.co_names for word in SPOKEN)
