"""Styles without a subject: colour field, suprematism, action painting, op art."""

import numpy as np

from atelier.data.painting.easel import TAU, Array, Easel, blend, plateau, turned


def colour_field(easel: Easel) -> Array:
    """Two or three blocks with breathing edges, floating on a ground."""
    x, y = easel.grid()
    ground, *fills = easel.shuffled()
    heights = easel.rng.uniform(0.6, 1.8, easel.count(2, 3))
    edges = 0.07 + 0.86 * np.concatenate([[0], np.cumsum(heights) / heights.sum()])
    softness = easel.between(0.015, 0.035)
    wobble = (easel.cloud(4) - 0.5) * 0.03
    canvas = np.broadcast_to(easel.tint(ground), (easel.side, easel.side, 3))
    for fill, top, bottom in zip(fills, edges[:-1], edges[1:], strict=False):
        cover = plateau(x + wobble, 0.09, 0.91, softness) * plateau(y + wobble, top + 0.02, bottom - 0.02, softness)
        canvas = blend(canvas, easel.tint(fill), cover)
    return canvas + (easel.cloud(7)[..., None] - 0.5) * 36


def suprematism(easel: Easel) -> Array:
    """Bars along one diagonal, a few across it and a disc, on canvas white."""
    pen = easel.pen(np.array([238, 232, 218]))
    angle = easel.between(0.25, 0.7) * (1 if easel.chance(0.5) else -1)
    inks = easel.rng.permutation(np.vstack([easel.colours[:4], [(24, 22, 26)]]))  # the lightest would be lost
    if easel.chance(0.7):
        pen.disc(easel.rng.uniform(0.2, 0.8, 2), easel.between(0.1, 0.2), easel.tint(inks[0]))
    bars = easel.count(3, 6)
    lengths = np.sort(easel.rng.uniform(0.1, 0.42, bars))[::-1]
    for number, length in enumerate(lengths):
        across = np.pi / 2 if easel.chance(0.25) else 0.0
        half = np.array([length, easel.between(0.02, 0.07) + 0.1 * length])
        middle = 0.5 + easel.rng.uniform(-0.34, 0.34, 2)
        pen.polygon(middle + turned(_RECTANGLE * half, angle + across), easel.tint(inks[number % 4 + 1]))
    return pen.pixels()


_RECTANGLE = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])


def action_painting(easel: Easel) -> Array:
    """Paint flung in loops and drops from edge to edge."""
    dark = easel.chance(0.4)
    pen = easel.pen(easel.tint(easel.colours[0 if dark else 4]))
    inks = easel.colours[1:] if dark else easel.colours[:-1]
    time = np.linspace(0, 1, 60)[:, None]
    for _ in range(easel.count(9, 14)):
        # A slow drift with two faster loops on top: what an arm does.
        start, drift = easel.rng.uniform(0, 1, 2), easel.rng.normal(0, 0.5, 2)
        speeds, phases = easel.rng.uniform(0.8, 2.6, (2, 2)), easel.rng.uniform(0, TAU, (2, 2))
        reach = easel.rng.uniform(0.06, 0.24, (2, 2))
        loops = sum(reach[k] * np.sin(TAU * speeds[k] * time + phases[k]) for k in range(2))
        pen.line(start + drift * time + loops, easel.between(0.012, 0.04), easel.tint(inks[easel.count(0, 3)]))
    for _ in range(easel.count(20, 36)):
        pen.disc(easel.rng.random(2), easel.between(0.006, 0.028), easel.tint(inks[easel.count(0, 3)]))
    return pen.pixels()


def op_art(easel: Easel) -> Array:
    """Two colours in stripes or rings, bent as if over a hidden relief."""
    x, y = easel.grid()
    dark, light = easel.tint(easel.colours[easel.count(0, 1)]), easel.tint(easel.colours[easel.count(3, 4)])
    relief = easel.cloud(3) * easel.between(0.6, 1.6)
    middle_x, middle_y = easel.rng.uniform(0.3, 0.7, 2)
    if easel.chance(0.5):
        across = np.hypot(x - middle_x, y - middle_y) * easel.between(7, 10)
    else:
        angle = easel.between(-0.5, 0.5) + (np.pi / 2 if easel.chance(0.5) else 0.0)
        across = (x * np.cos(angle) + y * np.sin(angle)) * easel.between(5, 7)
    stripes = (0.5 + 3 * np.sin(TAU * (across + relief))).clip(0, 1)
    return blend(dark, light, stripes)
