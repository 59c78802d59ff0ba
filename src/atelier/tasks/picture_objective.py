"""What a picture is painted towards when its pixels are what is learned: contents, styles and smoothness."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.utils.checkpoint import checkpoint

from atelier.losses.content import ContentDistance
from atelier.losses.style import Aim, StyleDistance
from atelier.losses.variation import TotalVariation
from atelier.networks import taps as tapped
from atelier.networks.taps import Activations
from atelier.networks.vgg import Encoder
from atelier.tasks.adversarial import Terms
from atelier.tiling import Tile


class StyleGoal(NamedTuple):
    """One of the styles that a picture is to have."""

    aims: Mapping[str, Aim]
    """At each tap."""
    weight: float = 1.0
    region: Tensor | None = None
    """Where it is wanted, (1, 1, H, W) in [0, 1]; None: everywhere."""


class PictureGoal(NamedTuple):
    content: Activations
    """Those of the whole picture."""
    styles: Sequence[StyleGoal]
    strength: float = 1.0
    """That of all styles together, in [0, 1]."""


class Seen(NamedTuple):
    """One tile's part of the content's distance, and what its activations are, style by style."""

    content: Tensor
    described: list[dict[str, Any]]


class PictureObjective(nn.Module):
    """Distances to a content and to styles through an encoder, and total variation (Gatys et al. 2016, eq. 7).

    `content` and `style` map taps to their weights in the two distances. Departure: distances are over the size of what
    they are to, so that weights mean the same whatever the encoder and the distance. Pictures larger than memory are
    looked at tile by tile, for the same sum and the same gradient.
    """

    def __init__(
        self,
        encoder: Encoder,
        content_distance: ContentDistance,
        style_distance: StyleDistance,
        content: Mapping[str, float] | None,
        style: Mapping[str, float],
        content_weight: float = 1.0,
        style_weight: float = 1.0,
        variation_weight: float = 0.0,
        seamless: bool = False,
    ) -> None:
        super().__init__()
        _refuse_unknown(encoder, {"content": content or {}, "style": style})
        self.encoder, self.content_distance, self.style_distance = encoder, content_distance, style_distance
        self.content, self.style = dict(content or {}), dict(style)
        self.content_weight, self.style_weight, self.variation_weight = content_weight, style_weight, variation_weight
        self.variation, self.seamless = TotalVariation(circular=seamless), seamless
        if seamless:
            encoder.wrap()

    @property
    def stride(self) -> int:
        """Sides of pictures that are cut into tiles must be multiples of it."""
        return max(map(tapped.stride, [*self.content, *self.style]))

    @property
    def reach(self) -> int:
        """The margin that tiles need, in pixels."""
        return tapped.margin(self.encoder.widths, [*self.content, *self.style])

    @property
    def bytes_per_pixel(self) -> float:
        """What a window takes until its gradient is had.

        Of the activations looked at, what the style's distance makes of them; of all others, within their reflection
        and with the gradient of the last. With one style in a region, which takes more than without, an encoder of 16
        channels in its first layer needed 82 to 97 % of it for 768 pixels, `vgg_estimated` 65 to 77 %, VGG-19 57 to
        68 %. Each region more is not counted: two took up to 1.4 times it, by the sliced distance.
        """
        taps = {*self.content, *self.style}
        looked_at = sum(self.encoder.widths[tap] / tapped.stride(tap) ** 2 for tap in taps)
        layers = tapped.floats_per_pixel(self.encoder.widths, taps)
        return 4 * (self.style_distance.held * looked_at + 2.2 * layers)

    @torch.no_grad()
    def content_of(self, content: Tensor, tiles: Sequence[Tile]) -> dict[str, Tensor]:
        """The activations (1, C, h, w) that a content (1, 3, H, W) has at the content's taps."""
        found: dict[str, Tensor] = {}
        for tile in tiles:
            for tap, activation in self.encoder.taps(tile.window(content), self.content).items():
                step = tapped.stride(tap)
                size = activation.shape[1], content.shape[2] // step, content.shape[3] // step
                whole = found.setdefault(tap, activation.new_empty(1, *size))
                tile.own(whole, step).copy_(tile.trimmed(activation, step))
        return found

    @torch.no_grad()
    def aims(self, style: Tensor) -> dict[str, Aim]:
        """What pictures in the style of another, (1, 3, H, W), are compared with."""
        distance = self.style_distance
        return {
            tap: distance.aim(distance.describe(seen)) for tap, seen in self.encoder.taps(style, self.style).items()
        }

    def forward(self, pixels: Tensor, goal: PictureGoal, tiles: Sequence[Tile]) -> Terms:
        """The weighted terms, scalars, of a picture (1, 3, H, W)."""
        if len(tiles) == 1:
            seen = [self._see(pixels, goal, tiles[0])]
        else:  # what the encoder sees of a tile is forgotten, and seen again for its gradient
            seen = [checkpoint(self._see, pixels, goal, tile, use_reentrant=False) for tile in tiles]
        terms = {"style": goal.strength * self.style_weight * self._style(seen, goal)}
        if self.content and self.content_weight:
            terms["content"] = self.content_weight * torch.stack([part.content for part in seen]).sum()
        if self.variation_weight:
            terms["variation"] = self.variation_weight * self.variation(pixels).mean()
        return terms

    def _see(self, pixels: Tensor, goal: PictureGoal, tile: Tile) -> Seen:
        activations = {
            tap: tile.trimmed(activation, tapped.stride(tap))
            for tap, activation in self.encoder.taps(tile.window(pixels), {*self.content, *self.style}).items()
        }
        content = pixels.new_zeros(())
        for tap, weight in self.content.items() if goal.content else ():
            whole = goal.content[tap]
            wanted = tile.own(whole, tapped.stride(tap))
            share = weight * wanted[0, 0].numel() / whole[0, 0].numel()
            apart = self.content_distance(activations[tap], wanted) / self.content_distance.size(whole)
            content = content + share * apart.mean()
        if all(style.region is None for style in goal.styles):  # one description for all: of time and of memory
            return Seen(content, [self._described(activations, None, tile)] * len(goal.styles))
        return Seen(content, [self._described(activations, style.region, tile) for style in goal.styles])

    def _described(self, activations: Activations, region: Tensor | None, tile: Tile) -> dict[str, Any]:
        found = {}
        for tap in self.style:
            activation = activations[tap]
            weight = None
            if region is not None:
                weight = interpolate(tile.own(region), activation.shape[2:], mode="area")
            found[tap] = self.style_distance.describe(activation, weight)
        return found

    def _style(self, seen: Sequence[Seen], goal: PictureGoal) -> Tensor:
        total = torch.zeros((), device=seen[0].content.device)
        for number, style in enumerate(goal.styles):
            for tap, weight in self.style.items():
                got = reduce(lambda one, other: one.merge(other), [part.described[number][tap] for part in seen])
                total = total + style.weight * weight * self.style_distance.apart(got, style.aims[tap]).mean()
        return total / sum(style.weight for style in goal.styles)


def _refuse_unknown(encoder: Encoder, asked: Mapping[str, Mapping[str, float]]) -> None:
    for argument, weights in asked.items():
        if unknown := [tap for tap in weights if tap not in encoder.widths]:
            raise ValueError(f"{argument} must be of taps among {list(encoder.widths)}, got {unknown[0]!r}")
