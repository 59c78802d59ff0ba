"""Any picture in the style of any other, in one pass: a decoder that learns to draw changed activations."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from atelier.data.types import Pair
from atelier.losses.transfer import FreshStyles, Goal, Redrawn, Transferred, TransferTerm
from atelier.networks.decoder import Decoder
from atelier.networks.taps import Activations
from atelier.networks.transforms.base import Transform
from atelier.networks.vgg import Encoder
from atelier.tasks.adversarial import OptimizerFactory, ScheduleFactory
from atelier.tasks.level import DecoderFactory, Level, TransformFactory
from atelier.tasks.transfer import TransferTask


class ArbitraryStyle(TransferTask):
    """AdaIN (Huang & Belongie 2017), SANet (Park & Lee 2019), and whatever else lies between an encoder and a decoder.

    `decoder`, and a `transform` that learns, are made for the widths of the encoder.
    """

    offers = frozenset({"goal", "redrawn"})

    def __init__(
        self,
        encoder: Encoder,
        transform: Transform | TransformFactory,
        decoder: DecoderFactory,
        terms: Mapping[str, TransferTerm | None],
        optimizer: OptimizerFactory,
        schedule: ScheduleFactory,
    ) -> None:
        super().__init__(encoder, terms, optimizer, schedule)
        made = transform if isinstance(transform, Transform) else transform(encoder.widths)
        level = Level(encoder, made, decoder(encoder.widths))
        _refuse_other_tap(level)
        self.levels = nn.ModuleList([level.to(memory_format=torch.channels_last)])
        self.looked_at |= {*level.transform.taps}
        drawn = level.transform.taps[0]
        told = {tap for term in self.terms.values() if isinstance(term, Goal) for tap in term.taps}
        if unknown := told - {drawn}:
            raise ValueError(f"terms: a Goal must be of the tap {drawn} that the decoder draws, got {sorted(unknown)}")

    @property
    def multiple(self) -> int:
        """What the sides of training crops must be multiples of, for the decoder to draw as much as was encoded."""
        return self.level.stride

    @property
    def level(self) -> Level:
        return self.levels[0]  # type: ignore[return-value]  # a ModuleList holds Modules

    def compilable(self) -> Sequence[nn.Module]:
        return [self.level.decoder]

    def on_fit_start(self) -> None:
        if self.trainer.ckpt_path is None:  # one that goes on has learned
            self.level.begin()

    def transfer(self, batch: Pair) -> Transferred:
        with torch.no_grad():  # the encoder learns nothing, and pictures need no gradient
            content, style = (self.encoder.taps(images, self.looked_at) for images in batch[:2])
        goal = self.level.changed(content, style)
        stylised = self.level.draw(goal)

        def redrawn(pictures: Tensor, seen: Activations) -> Redrawn:
            drawn = self.level.draw(self.level.changed(seen, seen))
            return Redrawn(pictures, drawn, seen, self.encoder.taps(drawn, self.looked_at))

        return Transferred(
            batch.content,
            stylised,
            FreshStyles(style),
            content,
            self.encoder.taps(stylised, self.looked_at),
            {self.level.transform.taps[0]: goal},
            lambda: [redrawn(batch.content, content), redrawn(batch.style, style)],
        )

    @torch.no_grad()
    def stylised(self, batch: Pair) -> Tensor:
        content, style = (self.level.encode(images) for images in batch[:2])
        return self.level.draw(self.level.changed(content, style)).float().clamp(-1, 1)


def _refuse_other_tap(level: Level) -> None:
    """Raises ValueError where the decoder mirrors the encoder from another tap on than that of its features."""
    if not isinstance(level.decoder, Decoder):
        return
    deepest, drawn = next(iter(level.decoder.convolutions)), level.transform.taps[0]
    if deepest != drawn:
        raise ValueError(f"decoder must draw from the transform's tap {drawn}, got {deepest}")
