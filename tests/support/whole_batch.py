"""What a step draws, drawn for the whole batch in every process, each of which keeps its share."""

import torch
from torch.overrides import TorchFunctionMode


class WholeBatch(TorchFunctionMode):
    """Of `k` draws for each picture of a process, k times those of all processes are made, the same in each of them.

    So one process with the whole batch and several with a share each draw the same for the same picture.
    """

    def __init__(self, batch, rank=0, world=1):
        super().__init__()
        self.own, self.rank, self.world = batch // world, rank, world
        self.generator = torch.Generator().manual_seed(0)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.float and args[0].dtype == torch.float64:
            return args[0]  # single precision is for half precision's sake: in double, all stays so
        if func in (torch.randn_like, torch.rand_like):
            like, *_ = args
            drawn = self.share(torch.randn if func is torch.randn_like else torch.rand, tuple(like.shape), like.dtype)
            return drawn.requires_grad_(kwargs.get("requires_grad", False))
        if func in (torch.rand, torch.randn) and "generator" not in kwargs:
            size = tuple(args[0]) if args and not isinstance(args[0], int) else args
            return self.share(func, size, kwargs.get("dtype"))
        if func is torch.randint and "generator" not in kwargs:
            *bounds, size = args
            return self.share(lambda size, **more: torch.randint(*bounds, size, **more), tuple(size), torch.int64)
        return func(*args, **kwargs)

    def share(self, draw, size, dtype):
        if not size or size[0] % self.own:
            return draw(size, generator=self.generator, dtype=dtype)
        times = size[0] // self.own
        whole = draw((times, self.world, self.own, *size[1:]), generator=self.generator, dtype=dtype)
        return whole[:, self.rank].reshape(size)
