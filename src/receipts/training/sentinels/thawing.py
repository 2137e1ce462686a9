"""Whether what is frozen in the first epoch may learn later: somebody's hook or callback speaks of freezing."""

from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import BaseFinetuning

LIBRARIES = ("lightning", "torch", "receipts")
SPOKEN = ("freez", "requires_grad", "thaw")
OF_RATES = ("configure_optimizers", "lr_scheduler_step")
PROGRESS = ("current_epoch", "global_step")


def may_thaw(trainer: Trainer, module: LightningModule) -> bool:
    """Whether a hook of the module, or a callback of somebody's own, names what unfreezes.

    Constructors are left out: what they freeze, they freeze for good.
    """
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    if any(isinstance(callback, BaseFinetuning) for callback in callbacks):
        return True
    return any(speaks(function.__code__, SPOKEN) for owner in (module, *callbacks) for function in hooks(owner))


def goes_by_epochs(module: LightningModule) -> bool:
    """Whether a module asks how far training is, so that its first steps may not be like the later ones.

    Learning rates are left out: they change with time everywhere.
    """
    methods = (function for name, function in own(module) if name not in OF_RATES)
    return any(speaks(function.__code__, PROGRESS) for function in methods)


def hooks(owner: Any) -> Iterator[FunctionType]:
    """The hooks that a class outside of the libraries overrides."""
    return (member for name, member in own(owner) if name.startswith("on_") or name == "training_step")


def own(owner: Any) -> Iterator[tuple[str, FunctionType]]:
    """The methods of a class that are no library's, by name."""
    for kind in type(owner).__mro__:
        if kind.__module__.partition(".")[0] not in LIBRARIES:
            yield from ((name, member) for name, member in vars(kind).items() if isinstance(member, FunctionType))


def speaks(code: CodeType, words: tuple[str, ...]) -> bool:
    """Whether code names something by one of some words, itself or in a function within it."""
    within = any(speaks(constant, words) for constant in code.co_consts if isinstance(constant, CodeType))
    return within or any(word in name for name in code.co_names for word in words)
