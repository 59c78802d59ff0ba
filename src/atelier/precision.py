"""What half precision is not enough for."""

import torch
from torch import Tensor


def full_precision(values: Tensor) -> Tensor:
    """In float32, where they are half-precision ones; others as they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
