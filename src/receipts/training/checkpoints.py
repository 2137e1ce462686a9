"""Checkpoints: plain containers of tensors, read without running code, known by a hash of their weights."""

import hashlib
import io
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from receipts.bounds import confine, refuse_bomb, refuse_special
from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.runs import record as records

PLAIN = (type(None), bool, int, float, str, Tensor, nn.Parameter)
AGAIN = "restore it from a backup, or train again: python train.py … rerun=true"

UNFOLDED = 2**28  # bytes of a weight that repeats what the file holds once, as a buffer that was expanded does


def weights_hash(state: dict[str, Tensor]) -> str:
    """SHA-256 over names, shapes, types and bytes of all tensors of a state dict, in order of names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().resolve_conj().resolve_neg().contiguous()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read(path: Path) -> dict[str, Any]:
    """A checkpoint's content, onto the CPU; refused when it is missing, cut short, or holds more than plain data."""
    refuse_special(path)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")  # the refusal says it better
            refuse_bomb(path)
            found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise Refusal(f"{path} is missing", "the record names it as the selected checkpoint", AGAIN) from error
    except Refusal:
        raise
    except Exception as error:  # a damaged file makes torch stumble anywhere
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Refusal(
            f"{path} is no readable checkpoint", f"cut short, damaged, or not plain data: {first}", AGAIN
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("state_dict"), dict):
        raise Refusal(f"{path} is no checkpoint", "it holds no state_dict", AGAIN)
    if odd := [name for name, value in found["state_dict"].items() if not (isinstance(name, str) and is_stored(value))]:
        raise Refusal(f"{path} is no checkpoint", f"its weight {odd[0]!r} is no tensor with all its values", AGAIN)
    return found


def refuse_unreadable(checkpoint: dict[str, Any], content: bytes) -> None:
    """Refuse, while it can be named and before it is relied on, what `read` would take for damage; `content` is it.

    Callbacks, `on_save_checkpoint` and hyperparameters give Lightning whatever they like.
    """
    odd = [(place, value) for place, value in parts(checkpoint, "") if type(value) not in PLAIN]
    if not odd or is_readable(content):
        return
    place, value = next(((place, value) for place, value in odd if not is_readable(saved(value))), odd[0])
    raise Refusal(
        f"{place} is a {type(value).__qualname__}, which no checkpoint can hold",
        "checkpoints are plain data: what is more could only be read again by running code from the file",
        "give Lightning numbers, texts, tensors, lists and dictionaries: an array as array.tolist() or a tensor of it",
    )


def parts(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Everything that containers hold, and where."""
    if type(value) in (dict, OrderedDict):
        for key, each in value.items():
            yield f"a key of {place}", key
            yield from parts(each, f"{place}.{key}".lstrip("."))
    elif type(value) in (list, tuple):
        for number, each in enumerate(value):
            yield from parts(each, f"{place}[{number}]")
    else:
        yield place, value


def saved(value: Any) -> bytes:
    """A value as a file holds it."""
    torch.save(value, content := io.BytesIO())
    return content.getvalue()


def is_readable(content: bytes) -> bool:
    """Whether what was written can be read without running code."""
    return not torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(content))


def is_stored(value: Any) -> bool:
    """Whether a weight is a plain tensor that the file holds, and not a few bytes that memory would unfold."""
    plain = isinstance(value, Tensor) and value.layout == torch.strided and not value.is_nested and not value.is_meta
    return plain and value.numel() * value.element_size() <= max(value.untyped_storage().nbytes(), UNFOLDED)


def state_of(path: Path, expected: str) -> dict[str, Tensor]:
    """The weights in a checkpoint, which must be those the record names."""
    state: dict[str, Tensor] = read(path)["state_dict"]
    if weights_hash(state) != expected:
        raise Refusal(
            f"{path} does not hold the weights that were recorded", "its hash differs from the record's", AGAIN
        )
    return state


def begin_from(origin: dict[str, str] | None, module: nn.Module) -> None:
    """Give a module the selected weights of the run that `fit.init_from` names; another architecture is refused."""
    if origin is None:
        return
    folder = RUNS / origin["run"]
    checkpoint = records.read(folder).checkpoint
    assert checkpoint is not None, "only a fitted run can be named"
    state = state_of(confine(folder, checkpoint.file), origin["weights"])
    refuse_other_architecture(origin["run"], state, module.state_dict())
    module.load_state_dict(state, strict=True)


def refuse_other_architecture(run: str, theirs: dict[str, Tensor], ours: dict[str, Tensor]) -> None:
    """Weights that do not fit key by key; half of them taken over would be neither the one model nor the other."""
    problems = [f"{key} is not in this model" for key in theirs if key not in ours]
    problems += [f"{key} is not in that run" for key in ours if key not in theirs]
    problems += [
        f"{key} is {tuple(ours[key].shape)} here and {tuple(theirs[key].shape)} there"
        for key in ours
        if key in theirs and ours[key].shape != theirs[key].shape
    ]
    if problems:
        more = f"; and {len(problems) - 6} more" if len(problems) > 6 else ""
        raise Refusal(
            f"fit.init_from: {run} has another architecture",
            "; ".join(problems[:6]) + more,
            "start from a run of the same model and arguments, or take fit.init_from out",
        )
