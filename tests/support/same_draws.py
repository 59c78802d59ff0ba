"""What is drawn on any device is drawn on the CPU, so that two devices see the same numbers."""

import torch
from torch.overrides import TorchFunctionMode

DRAWS = (torch.rand, torch.randn, torch.randint)
LIKE = {torch.rand_like: torch.rand, torch.randn_like: torch.randn}


class SameDraws(TorchFunctionMode):
    def __init__(self, seed=0):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in LIKE:
            like, *_ = args
            drawn = LIKE[func](like.shape, generator=self.generator, dtype=like.dtype).to(like.device)
            return drawn.requires_grad_(kwargs.get("requires_grad", False))
        if func in DRAWS and "generator" not in kwargs:
            device = kwargs.pop("device", None)
            return func(*args, **kwargs, generator=self.generator).to(device)
        return func(*args, **kwargs)
