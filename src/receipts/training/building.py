"""A module as it stands before its first step: with all its layers, also those that come after the constructor."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from lightning.fabric.utilities import move_data_to_device
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from receipts.config import build
from receipts.config.schema import Config
from receipts.provenance.determinism import derive, seed_globals
from receipts.refusal import Refusal
from receipts.training.checkpoints import is_stored
from receipts.training.sentinels.influence import in_evaluation


def built(config: Config) -> LightningModule:
    """The module an experiment names, under the seed of its weights; `configure_model` has been called.

    Lightning calls that hook before it trains, and expects it to make nothing twice.
    """
    seed_globals(derive("init", config.seed))
    with watched_loading():
        module: LightningModule = build.build(config.model)
    refuse_incomplete(module, config.model["_target_"])
    module.configure_model()
    return module


@contextmanager
def watched_loading() -> Iterator[None]:
    """Refuse weights that a constructor loads with strict=False and of which not one has a name of the module's."""
    own = nn.Module.load_state_dict

    def load(self: nn.Module, state_dict: Mapping[str, Any], *values: Any, **options: Any) -> Any:
        found = own(self, state_dict, *values, **options)
        names, theirs = list(self.state_dict()), list(state_dict)
        if names and theirs and not set(names) & set(theirs):
            raise Refusal(
                f"load_state_dict was given {len(theirs)} weights, and none of them is the module's",
                f"they are called {theirs[0]} …, the module's {names[0]} …; strict=False says nothing of it",
                "rename them, often by a prefix that is too much or missing, and take strict=False out",
            )
        return found

    nn.Module.load_state_dict = load  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.load_state_dict = own  # type: ignore[method-assign]


def refuse_incomplete(module: LightningModule, target: str) -> None:
    """A module that lacks one of the three methods that are asked of it."""
    for name in ("training_step", "configure_optimizers", "predict_step"):
        if not is_overridden(name, module):
            call = "predict_step(self, x, batch_idx): return self(x).softmax(-1)" if name == "predict_step" else name
            raise Refusal(
                f"{target} has no {name}",
                "a module needs training_step, configure_optimizers and predict_step, and nothing of ours",
                f"add def {call}",
            )


def is_unfinished(module: LightningModule) -> bool:
    """Whether layers wait for their first inputs to learn how wide they are (torch's `Lazy…`)."""
    return any(is_lazy(tensor) for tensor in (*module.parameters(), *module.buffers()))


def finish(module: LightningModule, x: Any, seed: int) -> None:
    """Let lazy layers see one batch of inputs; their weights are drawn under the seed of weights, too."""
    seed_globals(derive("lazy", seed))
    with in_evaluation(module), torch.no_grad():
        module.predict_step(move_data_to_device(x, module.device), 0)


def size(module: LightningModule) -> int | None:
    """How many numbers the parameters hold; None while layers are lazy."""
    return None if is_unfinished(module) else sum(parameter.numel() for parameter in module.parameters())


def take(module: LightningModule, state: dict[str, Tensor]) -> None:
    """Give a module the weights of a checkpoint of its own; every key must match.

    What a module leaves out of its checkpoints, since it makes it anew, may be missing: `strict_loading` is False then.
    """
    whole = module.strict_loading or set(state) - set(module.state_dict())
    module.load_state_dict(state, strict=bool(whole))


class Whole(Callback):
    """Refuses a module whose layers are not those that it was built with: nobody could load its checkpoint."""

    def __init__(self, module: LightningModule) -> None:
        self.module, self.names = module, set(module.state_dict())

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare what is there now."""
        self.compare(pl_module.state_dict())

    def compare(self, state: Mapping[str, Any]) -> None:
        """Compare what is there, or what a checkpoint is about to hold."""
        late, gone = [name for name in state if name not in self.names], self.names.difference(state)
        if late or (gone and self.module.strict_loading):
            how = (
                f"made layers after it was built, {late[0]}" if late else f"lost layers since it was built, {min(gone)}"
            )
            raise Refusal(
                f"{type(self.module).__name__} has {how} among them",
                "a checkpoint is loaded into a module that was just built, which would have others",
                "make them in __init__, or in configure_model(self) if they are not there yet, and keep them",
            )
        if odd := [name for name, tensor in state.items() if not is_stored(tensor)]:
            raise Refusal(
                f"{odd[0]} of {type(self.module).__name__} is no tensor with all its values, sparse perhaps",
                "a checkpoint holds such tensors only",
                "register_buffer(…, persistent=False) where the module makes it anew, or a dense one",
            )
