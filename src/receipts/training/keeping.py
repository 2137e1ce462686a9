"""Where checkpoints and points go, and where their paths lead when a run goes on: into its own folder alone."""

import io
import os
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins import TorchCheckpointIO
from lightning.pytorch.trainer.states import TrainerFn

from receipts.bounds import LONGEST
from receipts.refusal import Refusal
from receipts.runs import points
from receipts.runs.files import write_atomically
from receipts.training import checkpoints
from receipts.training.building import Whole

PATHS = ("dirpath", "best_model_path", "kth_best_model_path", "last_model_path")  # of a ModelCheckpoint's state


class AtEpochs(ModelCheckpoint):
    """A checkpoint that is written at the end of an epoch or of a pass over val, and asks about it at no step."""

    def on_train_batch_end(self, *_: Any) -> None:
        """Nothing is to be done."""

    def _should_skip_saving_checkpoint(self, trainer: Trainer) -> bool:
        """Not for Lightning's reason that nothing was learnt since, where a module steps past its count of steps."""
        fitting = trainer.state.fn == TrainerFn.FITTING
        return not (uncounted(trainer) and fitting) and super()._should_skip_saving_checkpoint(trainer)


def uncounted(trainer: Trainer) -> bool:
    """Whether batches were trained on and Lightning counted no step: the module steps torch's optimizer past it."""
    return trainer.global_step == 0 and trainer.fit_loop.total_batch_idx >= 0


class WholeFiles(TorchCheckpointIO):
    """Checkpoints that are whole or absent: a full disk leaves the one that was there.

    `whole` says whether the module can be built as it is.
    """

    def __init__(self, whole: Whole | None = None) -> None:
        self.whole = whole

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write to memory, then in one step to the disk."""
        if self.whole is not None:
            self.whole.compare(checkpoint["state_dict"])
        content, path = io.BytesIO(), Path(path)
        torch.save(checkpoint, content)
        checkpoints.refuse_unreadable(checkpoint, content.getvalue())
        if path.parent.name == points.FOLDER:
            run = path.parent.parent
            best = run / "checkpoints/best.ckpt"
            points.write(run, int(path.stem), content.getvalue(), best, folders_of(checkpoint, run))
        else:
            write_atomically(path, content.getvalue())

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Plain data only, whoever asks; where its own folder has been moved, its paths go with it."""
        return moved(checkpoints.read(Path(path)), Path(path).parent.parent / "checkpoints")


def folders_of(checkpoint: dict[str, Any], run: Path) -> set[str]:
    """The folders of a run that callbacks other than ours write checkpoints into."""
    named = [(name, state.get("dirpath")) for name, state in checkpoint["callbacks"].items() if isinstance(state, dict)]
    others = [path for name, path in named if isinstance(path, str) and not name.startswith(AtEpochs.__name__)]
    found = [Path(os.path.realpath(path)) for path in others]
    root = Path(os.path.realpath(run))
    return {str(folder.relative_to(root)) for folder in found if folder.is_relative_to(root) and folder != root}


def moved(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same checkpoint with the paths that Lightning remembers in the folder that they lie in today.

    That is `folder`, or another one of its run where the module has a ModelCheckpoint of its own.
    """
    for state in content.get("callbacks", {}).values():
        if not isinstance(state, dict):
            continue
        today = os.path.realpath(folder)
        if isinstance(before := state.get("dirpath"), str):
            today = in_run(before, folder)
            for key, value in state.items():
                if isinstance(value, str):
                    state[key] = value.replace(before, today, 1)
                elif isinstance(value, dict):
                    state[key] = {str(name).replace(before, today, 1): kept for name, kept in value.items()}
        refuse_outside(state, today)
    return content


def in_run(before: str, folder: Path) -> str:
    """Where a folder of a run lies today; `folder` where it was no folder of this run."""
    run, parts = folder.parent, Path(before).parts
    below = parts[parts.index(run.name) + 1 :] if run.name in parts else ()
    found = Path(os.path.realpath(run.joinpath(*below)))
    return os.path.realpath(folder) if found == run or not found.is_relative_to(os.path.realpath(run)) else str(found)


def refuse_outside(state: dict[str, Any], folder: str) -> None:
    """Refuse paths of a callback's state that lead out of the folder: Lightning links, replaces and deletes them."""
    best = state.get("best_k_models")
    named = [state.get(key) for key in PATHS] + list(best if isinstance(best, dict) else ())
    for path in filter(None, named):
        if not Path(os.path.realpath(str(path))).is_relative_to(folder):
            raise Refusal(
                f"a point to continue from names a file outside its run: {str(path)[:LONGEST]!r}",
                "Lightning would take it for a checkpoint of its own, replace it and delete it",
                "move the run's folder resume/ away: the same command then starts anew",
            )
