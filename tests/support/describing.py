"""Activations, and how far apart two are by a distance in style."""

import torch


def activations(seed, batch=2, channels=5, sides=(8, 6)):
    """Of correlated channels."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(channels, channels, generator=generator)
    values = torch.einsum("dc,bchw->bdhw", mix, torch.randn(batch, channels, *sides, generator=generator))
    return values + torch.randn(channels, 1, 1, generator=generator)


def between(distance, activation, style, weight=None, style_weight=None):
    torch.manual_seed(0)  # Sliced draws directions
    target = distance.target(distance.describe(style, style_weight))
    return distance(distance.describe(activation, weight), target)


def gradient(loss, activation):
    (found,) = torch.autograd.grad(loss.sum(), activation)
    return found
