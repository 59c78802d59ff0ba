"""Distances between sets of feature vectors: who lies next to whom, and how far apart they are.

Everything is Euclidean distance. Sets are (N, D); of large ones some of the queries are compared at a time.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

CHUNK = 2**24
"""Distances held at once: 64 MB of them, or 128 in float64."""

Distance = Callable[[Tensor, Tensor], Tensor]
"""From (N, D) and (M, D) to the matrix of distances (N, M)."""


def exact(queries: Tensor, references: Tensor) -> Tensor:
    """In float32, by differences, so that equal vectors are at distance 0."""
    return torch.cdist(queries.float(), references.float(), compute_mode="donot_use_mm_for_euclid_dist")


def by_products(queries: Tensor, references: Tensor) -> Tensor:
    """In float64, by scalar products: many times as fast for long vectors.

    Equal vectors are at a distance of up to 10⁻⁷ of their lengths.
    """
    return torch.cdist(queries.double(), references.double(), compute_mode="use_mm_for_euclid_dist")


def chunks(queries: Tensor, references: Tensor, distance: Distance = exact) -> Iterator[Tensor]:
    """The matrix of distances, some rows at a time; `split` parts what belongs to the queries alike."""
    if not len(references):
        raise ValueError("references must not be empty")
    return (distance(some, references) for some in split(queries, len(references)))


def split(rows: Tensor, columns: int) -> tuple[Tensor, ...]:
    return rows.split(max(1, CHUNK // columns))


def nearest(queries: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
    """For each query the distance to its nearest reference, float32 (N,), and which one that is, int64 (N,).

    A query that is among the references finds itself; of equally near ones, it is any.
    """
    found = [distances.min(1) for distances in chunks(queries, references)]
    return torch.cat([part.values for part in found]), torch.cat([part.indices for part in found])


def radii(points: Tensor, k: int = 1, distance: Distance = exact) -> Tensor:
    """Each point's distance to the k-th nearest of the others, (N,); equal points count as others."""
    if not 1 <= k < len(points):
        raise ValueError(f"k must be in 1..{len(points) - 1}, the other points, got {k}")
    # k + 1, as each point is its own nearest, at distance 0
    return torch.cat([distances.kthvalue(k + 1, dim=1).values for distances in chunks(points, points, distance)])


def spread(points: Tensor) -> float:
    """Mean distance between two different points; 0 where all are equal. Needs two points at least."""
    if len(points) < 2:
        raise ValueError(f"points must be at least 2, got {len(points)}")
    total = sum(distances.sum(dtype=torch.float64).item() for distances in chunks(points, points))
    return total / (len(points) * (len(points) - 1))
