"""Distances between sets of feature vectors: who lies next to whom, how far apart they are, who covers whom.

Everything is exact Euclidean distance in float32, by differences and not by scalar products, which would tell equal
vectors apart. Sets are (N, D); of large ones a chunk of the queries is compared at a time.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

CHUNK = 2**24
"""Distances held at once: 64 MB of them."""


def nearest(queries: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
    """For each query the distance to its nearest reference, float32 (N,), and which one that is, int64 (N,).

    A query that is among the references finds itself; of equally near ones, it is any.
    """
    found = [distances.min(1) for distances in _chunks(queries, references)]
    return torch.cat([part.values for part in found]), torch.cat([part.indices for part in found])


def radii(points: Tensor, k: int = 1) -> Tensor:
    """Each point's distance to the k-th nearest of the others, float32 (N,); equal points count as others."""
    if not 1 <= k < len(points):
        raise ValueError(f"k must be in 1..{len(points) - 1}, the other points, got {k}")
    # k + 1, as each point is its own nearest, at distance 0
    return torch.cat([distances.kthvalue(k + 1, dim=1).values for distances in _chunks(points, points)])


def spread(points: Tensor) -> float:
    """Mean distance between two different points; 0 where all are equal. Needs two points at least."""
    if len(points) < 2:
        raise ValueError(f"points must be at least 2, got {len(points)}")
    total = sum(distances.sum(dtype=torch.float64).item() for distances in _chunks(points, points))
    return total / (len(points) * (len(points) - 1))


def recall(real: Tensor, fake: Tensor, k: int = 3) -> float:
    """The share of real points which lie in the manifold of the generated ones (Kynkäänniemi et al. 2019, eq. 1-2).

    That manifold is the union of a ball around each generated point that reaches to its k-th nearest other one. With
    the two sets exchanged it is their precision.
    """
    reach = radii(fake, k)
    covered = torch.cat([(distances <= reach).any(1) for distances in _chunks(real, fake)])
    return covered.float().mean().item()


def _chunks(queries: Tensor, references: Tensor) -> Iterator[Tensor]:
    """The matrix of distances, some rows at a time."""
    if not len(references):
        raise ValueError("references must not be empty")
    references = references.float()
    for some in queries.float().split(max(1, CHUNK // len(references))):
        yield torch.cdist(some, references, compute_mode="donot_use_mm_for_euclid_dist")
