"""Cubism: the square broken into shaded shards."""

import numpy as np

from atelier.data.painting.easel import Array, Easel


def cubism(easel: Easel) -> Array:
    """Shards along few directions, each lit from one of its sides, with dark joints."""
    directions = easel.between(0, np.pi) + np.array([0.0, 1.1, 2.0])
    shards = _shards(easel, easel.count(11, 17), directions)
    owner = _owner(easel, shards)
    fills = easel.tint(easel.colours[easel.rng.integers(5, size=len(shards))], 14)
    slopes = np.vstack([_towards(easel.rng.choice(directions)) * easel.between(1.0, 2.2) for _ in shards])
    levels = easel.rng.uniform(0.8, 1.05, len(shards))
    middles = np.array([shard.mean(0) for shard in shards])
    x, y = easel.grid()
    offsets = levels - (slopes * middles).sum(1)  # the light at the origin, were the shard that large
    light = slopes[owner, 0] * x + slopes[owner, 1] * y + offsets[owner]
    pen = easel.pen_on(fills[owner] * light.clip(0.45, 1.3)[..., None])
    for shard in shards:
        pen.line(np.vstack([shard, shard[:1]]), 0.012, easel.colours[0] * 0.4)
    return pen.pixels()


def _owner(easel: Easel, shards: list[Array]) -> Array:
    """The number of the shard that each pixel lies in, (side, side)."""
    pen = easel.pen(np.zeros(3))
    for number, shard in enumerate(shards):
        pen.polygon(shard, np.full(3, number))
    return pen.pixels()[..., 0]


def _towards(angle: float) -> Array:
    return np.array([np.cos(angle), np.sin(angle)])


def _shards(easel: Easel, cuts: int, directions: Array) -> list[Array]:
    """The unit square, cut time and again: always the largest shard, near its middle."""
    shards = [np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])]
    for _ in range(cuts):
        shards.sort(key=_area)
        shard = shards.pop()
        through = easel.rng.dirichlet(np.full(len(shard), 4.0)) @ shard
        normal = _towards(easel.rng.choice(directions) + easel.rng.normal(0, 0.15))
        shards += [_half(shard, through, normal), _half(shard, through, -normal)]
    return shards


def _area(polygon: Array) -> float:
    x, y = polygon.T
    return abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2


def _half(polygon: Array, through: Array, normal: Array) -> Array:
    """The part of a convex polygon on the side the normal points to."""
    heights = (polygon - through) @ normal
    kept = []
    for here, corner in enumerate(polygon):
        there = (here + 1) % len(polygon)
        if heights[here] >= 0:
            kept.append(corner)
        if heights[here] * heights[there] < 0:
            share = heights[here] / (heights[here] - heights[there])
            kept.append(corner + share * (polygon[there] - corner))
    return np.array(kept)
