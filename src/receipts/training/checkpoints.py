"""Checkpoints: plain containers of tensors, read without running code, known by a hash of their weights."""

import hashlib
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from receipts.refusal import Refusal

AGAIN = "restore it from a backup, or train again: python train.py … rerun=true"


def weights_hash(state: dict[str, Tensor]) -> str:
    """SHA-256 over names, shapes, types and bytes of all tensors of a state dict, in order of names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read(path: Path) -> dict[str, Any]:
    """A checkpoint's content, onto the CPU; refused when it is missing, cut short, or holds more than plain data."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")  # the refusal says it better
            found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise Refusal(f"{path} is missing", "the record names it as the selected checkpoint", AGAIN) from error
    except Exception as error:  # a damaged file makes torch stumble anywhere
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Refusal(
            f"{path} is no readable checkpoint", f"cut short, damaged, or not plain data: {first}", AGAIN
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("state_dict"), dict):
        raise Refusal(f"{path} is no checkpoint", "it holds no state_dict", AGAIN)
    return found


def state_of(path: Path, expected: str) -> dict[str, Tensor]:
    """The weights in a checkpoint, which must be those the record names."""
    state: dict[str, Tensor] = read(path)["state_dict"]
    if weights_hash(state) != expected:
        raise Refusal(
            f"{path} does not hold the weights that were recorded", "its hash differs from the record's", AGAIN
        )
    return state
