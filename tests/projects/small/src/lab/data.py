"""Two real datasets that scikit-learn ships."""

import numpy as np


class Digits:
    """1,797 grey images of 8 × 8 pixels, as rows of 64 numbers."""

    kind, source, licence, version = "real", "UCI optdigits, test part", "CC BY 4.0", "1998-07"

    def __init__(self, path: str) -> None:
        table = np.loadtxt(path, delimiter=",", dtype=np.float32)
        self.files = [path]
        self.inputs = table[:, :64] / 16
        self.targets = table[:, 64].astype(np.int64)
        self.ids = [f"digit-{row:04d}" for row in range(len(table))]


class Diabetes:
    """442 patients, ten baseline variables, progression after a year."""

    kind, source, licence, version = "real", "Efron et al. 2004", "unknown", "2004"

    def __init__(self, inputs: str, targets: str) -> None:
        self.files = [inputs, targets]
        self.inputs = np.loadtxt(inputs, dtype=np.float32)
        self.targets = np.loadtxt(targets, dtype=np.float32)
        self.ids = [f"patient-{row:03d}" for row in range(len(self.targets))]
