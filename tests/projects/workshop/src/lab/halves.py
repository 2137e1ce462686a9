"""Two slices of every digit: what several scans of one patient are to the patient."""

import numpy as np


class Halves:
    """Odd and even rows of pixels of 1,797 digits, 3,594 images of 4 × 8 pixels."""

    kind, source, licence, version = "real", "UCI optdigits, test part", "CC BY 4.0", "1998-07"

    def __init__(self, path: str) -> None:
        table = np.loadtxt(path, delimiter=",", dtype=np.float32)
        images = table[:, :64].reshape(-1, 1, 8, 8) / 16
        self.files = [path]
        self.inputs = np.concatenate([images[:, :, 0::2], images[:, :, 1::2]])
        self.targets = np.tile(table[:, 64].astype(np.int64), 2)
        digits = np.tile(np.arange(len(table)), 2)
        self.entities = [f"digit-{digit:04d}" for digit in digits]
        self.ids = [f"slice-{row:04d}" for row in range(len(self.targets))]
