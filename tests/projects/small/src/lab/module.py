"""The same digits as somebody else's LightningDataModule, which divides and batches by itself."""

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, TensorDataset


class DigitsModule(LightningDataModule):
    """Digits in blocks of 1,000, 400 and 397 rows; `seen` notes which stages were set up."""

    kind, source, licence, version = "real", "UCI optdigits, test part", "CC BY 4.0", "1998-07"

    def __init__(self, path: str, batch_size: int) -> None:
        super().__init__()
        self.path, self.batch_size, self.files = path, batch_size, [path]

    def setup(self, stage: str) -> None:
        table = np.loadtxt(self.path, delimiter=",", dtype=np.float32)
        rows = {"train": slice(0, 1000), "val": slice(1000, 1400)} if stage == "fit" else {"test": slice(1400, None)}
        self.parts = {
            name: TensorDataset(torch.as_tensor(table[part, :64] / 16), torch.as_tensor(table[part, 64]).long())
            for name, part in rows.items()
        }

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["train"], self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["val"], self.batch_size)

    def test_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["test"], self.batch_size)
