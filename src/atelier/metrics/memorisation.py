"""Does a generator paint anew, or copy? Its images beside pictures that it was shown and pictures that it was not.

Everything is of feature vectors: generated (N, D); training and held-out (pictures, views, D), where the views of a
picture are all that training showed of it, such as the picture and its mirror image, the picture itself first.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from atelier.metrics.neighbours import nearest

CLOSEST_SHARE = 0.01
"""The share of held-out pictures, nearest to a training picture, that say what is suspiciously close."""

SUBSETS = 10
"""Over how many choices of training pictures, as many as are held out, a distance to them is averaged."""

IMPROBABLE = 0.001
"""A number of close images less probable than this is no chance."""

FAR = 2.0
"""Images so many times as far from training pictures as new pictures are resemble none of them."""

CLEAR = 3.0
"""Standard deviations: about 1 in 700 by chance, more where a few pictures are the nearest of many images."""


@dataclass(frozen=True)
class Closeness:
    """How many images lie closer to a training picture than nearly all held-out pictures do."""

    images: int
    held_out: int
    rank: int
    """How many of the held-out pictures set the threshold: the closest 1 %, and one at least."""
    threshold: float
    """The largest of their distances to the nearest training picture."""
    close: int
    """Images at the threshold or nearer."""
    expected: float
    """How many would be, if the images were new pictures of the same kind."""
    chance: float
    """How probable it is that so many or more would be."""
    distance: float
    """Mean distance of the images to the nearest training picture."""
    usual_distance: float
    """The same for the held-out pictures."""

    @property
    def share(self) -> float:
        return self.close / self.images


def closeness(generated: Tensor, held_out: Tensor) -> Closeness:
    """From the distances to the nearest training picture of the images, (N,), and of held-out pictures, (M,).

    Were images and held-out pictures alike, all their orders by distance would be equally probable, so that the
    number of images before the k-th of the held-out pictures has a beta-binomial distribution, whatever the distances.
    """
    rank = max(1, round(CLOSEST_SHARE * len(held_out)))
    threshold = held_out.kthvalue(rank).values
    close, images = int((generated <= threshold).sum()), len(generated)
    expected = images * rank / (len(held_out) + 1)
    return Closeness(
        images,
        len(held_out),
        rank,
        float(threshold),
        close,
        expected,
        _chance(close, images, rank, len(held_out)),
        float(generated.mean()),
        float(held_out.mean()),
    )


@dataclass(frozen=True)
class Gap:
    """How much nearer images lie to pictures of the training than to held-out ones."""

    training: float
    """Mean distance of the images to the nearest of a set of training pictures."""
    held_out: float
    """The same for as many held-out pictures."""
    unseen: float
    """The share of images whose nearest picture of all is a held-out one."""
    expected: float
    """The share of all pictures that are held out, which is what chance would make of `unseen`."""
    deviations: float
    """By how many standard deviations they are fewer; about 0 where nothing was copied."""

    @property
    def share(self) -> float:
        """The gap as a part of the distance to held-out pictures, 0 where there is none."""
        return 1 - self.training / self.held_out if self.held_out else 0.0


def gap(generated: Tensor, training: Tensor, held_out: Tensor, seed: int = 0) -> Gap:
    """For a generator that copies nothing it is chance which pictures are held out: any others might have been.

    So the distances are compared between sets of one size, for the more pictures, the nearer is the nearest; and how
    far the count of held-out nearest ones may stray is that of a sum over pictures drawn without replacement.
    """
    if not (len(training) and len(held_out)):
        raise ValueError(f"training and held_out must not be empty, got {len(training)} and {len(held_out)}")
    shuffle, size = torch.Generator().manual_seed(seed), min(len(training), len(held_out))
    near, far = (_distance_to_some(generated, pictures, size, shuffle) for pictures in (training, held_out))
    # how many images each of the pictures is the nearest of, the held-out ones last
    popularity = nearest_views(generated, torch.cat([training, held_out]))[1].bincount(
        minlength=len(training) + len(held_out)
    )
    found = int(popularity[len(training) :].sum())
    expected = len(held_out) / len(popularity)
    spread = len(held_out) * (1 - expected) * float(popularity.double().var())
    deviations = (expected * len(generated) - found) / spread**0.5 if spread else 0.0
    return Gap(near, far, found / len(generated), expected, deviations)


def verdict(closeness: Closeness, gap: Gap) -> str:
    """What the two measures say together, in plain words."""
    close = (
        f"{closeness.close} of {closeness.images} images ({closeness.expected:.1f} by chance) are as close to a "
        f"training picture as {closeness.rank} of {closeness.held_out} held-out pictures"
    )
    nearest = f"{gap.unseen:.1%} of all images have a held-out picture as their nearest ({gap.expected:.1%} by chance)"
    match closeness.chance < IMPROBABLE, gap.deviations > CLEAR:
        case True, True:
            return f"It copies: {close}, and {nearest}."
        case True, False:
            return (
                f"Suspicious: {close}, yet {nearest}. Either a few are copies, or they are of the plainest kind, which "
                "lies close to everything: look at them."
            )
        case False, True:
            return f"It leans on its training pictures: {nearest}, though only {close}."
    if 0 < FAR * closeness.usual_distance < closeness.distance:
        times = closeness.distance / closeness.usual_distance
        return f"Nothing to copy yet: images are {times:.1f} times as far from training pictures as new pictures are."
    return f"No sign of copying: {close}, and {nearest}."


def nearest_views(queries: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each query (N, D) the distance to the nearest view of any picture, which picture, and which view; (N,)."""
    distances, indices = nearest(queries, pictures.flatten(0, 1))
    views = pictures.shape[1]
    return distances, indices // views, indices % views


def _distance_to_some(queries: Tensor, pictures: Tensor, size: int, generator: torch.Generator) -> float:
    """The mean distance to the nearest of `size` of the pictures, averaged over choices of them."""
    choices = [torch.randperm(len(pictures), generator=generator)[:size] for _ in range(SUBSETS)]
    if size == len(pictures):
        choices = choices[:1]
    means = [float(nearest_views(queries, pictures[choice])[0].double().mean()) for choice in choices]
    return sum(means) / len(means)


def _chance(close: int, images: int, rank: int, held_out: int) -> float:
    """That `close` of the images or more come before the rank-th held-out picture, in an order by chance."""
    before = torch.arange(close, images + 1, dtype=torch.float64)
    after = images - before
    orders = _log_choose(before + rank - 1, before) + _log_choose(after + held_out - rank, after)
    every = _log_choose(torch.full_like(before, images + held_out), torch.full_like(before, images))
    return min(1.0, float((orders - every).exp().sum()))


def _log_choose(of: Tensor, some: Tensor) -> Tensor:
    return torch.lgamma(of + 1) - torch.lgamma(some + 1) - torch.lgamma(of - some + 1)
