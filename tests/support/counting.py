"""How many convolutions something takes: what costs time, without a clock."""

from torch.utils._python_dispatch import TorchDispatchMode


class Counted(TorchDispatchMode):
    """Names of the convolutions that are done, forwards or backwards."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        name = operation.overloadpacket.__name__
        if "convolution" in name:
            self.names.append(name)
        return operation(*args, **(kwargs or {}))
