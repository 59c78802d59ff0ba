"""Styles that paint a view: pointillism, impressionism, seascape."""

from collections.abc import Callable

import numpy as np

from atelier.data.painting.easel import TAU, Array, Easel, blend, turned


def pointillism(easel: Easel) -> Array:
    """A landscape in dots of broken colour: here and there one is a pure colour of the palette."""
    scene = _landscape(easel)
    places = _scattered(easel, 16)
    colours = scene(*places.T) + easel.rng.normal(0, 16, (len(places), 1))
    pure = easel.rng.random(len(places)) < 0.16
    colours[pure] = easel.colours[easel.rng.integers(5, size=int(pure.sum()))]
    pen = easel.pen(easel.colours.mean(0))
    for place, colour in zip(places, colours, strict=True):
        pen.disc(place, 0.038, colour)
    return pen.pixels()


def impressionism(easel: Easel) -> Array:
    """A landscape in thick strokes that follow a swirling wind."""
    scene = _landscape(easel)
    places = _scattered(easel, 21)
    wind = easel.cloud(3)
    column, row = (places.clip(0, 1 - 1e-6) * easel.side).astype(int).T
    angles = (wind[row, column] - 0.5) * 1.6 * np.pi
    colours = scene(*places.T) + easel.rng.normal(0, 12, (len(places), 1))
    lengths = easel.rng.uniform(0.05, 0.085, len(places))
    pen = easel.pen(easel.colours[1])
    for place, angle, length, colour in zip(places, angles, lengths, colours, strict=True):
        pen.polygon(place + turned(_STROKE * (length, 0.017), angle), colour)
    return pen.pixels()


_STROKE = np.array([(-1, 0), (-0.7, -1), (0.7, -1), (1, 0), (0.7, 1), (-0.7, 1)])


def _scattered(easel: Easel, rows: int) -> Array:
    """Points (rows², 2) in random order, one in or near each cell of a grid: little ground lies bare."""
    cells = np.stack(np.meshgrid(np.arange(rows), np.arange(rows)), -1).reshape(-1, 2)
    places = (cells + easel.rng.uniform(-0.4, 1.4, cells.shape)) / rows
    return easel.rng.permutation(places)


def _landscape(easel: Easel) -> Callable[[Array, Array], Array]:
    """A sky with a sun, hills and a field: the colour (n, 3) at points x, y (n,)."""
    order = easel.shuffled()
    horizon = easel.between(0.42, 0.62)
    sun_x, sun_y, radius = easel.between(0.15, 0.85), easel.between(0.12, 0.3), easel.between(0.08, 0.14)
    waves, phase, height = easel.between(0.6, 1.6), easel.between(0, TAU), easel.between(0.06, 0.14)

    def colour(x: Array, y: Array) -> Array:
        hills = horizon - height * (1 + np.sin(TAU * waves * x + phase)) / 2
        sky = blend(order[0], order[1], (y / horizon).clip(0, 1) * 0.6)
        away = np.hypot(x - sun_x, y - sun_y) / radius
        sky = blend(sky, easel.colours[4], (2 - away).clip(0, 1))
        field = blend(order[3], order[4], ((y - horizon) / (1 - horizon)).clip(0, 1) * 0.7)
        land = np.where((y < horizon)[:, None], order[2] * 0.85, field)
        return np.where((y < hills)[:, None], sky, land)

    return colour


def seascape(easel: Easel) -> Array:
    """A sun in its glow above waves that darken and grow towards us."""
    x, y = easel.grid()
    high, low = easel.tint(easel.colours[easel.count(1, 3)]), easel.tint(easel.colours[4])
    horizon = easel.between(0.36, 0.52)
    sun_x, sun_y, radius = easel.between(0.2, 0.8), easel.between(0.12, 0.3), easel.between(0.06, 0.11)
    away = np.hypot(x - sun_x, y - sun_y)
    sky = blend(blend(high, np.full(3, 255.0), 0.35), low, np.broadcast_to(y / horizon, away.shape).clip(0, 1))
    sky = blend(sky, np.array([255, 244, 214]), np.exp(-((away / (3 * radius)) ** 2)) * 0.6)
    pen = easel.pen_on(sky)
    pen.disc(np.array([sun_x, sun_y]), radius, easel.tint(easel.colours[easel.count(2, 3)]))
    near, far = easel.tint(easel.colours[0]), easel.tint(easel.colours[easel.count(1, 3)])
    for depth in np.linspace(0, 1, 6):
        crest = _swell(easel, horizon + 0.02 + 0.45 * depth**1.2, 0.008 + 0.035 * depth)
        pen.polygon(np.vstack([(0, 1), crest, (1, 1)]), blend(far, near, depth * 0.85))
        pen.line(crest, 0.008 + 0.012 * depth, blend(far, np.full(3, 250.0), 0.65))
    return pen.pixels()


def _swell(easel: Easel, level: float, height: float) -> Array:
    """Points (65, 2) of a wave from edge to edge."""
    x = np.linspace(0, 1, 65)
    long, short = easel.between(1.2, 2.4), easel.between(3.0, 5.0)
    first, second = easel.rng.uniform(0, TAU, 2)
    rise = np.sin(TAU * long * x + first) + 0.4 * np.sin(TAU * short * x + second)
    return np.stack([x, level + height * rise], -1)
