"""The control arm: a project's experiment as stock Hydra and Lightning run it, with nobody looking over the shoulder.

python stock.py conf=cnn [key=value …], in the project's folder. It reads the same YAML without a schema, builds the
same classes, divides by the same rule, and trains by a plain Trainer; what these libraries stop or warn of is theirs.
"""

import inspect
import re
import sys
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np
import torch
from hydra.utils import instantiate
from lightning.pytorch import LightningDataModule, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import OmegaConf
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from torch.utils.data import DataLoader, TensorDataset


def compose(words: list[str]) -> Any:
    """The YAML of an experiment, its data and its variants merged in order; an open dictionary takes every key."""
    name = next((word.removeprefix("conf=") for word in words if word.startswith("conf=")), "cnn")
    merged = OmegaConf.create({"fit": {}, "trainer": {}, "transforms": [], "augment": [], "seed": None})
    files, data = chain(name)
    for path in [Path(f"conf/data/{data}.yaml"), *files]:
        node = OmegaConf.create(OmegaConf.to_container(OmegaConf.load(path)))
        node.pop("defaults", None)
        header = re.match(r"# @package (\S+)", path.read_text())
        place = header[1] if header and header[1] != "_global_" else None
        merged = OmegaConf.merge(merged, {place: node} if place else node)
    changes = [word for word in words if "=" in word and not word.startswith(("conf=", "trainer=", "preset="))]
    return OmegaConf.merge(merged, OmegaConf.from_dotlist(changes))


def chain(name: str) -> tuple[list[Path], str]:
    """The files of an experiment, what it builds on first, and the data it names."""
    path, files, data = Path(f"conf/{name}.yaml"), [], "digits"
    for entry in OmegaConf.load(path).get("defaults", []):
        if isinstance(entry, str):
            files, data = chain(entry)
        else:
            data = entry["override /data"]
    return [*files, path], data


def divided(dataset: Any, split: Any) -> dict[str, np.ndarray]:
    """Rows by split, as people divide by hand."""
    rows, shares = np.arange(len(dataset.ids)), split.get("shares", {})
    if split.rule == "official":
        return {name: np.asarray(part) for name, part in dataset.official.items()}
    if split.rule == "stratified":
        rest, test = train_test_split(rows, test_size=shares["test"], stratify=dataset.targets, random_state=0)
        train, val = train_test_split(rest, test_size=0.25, stratify=dataset.targets[rest], random_state=0)
        return {"train": train, "val": val, "test": test}
    if split.rule == "entity":
        rest, test = next(GroupShuffleSplit(1, test_size=0.2, random_state=0).split(rows, groups=dataset.entities))
        return {"train": rest[: len(rest) * 3 // 4], "val": rest[len(rest) * 3 // 4 :], "test": test}
    edges = (np.cumsum([shares["train"], shares["val"]]) * len(rows)).round().astype(int)
    return dict(zip(("train", "val", "test"), np.split(rows, edges), strict=True))


def tables(cfg: Any, dataset: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Inputs and targets by split, transforms fitted on train."""
    if getattr(dataset, "inputs", None) is None:
        dataset.inputs = np.stack([dataset[row] for row in range(len(dataset.ids))])
    rows = divided(dataset, cfg.split)
    found = {name: (dataset.inputs[part], dataset.targets[part]) for name, part in rows.items()}
    for step in [instantiate(spec, _convert_="all") for spec in cfg.transforms]:
        if hasattr(step, "fit"):
            step.fit(*found["train"])
        act = getattr(step, "transform", step)
        found = {name: (act(x), y) for name, (x, y) in found.items()}
    return {name: (np.asarray(x, np.float32), y) for name, (x, y) in found.items()}


def loaders(cfg: Any, parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, DataLoader]:
    """Plain loaders; what augments stands in the collate function, as in a loop of one's own."""
    steps = [instantiate(spec, _convert_="all") for spec in cfg.augment]
    generator = torch.Generator()

    def augmented(rows: list[Any]) -> Any:
        x, y = (torch.stack([torch.as_tensor(row[column]) for row in rows]) for column in (0, 1))
        for step in steps:
            x, y = step(x, y, generator)
        return x, y

    sets = {name: TensorDataset(torch.as_tensor(x), torch.as_tensor(y)) for name, (x, y) in parts.items()}
    size = cfg.fit.get("batch_size") or 64
    return {
        name: DataLoader(part, size, shuffle=name == "train", collate_fn=augmented if name == "train" else None)
        for name, part in sets.items()
    }


def with_validation(module: LightningModule) -> LightningModule:
    """The validation that everybody writes: predictions against labels, averaged by the logger."""

    def validation_step(self: LightningModule, batch: Any, batch_idx: int) -> None:
        predicted = self.predict_step(batch[0], batch_idx)
        classes = predicted.ndim == 2
        good = (predicted.argmax(-1) == batch[1]).float().mean() if classes else -(predicted - batch[1]).abs().mean()
        self.log("val/accuracy", good)

    if "validation_step" not in vars(type(module)):
        module.validation_step = MethodType(validation_step, module)
    return module


def train(cfg: Any) -> None:
    """Fit, and print a number for test."""
    if cfg.seed is not None:
        seed_everything(cfg.seed, workers=True)
    data = instantiate(cfg.data, _convert_="all")
    model = instantiate(cfg.model, _convert_="all")
    if not isinstance(model, LightningModule):
        parts = tables(cfg, data)
        flat = {name: (x.reshape(len(x), -1), y) for name, (x, y) in parts.items()}
        print("test", model.fit(*flat["train"]).score(*flat["test"]))
        return
    torch.set_num_threads(1)  # as the runs that it is compared with
    fit, known = cfg.fit, inspect.signature(Trainer.__init__).parameters
    trainer = Trainer(
        **{key: value for key, value in cfg.trainer.items() if key in known},
        accelerator="cpu",
        max_epochs=fit.epochs,
        precision=fit.get("precision", "32-true"),
        accumulate_grad_batches=fit.get("accumulate", 1),
        gradient_clip_val=fit.get("clip_norm"),
        callbacks=[*(instantiate(spec) for spec in fit.get("callbacks", [])), ModelCheckpoint(monitor="val/accuracy")],
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    module = with_validation(model)
    if isinstance(data, LightningDataModule):
        trainer.fit(module, data)
        data.setup("test")
        test = data.test_dataloader()
    else:
        batches = loaders(cfg, tables(cfg, data))
        trainer.fit(module, batches["train"], batches["val"])
        test = batches["test"]
    module.eval()
    print("test", score(module, test))


@torch.no_grad()
def score(module: LightningModule, batches: DataLoader) -> float:
    """The share of right answers, or the mean error of values."""
    found = []
    for x, y in batches:
        predicted = module.predict_step(x, 0)
        found.append((predicted.argmax(-1) == y).float() if predicted.ndim == 2 else (predicted - y).abs())
    return float(torch.cat(found).mean())


if __name__ == "__main__":
    train(compose(sys.argv[1:]))
