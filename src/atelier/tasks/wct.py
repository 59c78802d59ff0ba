"""Whitening and colouring (Li et al. 2017): what is learned is to draw activations, whatever they are changed to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from atelier.data.types import Pair
from atelier.losses.content import ContentDistance
from atelier.networks.taps import stride
from atelier.networks.transforms.wct import WCT
from atelier.networks.vgg import Encoder
from atelier.tasks.adversarial import OptimizerFactory, ScheduleFactory, Terms
from atelier.tasks.level import Level
from atelier.tasks.schedules import stepped


class Wct(LightningModule):
    """One decoder for each tap in `taps`; stylising goes through them in that order, the deepest first in the paper.

    `decoder` makes them, for the widths of the encoder's taps and the tap that each is to draw.
    A step is an update of all decoders on the pictures of one batch, contents and styles alike. `feature_weight` is
    lambda of eq. 1.
    """

    batch: ClassVar[type] = Pair
    monitor: ClassVar[str] = "loss"

    def __init__(
        self,
        encoder: Encoder,
        taps: Sequence[str],
        decoder: Callable[[Mapping[str, int], str], nn.Module],
        optimizer: OptimizerFactory,
        schedule: ScheduleFactory,
        feature_weight: float = 1.0,
    ) -> None:
        super().__init__()
        unknown = [tap for tap in taps if tap not in encoder.widths]
        if unknown or not taps:
            raise ValueError(f"taps must be some of {list(encoder.widths)}, got {unknown}")
        levels = (Level(encoder, WCT(tap), decoder(encoder.widths, tap)) for tap in taps)
        self.levels = nn.ModuleList(level.to(memory_format=torch.channels_last) for level in levels)
        self.encoder, self.taps, self.feature_weight = encoder, list(taps), feature_weight
        self.distance = ContentDistance()
        self.optimizer_factory, self.schedule_factory = optimizer, schedule

    @property
    def multiple(self) -> int:
        """What the sides of training crops must be multiples of, for the decoders to draw as much as was encoded."""
        return max(map(stride, self.taps))

    def compilable(self) -> Sequence[nn.Module]:
        return [level.decoder for level in cast(Sequence[Level], self.levels)]

    def configure_optimizers(self) -> Any:
        return stepped(self.optimizer_factory(self.parameters()), self.schedule_factory)

    def on_fit_start(self) -> None:
        if self.trainer.ckpt_path is None:  # one that goes on has learned
            for level in cast(Sequence[Level], self.levels):
                level.begin()

    def training_step(self, batch: Pair, batch_idx: int) -> Terms:
        terms = self.losses(torch.cat([batch.content, batch.style]))
        return {
            "loss": torch.stack([*terms.values()]).sum(),
            **{f"decoder/{name}": term.detach() for name, term in terms.items()},
        }

    def losses(self, images: Tensor) -> Terms:
        """Each tap's eq. 1: the mean square of pixels, and that of activations over the size of what they were."""
        with torch.no_grad():
            activations = self.encoder.taps(images, self.taps)
        levels = zip(self.taps, cast(Sequence[Level], self.levels), strict=True)
        return {tap: self._loss(level, images, activations[tap]) for tap, level in levels}

    def _loss(self, level: Level, images: Tensor, activation: Tensor) -> Tensor:
        (tap,) = level.transform.taps
        drawn = level.draw(activation)
        again = self.encoder.taps(drawn, [tap])[tap]
        features = self.distance.apart(again, activation).mean()
        return (drawn - images).square().mean() + self.feature_weight * features

    def validation_step(self, batch: Pair, batch_idx: int) -> None:
        terms = self.losses(torch.cat([batch.content, batch.style]))
        self.log_dict({"val/loss": sum(terms.values())}, batch_size=len(batch.content), sync_dist=True)

    @torch.no_grad()
    def stylised(self, batch: Pair) -> Tensor:
        """The contents in their styles, (B, 3, H, W) in [-1, 1]."""
        picture = batch.content
        for level in cast(Sequence[Level], self.levels):
            picture = level.draw(level.changed(level.encode(picture), level.encode(batch.style))).clamp(-1, 1)
        return picture.float()
