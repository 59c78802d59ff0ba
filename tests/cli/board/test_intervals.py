"""Contents and styles drawn again: crossed, as they are on a board."""

import torch

from atelier.cli.board.intervals import Draws, alike, interval
from atelier.metrics.frechet import Factored, frechet_distance


def drawn_by_hand(contents, styles, resamples=5):
    """Draws as counts, and the same as indices."""
    maker = torch.Generator().manual_seed(3)
    indices = [torch.randint(count, (resamples, count), generator=maker) for count in (contents, styles)]
    counts = (
        torch.stack([row.bincount(minlength=count) for row in chosen]).double()
        for chosen, count in zip(indices, (contents, styles), strict=True)
    )
    return Draws(*counts), [*zip(*indices, strict=True)]


def test_drawn_means_are_those_of_the_drawn_rows_and_columns():
    values = torch.rand(4, 6, generator=torch.Generator().manual_seed(0)).double()
    draws, indices = drawn_by_hand(4, 6)
    expected = torch.stack([values[rows][:, columns].mean() for rows, columns in indices])
    torch.testing.assert_close(draws.means(values), expected)


def test_drawn_frechet_distances_are_those_of_the_drawn_features():
    maker = torch.Generator().manual_seed(1)
    stylised, style = torch.randn(4, 6, 3, generator=maker), torch.randn(6, 3, generator=maker)
    draws, indices = drawn_by_hand(4, 6)
    expected = [
        frechet_distance(
            Factored.of(style[columns].repeat(4, 1)), Factored.of(stylised[rows][:, columns].flatten(0, 1))
        )
        for rows, columns in indices
    ]
    torch.testing.assert_close(draws.frechet_distances(stylised, style), torch.tensor(expected, dtype=torch.float64))


def effects(contents, styles, seed):
    """Values with an effect of each content, of each style, and of each pair."""
    maker = torch.Generator().manual_seed(seed)
    draw = (torch.randn(*shape, generator=maker, dtype=torch.float64) for shape in ((contents, 1), (1, styles)))
    return 3 + sum(draw) + 0.5 * torch.randn(contents, styles, generator=maker, dtype=torch.float64)


def width(values):
    low, high = interval(float(values.mean()), Draws.of(*values.shape).means(values))
    assert low < values.mean() < high
    return high - low


def test_intervals_shrink_with_more_contents_and_styles():
    widths = [sum(width(effects(count, count, seed)) for seed in range(5)) for count in (4, 12, 36)]
    assert widths[0] > 1.3 * widths[1] > 1.3**2 * widths[2]


def test_intervals_hold_the_true_mean_about_as_often_as_they_say():
    """Which intervals over single pairs, 6 times too narrow here, would not."""
    held = 0
    for seed in range(100):
        values = effects(20, 20, seed)
        low, high = interval(float(values.mean()), Draws.of(20, 20, 300).means(values))
        held += low < 3 < high
    assert 86 <= held <= 99


def test_differences_are_judged_draw_by_draw():
    values = effects(10, 10, 0)
    draws = Draws.of(10, 10)
    assert alike(draws.means(values), draws.means(values))
    assert not alike(draws.means(values), draws.means(values + 0.01))  # far less than the interval's width
