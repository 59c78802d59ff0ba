"""A task and data of translation that anyone can follow."""

import numpy as np
import torch
from pytorch_lightning import LightningModule
from shrunk import Pictures
from torch.nn.functional import interpolate

from atelier.data.types import Pair, Paired


def coloured(count, seed, size=8):
    """Pictures of smooth colours, uint8 (N, 3, size, size)."""
    coarse = torch.rand(count, 3, 3, 3, generator=torch.Generator().manual_seed(seed))
    return (interpolate(coarse, size, mode="bicubic", align_corners=True).clamp(0, 1) * 255).byte()


def from_pixels(pixels):
    return pixels.float() / 127.5 - 1


class Lighter(LightningModule):
    """Its pictures are `scale` times as large as their contents and lighter by 10 levels; it notes what it is given."""

    def __init__(self, scale=1):
        super().__init__()
        self.scale, self.given = scale, []

    def translated(self, batch):
        self.given.append(batch)
        torch.randn(3)
        larger = batch.content.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)
        return (larger + 10 / 127.5).clamp(-1, 1)

    def shown(self, batch):
        assert not torch.is_grad_enabled()
        return batch.content, self.translated(batch), batch[1]


class UnpairedPixels:
    """As many pairs as there are of the larger side, both going round."""

    def __init__(self, contents, styles):
        self.contents, self.styles = contents, styles

    def __len__(self):
        return max(len(self.contents), len(self.styles))

    def batch(self, indices, flips):
        assert isinstance(indices, np.ndarray)
        assert not flips.any()
        sides = (side[indices % len(side)] for side in (self.contents, self.styles))
        return Pair(*map(from_pixels, sides))


class PairedPixels:
    def __init__(self, contents, targets):
        self.all = contents, targets

    def __len__(self):
        return len(self.all[0])

    def batch(self, indices, flips):
        assert not flips.any()
        return Paired(*(from_pixels(side[indices]) for side in self.all))


class Data:
    """Of batches of two, prepared."""

    def __init__(self, held_out, targets, batch=None):
        self.batch = batch or (Pair if isinstance(held_out, UnpairedPixels) else Paired)
        self.validation_pixels, self.targets = held_out, Pictures(targets, key="targets")
        self.train_pixels = None  # nobody is to look at the contents for training
        self.batch_size, self.classes, self.fingerprint = 2, (), "these"


class Drifting(LightningModule):
    """Learns nothing; what it makes of a content at step n is its enlargement and as many levels off as `errors` say.

    So that one knows which checkpoint is the best.
    """

    batch = Paired

    def __init__(self, errors, scale=1):
        super().__init__()
        self.errors, self.scale = {int(step): error for step, error in errors.items()}, scale
        self.register_buffer("step", torch.tensor(0))
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

    def training_step(self, batch, batch_idx):
        self.step += 1
        return {"loss": (self.weight - 1).square()}

    def validation_step(self, batch, batch_idx): ...

    def translated(self, batch):
        larger = batch.content.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)
        return (larger + self.errors[int(self.step)] / 127.5).clamp(-1, 1).detach()

    def shown(self, batch):
        return batch.content, self.translated(batch), batch.target


CONTENTS, STYLES, TARGETS = coloured(5, 0), coloured(12, 1), coloured(20, 2)
"""Pictures of two domains, and those that the second is known by."""


def unpaired(styles=STYLES):
    return Data(UnpairedPixels(CONTENTS, styles), TARGETS)
