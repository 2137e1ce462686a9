"""What a careful researcher writes without this project: the same model, batches and epochs in a plain PyTorch loop.

python benchmarks/plain_loop.py CONF dataloader|sliced EPOCHS ROWS      (in a project's folder; a process of turns.py)
`dataloader-gpu` and `sliced-gpu` do the same on a GPU; the latter keeps all data there.
"""

import json
import sys
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset
from turns import Turn

import receipts


def main(conf: str, kind: str, epochs: int, cap: int) -> None:
    config = receipts.compose(f"conf={conf}").config
    torch.set_num_threads(config.fit.threads)
    torch.manual_seed(config.seed)
    torch.use_deterministic_algorithms(True)
    dataset = receipts.build(config.data, "data")
    manifest = json.loads(Path(f"splits/{conf.split('_')[0]}.json").read_text(encoding="utf-8"))
    train, val = (tensors(dataset, manifest["splits"][split]["rows"], cap) for split in ("train", "val"))
    device = torch.device("cuda" if torch.cuda.is_available() and kind.endswith("-gpu") else "cpu")
    model = receipts.build(config.model).to(device)
    optimizer = model.configure_optimizers()
    size = config.fit.batch_size
    if kind.startswith("dataloader"):
        batches, watching = (DataLoader(TensorDataset(*part), size, shuffle=part is train) for part in (train, val))
    else:
        train, val = ([each.to(device) for each in part] for part in (train, val))
        batches, watching = sliced(*train, size, shuffled=True), sliced(*val, size, shuffled=False)
    turn = Turn()
    for _ in range(epochs):
        turn.wait()
        model.train()
        for x, y in batches:
            optimizer.zero_grad()
            cross_entropy(model(x.to(device)), y.to(device)).backward()
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            right = sum((model(x.to(device)).argmax(1) == y.to(device)).sum() for x, y in watching)
        int(right)  # waits for a device that computes beside us
    turn.say()


def tensors(dataset, rows, cap) -> tuple[torch.Tensor, torch.Tensor]:
    index = torch.cat([torch.arange(first, last) for first, last in rows]).numpy()[:cap]
    return torch.tensor(dataset.inputs[index], dtype=torch.float32), torch.tensor(
        dataset.targets[index].astype("int64")
    )


class sliced:  # noqa: N801 - stands where DataLoader stands
    def __init__(self, x, y, size, *, shuffled):
        self.x, self.y, self.size, self.shuffled = x, y, size, shuffled

    def __iter__(self):
        order = torch.randperm(len(self.y)) if self.shuffled else torch.arange(len(self.y))
        for first in range(0, len(self.y), self.size):
            rows = order[first : first + self.size]
            yield self.x[rows], self.y[rows]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
