"""The same digits, read one at a time, as a folder of image files would be."""

import numpy as np


class OneByOne:
    """1,797 grey images of 8 × 8 pixels, each made when it is asked for."""

    kind, source, licence, version = "real", "UCI optdigits, test part", "CC BY 4.0", "1998-07"

    def __init__(self, path: str) -> None:
        self.table = np.loadtxt(path, delimiter=",", dtype=np.float32)
        self.files = [path]
        self.targets = self.table[:, 64].astype(np.int64)
        self.ids = [f"digit-{row:04d}" for row in range(len(self.table))]

    def __getitem__(self, row: int) -> np.ndarray:
        image = self.table[row, :64].reshape(1, 8, 8) / 16
        return image
