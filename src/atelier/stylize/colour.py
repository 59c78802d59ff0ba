"""Keeping the content's colours (Gatys et al. 2016b, "Preserving color in neural artistic style transfer").

All of it on pixel values as they are stored, as in the paper: neither linear light nor a perceptual space.
"""

from typing import Protocol

import torch
from torch import Tensor

from atelier.moments import Moments, full

LUMINANCE = (0.299, 0.587, 0.114)
"""The Y of YIQ. I and Q are linear in what a colour differs from its grey by: keeping the difference keeps both."""

FLOOR = 1e-6
"""Least variance of a style along any direction of colour, (an eighth of an 8-bit step)²: greys stay finite."""


class Policy(Protocol):
    """What is done to a style before the transfer, or to what comes of it; images (B, 3, H, W) in [-1, 1]."""

    def before(self, style: Tensor, content: Tensor) -> Tensor:
        """The style to use instead; the two may have other sizes."""

    def after(self, stylised: Tensor, content: Tensor) -> Tensor:
        """The stylised picture to give instead; the two have one size."""


class Luminance:
    """Luminance of the stylised picture, colour of the content, in YIQ (section 4, "luminance-only transfer").

    The style becomes its luminance, with mean and deviation of the content's. The paper makes the content grey
    as well; here the transfer sees it in colour, of which `after` keeps only the luminance. Where the content's
    colour does not exist at the new luminance it is made paler; hue and luminance stay.
    """

    def before(self, style: Tensor, content: Tensor) -> Tensor:
        own, wanted = _luminance(style), _luminance(content)
        deviation, mean = torch.std_mean(own, (1, 2, 3), correction=0, keepdim=True)
        target_deviation, target_mean = torch.std_mean(wanted, (1, 2, 3), correction=0, keepdim=True)
        matched = (own - mean) * (target_deviation / deviation.clamp_min(FLOOR**0.5)) + target_mean
        return matched.clamp(-1, 1).expand_as(style)

    def after(self, stylised: Tensor, content: Tensor) -> Tensor:
        if stylised.shape[2:] != content.shape[2:]:
            raise ValueError(f"stylised must be {(*content.shape[2:],)} like the content, got {(*stylised.shape[2:],)}")
        luminance = _luminance(stylised).clamp(-1, 1)
        chroma = content - _luminance(content)
        room = torch.where(chroma > 0, 1 - luminance, 1 + luminance)
        fits = (room / chroma.abs().clamp_min(1e-6)).amin(1, keepdim=True).clamp(0, 1)
        return luminance + chroma * fits


class Coral:
    """A linear map gives the style mean and covariance of the content's colours (section 3).

    Of the maps that do, the symmetric roots' one: "Image Analogies" in the paper, CORAL in Sun et al. 2016 (who add the
    identity to both covariances; here only a floor, so that the match is exact). Colours beyond [-1, 1] are clipped.
    """

    def before(self, style: Tensor, content: Tensor) -> Tensor:
        return _recoloured(style, content).clamp(-1, 1)

    def after(self, stylised: Tensor, content: Tensor) -> Tensor:
        return stylised


class Histogram:
    """The style gets the content's distribution of each of red, green and blue, exactly where no values are equal.

    CORAL's map goes before, so that the channels also vary together as the content's do: matched alone, they give
    colours that neither picture has. Equal values stay equal, so that plain areas stay plain.
    """

    def before(self, style: Tensor, content: Tensor) -> Tensor:
        moved = _recoloured(style, content)
        channels = zip(moved.flatten(0, 1), content.flatten(0, 1), strict=True)
        return torch.stack([_matched(values, wanted) for values, wanted in channels]).view_as(style)

    def after(self, stylised: Tensor, content: Tensor) -> Tensor:
        return stylised


POLICIES: dict[str, Policy] = {"luminance": Luminance(), "coral": Coral(), "histogram": Histogram()}


def _luminance(images: Tensor) -> Tensor:
    return (images * images.new_tensor(LUMINANCE)[:, None, None]).sum(1, keepdim=True)


def _recoloured(style: Tensor, content: Tensor) -> Tensor:
    own, wanted = _colours(style), _colours(content)
    matrix = _root(wanted.covariance, 0.5) @ _root(own.covariance, -0.5)
    pixels = matrix @ (style.double().flatten(2) - own.mean[:, :, None]) + wanted.mean[:, :, None]
    return pixels.view_as(style).to(style)


def _colours(images: Tensor) -> Moments:
    return full(images.double())


def _root(covariance: Tensor, power: float) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    return vectors @ torch.diag_embed(values.clamp_min(FLOOR) ** power) @ vectors.transpose(1, 2)


def _matched(values: Tensor, wanted: Tensor) -> Tensor:
    """`values` (h, w) in their order, distributed like `wanted` (H, W): the middle of each value's ranks, looked up."""
    _, level_of, counts = values.unique(return_inverse=True, return_counts=True)
    ranks = (counts.double().cumsum(0) - counts / 2) / values.numel()
    ordered = wanted.flatten().sort().values
    place = (ranks * len(ordered) - 0.5).clamp(0, len(ordered) - 1)
    below = place.floor().long()
    above = (below + 1).clamp_max(len(ordered) - 1)
    looked_up = torch.lerp(ordered[below], ordered[above], (place - below).to(ordered))
    return looked_up[level_of]
