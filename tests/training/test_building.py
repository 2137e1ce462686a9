"""Modules that are not whole when their constructor ends, and checkpoints that leave something out on purpose."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from watching import CLASSES, FEATURES, Small, rows, watched

from receipts.refusal import Refusal
from receipts.training import building


class Lazy(Small):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.LazyLinear(8), nn.ReLU())


class InSetup(Small):
    def setup(self, stage: str) -> None:
        self.more = nn.Linear(CLASSES, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.more(super().forward(x))


class LeavesOut(Small):
    def __init__(self) -> None:
        super().__init__()
        self.teacher = nn.Linear(FEATURES, CLASSES)
        self.strict_loading = False

    def state_dict(self, *values: Any, **options: Any) -> Any:
        found = super().state_dict(*values, **options)
        return {name: value for name, value in found.items() if not name.startswith("teacher")}


class Loads(Small):
    """Weights from elsewhere, under names that begin with somebody's own word."""

    def __init__(self, prefix: str, keys: int = 2) -> None:
        super().__init__()
        theirs = nn.Linear(8, CLASSES).state_dict()
        self.load_state_dict({f"{prefix}{name}": value for name, value in list(theirs.items())[:keys]}, strict=False)


def test_lazy_layers_learn_their_widths_from_a_batch_under_the_seed_of_weights() -> None:
    modules = [Lazy(), Lazy(), Lazy()]
    assert building.size(modules[0]) is None
    for module, seed in zip(modules, (1, 1, 2), strict=True):
        torch.rand(seed)  # wherever the generators stand
        building.finish(module, rows()[0][:4], seed)
    one, same, other = (module.body[0].weight for module in modules)
    assert building.size(modules[0]) == sum(tensor.numel() for tensor in modules[0].parameters())
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert modules[0].training
    building.take(again := Lazy(), modules[0].state_dict())
    assert torch.equal(again.body[0].weight, one), "a checkpoint tells the widths, too"


def test_layers_that_are_made_in_setup_are_refused_before_a_step_is_made(tmp_path: Path) -> None:
    module = InSetup()
    with pytest.raises(Refusal, match=r"more\.weight among them") as caught:
        watched(module, lambda _: building.Whole(module), tmp_path)
    assert "configure_model" in caught.value.fix
    assert module.global_step == 0


def test_what_a_module_leaves_out_of_its_checkpoints_is_not_missed() -> None:
    module = LeavesOut()
    building.take(module, LeavesOut().state_dict())
    with pytest.raises(RuntimeError, match="Missing key"):
        building.take(Small(), {"head.bias": torch.zeros(CLASSES)})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        building.take(module, {**module.state_dict(), "other": torch.zeros(1)})


@pytest.mark.parametrize(
    ("prefix", "keys", "refused"), [("model.", 2, True), ("head.", 2, False), ("model.", 0, False)]
)
def test_weights_of_which_none_is_loaded_are_refused(prefix: str, keys: int, refused: bool) -> None:
    own = nn.Module.load_state_dict
    if refused:
        with pytest.raises(Refusal, match="given 2 weights, and none of them"), building.watched_loading():
            Loads(prefix, keys)
    else:
        with building.watched_loading():
            Loads(prefix, keys)
    assert nn.Module.load_state_dict is own
