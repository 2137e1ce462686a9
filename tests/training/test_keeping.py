"""The best checkpoint is the best one on val, whoever counts the steps."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn

from receipts.data.batches import OrderedBatches, TrainBatches
from receipts.training.keeping import AtEpochs, uncounted


class Past(LightningModule):
    """Steps torch's optimizer, as a gradient scaler of one's own does, and scores a known number at each epoch."""

    def __init__(self, past: bool) -> None:
        super().__init__()
        self.past, self.automatic_optimization = past, False
        self.body = nn.Linear(3, 1)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(self.body(batch[0]).square().mean())
        (optimizer.optimizer if self.past else optimizer).step()

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self.log("val/score", [0.1, 0.7, 0.4][self.current_epoch])

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*smaller than the logging interval")
@pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated")
@pytest.mark.parametrize("past", [True, False])
def test_the_best_is_kept_of_steps_that_lightning_does_not_count(tmp_path: Path, past: bool) -> None:
    best = AtEpochs(tmp_path, "best", monitor="val/score", mode="max", save_on_train_epoch_end=False)
    last = AtEpochs(tmp_path, "last", save_on_train_epoch_end=True)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=3,
        callbacks=[best, last],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    x = torch.arange(24.0).reshape(8, 3)
    trainer.fit(Past(past), TrainBatches(x, x[:, 0], 4, 0), OrderedBatches(x, x[:, 0], 8, 4))
    assert (trainer.global_step == 0) is uncounted(trainer) is past
    kept, end = (torch.load(one.best_model_path, weights_only=True) for one in (best, last))
    assert (kept["epoch"], end["epoch"]) == (1, 2)
    assert not torch.equal(kept["state_dict"]["body.weight"], end["state_dict"]["body.weight"])
