"""What stands when a training goes on, and who learns in which group of an optimizer.

Hooks that prepare a training (`on_fit_start`, `on_train_start`) are called again when one goes on, and begin weights,
rates and schedules anew: a teacher from its student, a codebook from the data. They have run before the point, so
what they change now is put back.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import Optimizer

Groups = list[list[list[str | None]]]  # names of parameters in each group of each optimizer


class Standing:
    """Weights and buffers, and later options of optimizers and states of schedules, as a point gave them."""

    def __init__(self, module: LightningModule) -> None:
        self.module = module
        self.weights = {name: tensor.detach().cpu().clone() for name, tensor in tensors(module)}

    def note(self, trainer: Trainer) -> None:
        """Take down what has been restored by now: all but what optimizers hold for each weight, which is large."""
        self.options = [copy.deepcopy(options(optimizer)) for optimizer in trainer.optimizers]
        self.schedules = [copy.deepcopy(each.scheduler.state_dict()) for each in trainer.lr_scheduler_configs]

    @torch.no_grad()
    def again(self, trainer: Trainer) -> None:
        """Put all of it back."""
        for name, tensor in tensors(self.module):
            if name in self.weights and tensor.shape == self.weights[name].shape:
                tensor.data.copy_(self.weights[name])
        for optimizer, groups in zip(trainer.optimizers, self.options, strict=True):
            for group, option in zip(optimizer.param_groups, groups, strict=True):
                group.update(option)
        for each, state in zip(trainer.lr_scheduler_configs, self.schedules, strict=True):
            each.scheduler.load_state_dict(state)


def tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """What a checkpoint holds of a module, sparse matrices apart, and all other buffers."""
    named = (*module.named_parameters(), *module.named_buffers())
    yield from ((name, tensor) for name, tensor in named if tensor.layout == torch.strided)


def options(optimizer: Optimizer) -> list[dict[str, Any]]:
    """Rates and the like of each group."""
    return [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]


def grouped(optimizers: Sequence[Optimizer], module: nn.Module) -> Groups:
    """Which parameters stand in which group; None for a tensor that is none of the module's."""
    names = {id(tensor): name for name, tensor in module.named_parameters()}
    return [[[names.get(id(one)) for one in group["params"]] for group in each.param_groups] for each in optimizers]


def regroup(optimizers: Sequence[Optimizer], groups: Groups, module: nn.Module) -> list[str]:
    """Let each optimizer have the groups that it had come to, its options and states apart; what is not there any more.

    A group may have been added when a layer was unfrozen, or a layer replaced and the optimizer have kept the old one.
    """
    lost, named = [], dict(module.named_parameters())
    for optimizer, then, now in zip(optimizers, groups, grouped(optimizers, module), strict=False):
        if then == now:
            continue
        known = {id(tensor) for tensor in named.values()}
        others = [one for group in optimizer.param_groups for one in group["params"] if id(one) not in known]
        wanted = sum(name not in named for group in then for name in group)
        if wanted > len(others):
            lost.append(f"{wanted - len(others)} tensors in {type(optimizer).__name__} that are none of the module's")
            others += [nn.Parameter(torch.empty(0)) for _ in range(wanted - len(others))]
        first = optimizer.param_groups[0]
        optimizer.param_groups = [
            {**first, "params": [named[name] if name in named else others.pop(0) for name in group]} for group in then
        ]
    return lost
