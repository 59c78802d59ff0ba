"""Ways between latents, and crossings of them."""

import torch
from torch import Tensor

STRAIGHT = 1e-6
"""The sine of an angle so near to 0 or 180 degrees that no arc is defined, and the way is straight."""


def slerp(first: Tensor, second: Tensor, share: Tensor | float) -> Tensor:
    """The vectors (…, D) at `share` of the great arc from `first` to `second` (White 2016, section 2.1).

    Standard normal latents lie near a sphere, and a straight way between them would leave it: at its middle they would
    be shorter by a third, like none that the generator was trained on. `share` broadcasts against (…, 1).
    """
    a, b = torch.broadcast_tensors(first.double(), second.double())
    share = torch.as_tensor(share, dtype=torch.float64)
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=-1).clamp(-1, 1)[..., None]
    angle = cosine.acos()
    sine = angle.sin()
    arc = (((1 - share) * angle).sin() * a + (share * angle).sin() * b) / sine.clamp(min=STRAIGHT)
    return torch.where(sine > STRAIGHT, arc, torch.lerp(a, b, share)).to(first.dtype)


def lerp(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    return torch.lerp(*torch.broadcast_tensors(first, second, share.to(first)))


def closed_path(corners: Tensor, frames: int, spherical: bool) -> Tensor:
    """Through all corners (K, …) and back to the first: (K * frames, …), each leg beginning with its corner."""
    between = slerp if spherical else lerp
    share = (torch.arange(frames, dtype=torch.float64) / frames).reshape(1, frames, *[1] * (corners.dim() - 1))
    legs = between(corners[:, None], corners.roll(-1, 0)[:, None], share)
    return legs.flatten(0, 1)


def cross(parents: Tensor, mix: float) -> Tensor:
    """Parents (…, P, D) to one vector (…, D): `mix` is the last one's share, and the others have equal ones.

    Two by two on arcs: the k-th of the equal ones takes 1/k of the way.
    """
    *others, last = parents.unbind(-2)
    met = others[0]
    for count, other in enumerate(others[1:], 2):
        met = slerp(met, other, 1 / count)
    return slerp(met, last, mix)
