"""Whether the loss of a batch hears every row of it, and the labels at all.

A row may have no say because of what it is: learnt already, masked, not the hardest. It is left out by mistake only if
its place decides: rows with a say lose it there, and the row from there gains one elsewhere, whatever is drawn.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from receipts.training.preflight.mixing import at

Loss = Callable[[Any, Any, int], Tensor | None]  # of inputs and labels under a seed
SEEDS = (1, 2, 3)
SAME = 1e-5  # relative; sums in another order stay closer, and labels that matter at all move a loss by more
PARTS = 8  # of a batch whose inputs have no gradient, each replaced as a whole


def idle(loss: Loss, x: Any, y: Any, n: int) -> list[int] | None:
    """The places of a batch of n whose rows have no say in the loss; None where that cannot be told."""
    if any(tensor.is_floating_point() for tensor in leaves(x, n)):
        return by_gradient(loss, x, y, n)
    return by_replacement(loss, x, y, n)


def by_gradient(loss: Loss, x: Any, y: Any, n: int) -> list[int] | None:
    """Places whose gradient is zero, for the row that is there as for rows with a say that are put there."""
    here = torch.arange(n)
    first = say(loss, x, y, here, SEEDS[0])
    if first is None or not bool(first.any()):
        return None
    silent, heard = here[~first], here[first]
    pairs = min(len(silent), len(heard))
    order = here.clone()
    order[silent[:pairs]], order[heard[:pairs]] = heard[:pairs], silent[:pairs]
    by_place = torch.ones(pairs, dtype=torch.bool)
    for seed in SEEDS if pairs else ():
        now = say(loss, x, y, order, seed)
        if now is None:
            return None
        by_place &= ~now[silent[:pairs]] & now[heard[:pairs]]
    if not bool(by_place.any()):
        return []
    return [int(place) for place in silent] if bool(by_place.all()) else [int(p) for p in silent[:pairs][by_place]]


def say(loss: Loss, x: Any, y: Any, order: Tensor, seed: int) -> Tensor | None:
    """For each place of a batch in some order, whether the loss depends on the input there; None without gradients."""
    own = at(x, order)
    wanted = [tensor.requires_grad_() for tensor in leaves(own, len(order)) if tensor.is_floating_point()]
    found = loss(nested(own), at(y, order), seed)
    gradients: list[Tensor | None] = [tensor.grad for tensor in wanted]  # there already if a module steps by itself
    if found is not None and found.requires_grad and not any(gradient is not None for gradient in gradients):
        gradients = list(torch.autograd.grad(found, wanted, allow_unused=True))
    parts = [gradient.reshape(len(order), -1).ne(0).any(1) for gradient in gradients if gradient is not None]
    return torch.stack(parts).any(0).cpu() if parts else None


def unheard_classes(loss: Loss, x: Any, y: Any, n: int) -> list[int]:
    """Classes of which no row has a say, whatever it shows: rows given such a label fall silent, its own speak.

    None are named where that cannot be told: without gradients, without classes, of a batch in which few have a say.
    """
    labels, here = torch.as_tensor(y), torch.arange(n)
    if labels.dim() != 1 or labels.is_floating_point():
        return []
    first = say(loss, x, y, here, SEEDS[0])
    if first is None or first.sum() < n / 2:
        return []
    labels = labels.cpu()
    other = labels[first].mode().values
    suspects = [label for label in set(labels[~first].tolist()) if not bool(first[labels == label].any())]
    return sorted(label for label in suspects if is_silent(loss, x, y, first, label, int(other)))


def is_silent(loss: Loss, x: Any, y: Tensor, heard: Tensor, label: int, other: int) -> bool:
    """Whether rows with a say lose it under a label, and those of that label gain one under another."""
    relabelled = y.clone()
    given = torch.nonzero(heard).flatten()[::2]
    own = torch.nonzero(y.cpu() == label).flatten()
    relabelled[given.to(y.device)], relabelled[own.to(y.device)] = label, other
    now = say(loss, x, relabelled, torch.arange(len(y)), SEEDS[1])
    return now is not None and not bool(now[given].any()) and bool(now[own].all())


def by_replacement(loss: Loss, x: Any, y: Any, n: int) -> list[int] | None:
    """Places at which other rows and labels leave the loss as it was, to the last bit."""
    if n < PARTS:
        return None
    found = []
    with torch.no_grad():
        before = [loss(x, y, seed) for seed in SEEDS]
        for part in torch.arange(n).chunk(PARTS):
            for seed, was in zip(SEEDS, before, strict=True):
                order = torch.arange(n)
                order[part] = (part + n // 2 + seed) % n
                now = loss(at(x, order), at(y, order), seed)
                if was is None or now is None or not bool(was.isfinite()):
                    return None
                if not torch.equal(was, now):
                    break
            else:
                found += part.tolist()
    return found


def hears_whose(loss: Loss, x: Any, y: Any, n: int) -> bool:
    """Whether the loss changes when the labels of a batch are dealt out to other rows of it.

    A loss of every prediction against every label does not, but for the order in which numbers are added up.
    """
    orders = [torch.arange(n).roll(max(1, n // part)) for part in (2, 3, n)]
    return any(moves(loss, x, y, at(y, order), seed) for order, seed in zip(orders, SEEDS, strict=True))


def hears_any(loss: Loss, x: Any, y: Any, n: int) -> bool:
    """Whether the loss changes when every row is given the labels of one."""
    return any(moves(loss, x, y, at(y, torch.full((n,), row)), SEEDS[0]) for row in (0, n // 2))


def moves(loss: Loss, x: Any, y: Any, other: Any, seed: int) -> bool:
    """Whether other labels make another loss; that there is none counts as another one."""
    with torch.no_grad():
        one, two = loss(x, y, seed), loss(x, other, seed)
    return one is None or two is None or not torch.allclose(one, two, rtol=SAME, atol=0.0)


def leaves(x: Any, n: int) -> Iterator[Tensor]:
    """The tensors of a batch that have a row for each sample."""
    if isinstance(x, Tensor):
        yield from (x,) if x.dim() and len(x) == n else ()
    elif isinstance(x, dict):
        for value in x.values():
            yield from leaves(value, n)
    elif isinstance(x, tuple | list):
        for value in x:
            yield from leaves(value, n)


def nested(x: Any) -> Any:
    """The batch as tensors that may be written into, gradients led back to where they came from."""
    if isinstance(x, dict):
        return {key: nested(value) for key, value in x.items()}
    if isinstance(x, tuple | list):
        return type(x)(nested(value) for value in x)
    return x.clone() if isinstance(x, Tensor) else x
