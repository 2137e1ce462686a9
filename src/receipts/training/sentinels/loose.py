"""Parameters that a module uses and does not know of: in plain lists, dictionaries and objects, or plain tensors."""

from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import Tensor, nn

NOT_SEARCHED = (str, bytes, int, float, type, MethodType, FunctionType, BuiltinFunctionType, ModuleType)
LIBRARIES = ("torch", "lightning", "lightning_fabric", "torchmetrics", "numpy", "receipts", "pandas")
LONG = 1000  # longer lists hold samples


def loose(module: nn.Module) -> dict[str, Tensor]:
    """Leaf tensors that want a gradient and are in no `parameters()`, by the way that leads to them."""
    seen = {id(part) for part in module.modules()} | {id(tensor) for tensor in module.parameters()}
    found: dict[str, Tensor] = {}
    for prefix, part in module.named_modules():
        for key, value in vars(part).items():
            if key not in ("_parameters", "_buffers", "_modules", "_trainer", "_fabric"):
                for name, tensor in search(value, f"{prefix}.{key}".lstrip("."), seen):
                    found[name] = tensor
    return found


def search(value: Any, name: str, seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    """The tensors below a value."""
    if isinstance(value, NOT_SEARCHED) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        if value.is_leaf and value.requires_grad:
            yield name, value
    elif isinstance(value, nn.Module):
        for key, tensor in value.named_parameters():
            if id(tensor) not in seen and tensor.requires_grad:
                seen.add(id(tensor))
                yield f"{name}.{key}", tensor
    else:
        for key, below in items(value):
            yield from search(below, f"{name}{key}", seen)


def items(value: Any) -> Iterator[tuple[str, Any]]:
    """What a container or an object of the researcher's own holds."""
    if isinstance(value, dict) and len(value) <= LONG:
        yield from ((f"[{key!r}]", below) for key, below in list(value.items()))
    elif isinstance(value, list | tuple | set) and len(value) <= LONG:
        yield from ((f"[{position}]", below) for position, below in enumerate(value))
    elif type(value).__module__.partition(".")[0] not in LIBRARIES:
        yield from ((f".{key}", below) for key, below in list(getattr(value, "__dict__", {}).items()))
