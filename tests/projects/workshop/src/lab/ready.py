"""The same digits behind a colleague's LightningDataModule, which divides and batches by itself."""

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset


class Images(Dataset):
    """Images and labels by row."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return torch.as_tensor(self.images[row]), int(self.labels[row])


class Ready(LightningDataModule):
    """Digits in blocks of 1,000, 400 and 397."""

    kind, source, licence, version = "real", "UCI optdigits, test part", "CC BY 4.0", "1998-07"

    def __init__(self, path: str, batch_size: int, workers: int) -> None:
        super().__init__()
        self.path, self.batch_size, self.workers, self.files = path, batch_size, workers, [path]

    def setup(self, stage: str) -> None:
        table = np.loadtxt(self.path, delimiter=",", dtype=np.float32)
        images, labels = table[:, :64].reshape(-1, 1, 8, 8) / 16, table[:, 64].astype(np.int64)
        self.data_train = Images(images[:1000], labels[:1000])
        self.data_val = Images(images[1000:1400], labels[1000:1400])
        self.data_test = Images(images[1400:], labels[1400:])

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.data_train, self.batch_size, shuffle=True, num_workers=self.workers)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.data_val, self.batch_size)

    def test_dataloader(self) -> DataLoader:
        return DataLoader(self.data_test, self.batch_size)
