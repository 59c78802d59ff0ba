"""The style-attentional network (Park & Lee 2019): each place of a content gathers the places of the style like it."""

from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, scaled_dot_product_attention

from atelier.moments import Moments, diagonal
from atelier.networks.padding import Conv2d
from atelier.networks.taps import Activations
from atelier.networks.transforms.base import Summary, Transform, fitted

TAPS = ("relu4_1", "relu5_1")

PRODUCTS = 2**24
"""Of places of the content with places of the style, held at once."""


class Memory(NamedTuple):
    """What is kept of a style at one tap, of its h * w places."""

    keys: Tensor
    """(B, h * w, C)"""
    values: Tensor
    """(B, h * w, C)"""
    bias: Tensor | None
    """(B, 1, h * w): the logarithm of how much each place counts; None where all do alike."""


class SANet(Transform[dict[str, Memory]]):
    """`widths`: channels of the encoder's taps, of which relu4_1 and relu5_1 are used. Learned with the decoder.

    In the paper both taps have 512 channels and are added as they are; where an encoder's differ, a convolution of size
    1 brings relu5_1 to the width of relu4_1.
    """

    reach: ClassVar[int] = 16  # a place of relu4_1, 8 pixels, and the rest of the place of relu5_1 that it falls into

    def __init__(self, widths: Mapping[str, int]) -> None:
        super().__init__(TAPS)
        if not {*TAPS} <= {*widths}:
            raise ValueError(f"widths must have {' and '.join(TAPS)}, got {[*widths]}")
        fine, coarse = (widths[tap] for tap in TAPS)
        self.fine, self.coarse = _Attention(fine), _Attention(coarse)
        self.project = nn.Identity() if fine == coarse else nn.Conv2d(coarse, fine, 1)
        self.merge = Conv2d(fine, fine, 3, padding=1, padding_mode="reflect")

    def summarise(self, activations: Activations, weight: Tensor | None = None) -> Summary:
        return Summary({tap: diagonal(activations[tap], fitted(weight, activations[tap])) for tap in TAPS})

    def learn(self, activations: Activations, weight: Tensor | None = None) -> dict[str, Memory]:
        moments = self.summarise(activations, weight).moments
        return {
            tap: block.remember(activations[tap], moments[tap], fitted(weight, activations[tap]))
            for tap, block in self._blocks.items()
        }

    def bind(self, summary: Summary, code: dict[str, Memory]) -> Callable[[Activations], Tensor]:
        def transform(activations: Activations) -> Tensor:
            fine, coarse = (
                block(activations[tap], summary.moments[tap], code[tap]) for tap, block in self._blocks.items()
            )
            return self.merge(fine + interpolate(self.project(coarse), fine.shape[2:], mode="nearest"))  # eq. 3

        return transform

    def plain(self, activations: Activations) -> Tensor:
        """The content attending to itself (section 4.3), which the identity losses teach the decoder to undo."""
        return self(activations, self.summarise(activations), self.learn(activations))

    def bind_plain(self, summary: Summary, learn: Callable[[], dict[str, Memory]]) -> Callable[[Activations], Tensor]:
        return self.bind(summary, learn())

    @property
    def _blocks(self) -> dict[str, "_Attention"]:
        return dict(zip(TAPS, (self.fine, self.coarse), strict=True))


class _Attention(nn.Module):
    """One SANet block; f, g, h and W of the paper are query, key, value and output."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Conv2d(width, width, 1) for _ in range(4))

    def remember(self, style: Tensor, moments: Moments, weight: Tensor | None) -> Memory:
        bias = None if weight is None else weight.flatten(2).log().clamp_min(torch.finfo(style.dtype).min / 2)
        return Memory(_places(self.key(moments.normalise(style))), _places(self.value(style)), bias)

    def forward(self, content: Tensor, moments: Moments, memory: Memory) -> Tensor:
        queries = _places(self.query(moments.normalise(content)))
        gathered = attend(queries, memory).mT.unflatten(2, content.shape[2:])
        return content + self.output(gathered)  # eq. 2


def attend(queries: Tensor, memory: Memory) -> Tensor:
    """What queries (B, places, C) gather: the values, weighted by the softmax of products with the keys (eq. 1)."""
    batch = max(len(queries), len(memory.keys))
    queries, keys, values = (part.expand(batch, -1, -1)[:, None] for part in (queries, memory.keys, memory.values))
    bias = None if memory.bias is None else memory.bias.expand(batch, -1, -1)[:, None]
    chunks = queries.split(max(1, PRODUCTS // (batch * keys.shape[2])), dim=2)
    gathered = [scaled_dot_product_attention(chunk, keys, values, bias, scale=1.0) for chunk in chunks]
    return torch.cat(gathered, dim=2).squeeze(1)


def _places(activation: Tensor) -> Tensor:
    """(B, h * w, C); laid out so, the products take half the time."""
    return activation.flatten(2).mT.contiguous()
