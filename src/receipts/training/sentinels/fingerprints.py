"""Whether a tensor has changed, to the last bit, without keeping a copy of it."""

import torch
from torch import Tensor

AS_INTEGER = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def bits(tensor: Tensor) -> int:
    """The sum of a tensor's elements read as whole numbers: one bit changed makes another sum.

    Two changes cancel with a chance of about one in 2^32. Costs one pass over the tensor and no memory.
    """
    plain = tensor.detach()
    if plain.is_complex():
        plain = torch.view_as_real(plain)
    return int(plain.view(AS_INTEGER[plain.element_size()]).sum(dtype=torch.int64))
