from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning import LightningModule
from torch.testing import assert_close

from atelier.callbacks.stylised import StylisedGrid
from atelier.data.types import Pair


class Blender(LightningModule):
    """Its pictures are halfway between content and style's colour, and it notes what it was given."""

    def stylised(self, batch):
        self.given = batch
        torch.randn(3)
        assert not torch.is_grad_enabled()
        return (batch.content + batch.style.mean((2, 3), keepdim=True)) / 2


def flat(level, count=3, height=8, width=8):
    return torch.full((count, 3, height, width), float(level))


PAIR = Pair(flat(-1), flat(1), torch.tensor([2, 0, 1]))


def pictures(trainer):
    return sorted(path.name for path in Path(trainer.default_root_dir).glob("samples/*"))


def cell(shown, row, column, height=8, width=8):
    """What is within the two pixels around each."""
    return shown[2 + row * (height + 2) :, 2 + column * (width + 2) :][:height, :width]


def validate(shown, trainer, task, *batches):
    for number, batch in enumerate(batches):
        shown.on_validation_batch_end(trainer, task, None, batch, number)
    shown.on_validation_end(trainer, task)


def test_a_row_is_a_content_its_style_and_what_became_of_it(trainer):
    validate(StylisedGrid(count=2), trainer, Blender(), PAIR)

    ((key, step, shown),) = trainer.loggers[0].images
    assert (key, step) == ("samples", 400)
    assert shown.shape == (2 * 10 + 2, 3 * 10 + 2, 3)
    for row in range(2):
        for column, level in enumerate((0, 255, 128)):
            assert {*cell(shown, row, column).flatten().tolist()} == {level}


@pytest.mark.parametrize("seamless", [False, True])
def test_of_a_texture_the_style_is_shown_once_and_how_it_tiles(seamless):
    blender, ramp = Blender(), torch.linspace(-1, 1, 8).expand(1, 3, 8, 8)
    blender.seamless = seamless
    drawn = StylisedGrid().draw(blender, Pair(ramp, ramp))
    assert drawn.shape == (12, (2 + seamless) * 10 + 2, 3)
    np.testing.assert_array_equal(cell(drawn, 0, 0)[0, :, 0], np.linspace(0, 255, 8).round())
    if seamless:
        tiled = cell(drawn, 0, 2).astype(int)
        np.testing.assert_array_equal(tiled[:, 1:3], tiled[:, 5:7])  # but for the edges, where it is made smaller
        assert tiled[0, 2, 0] > tiled[0, 1, 0]


def test_the_picture_says_where_it_comes_from(trainer):
    validate(StylisedGrid(), trainer, Blender(), PAIR)

    assert pictures(trainer) == ["000400.png"]
    with Image.open(Path(trainer.default_root_dir) / "samples/000400.png") as image:
        assert image.text == {"run": "model-data/monday", "step": "400"}
        np.testing.assert_array_equal(np.asarray(image), trainer.loggers[0].images[0][2])


@pytest.mark.parametrize("label", [torch.tensor([2, 0, 1]), None])
def test_labels_stay_with_their_pictures(label, trainer):
    blender = Blender()
    validate(StylisedGrid(count=2), trainer, blender, PAIR._replace(label=label))
    assert len(blender.given.content) == len(blender.given.style) == 2
    assert blender.given.label is label or blender.given.label.tolist() == [2, 0]


@pytest.mark.parametrize(("height", "width"), [(4, 16), (16, 4), (8, 8), (2, 2)])
def test_a_style_of_another_shape_is_shown_whole_on_white(height, width):
    """Red in its first half and green in its second, whichever way it lies."""
    style = flat(-1, 1, height, width)
    halves = style.chunk(2, 3 if width > height else 2)
    halves[0][:, 0], halves[1][:, 1] = 1, 1
    shown = cell(StylisedGrid().draw(Blender(), Pair(flat(0, 1), style)), 0, 1).astype(int)
    coloured = (shown != 255).any(2)
    assert coloured.sum() == 64 * min(height, width) // max(height, width)
    assert abs((shown[coloured][:, 0] > 127).sum() - (shown[coloured][:, 1] > 127).sum()) <= 8


def test_the_first_pictures_of_a_validation_are_drawn_however_small_its_batches(trainer):
    count = len(PAIR.content)
    one_by_one = [Pair(*(None if part is None else part[i : i + 1] for part in PAIR)) for i in range(count)]
    shown = StylisedGrid(count=2)
    validate(shown, trainer, Blender(), PAIR)
    validate(shown, trainer, Blender(), *one_by_one)
    first, second = (picture for _, _, picture in trainer.loggers[0].images)
    np.testing.assert_array_equal(first, second)


def test_no_grid_from_other_processes(trainer):
    trainer.is_global_zero = False
    validate(StylisedGrid(), trainer, Blender(), PAIR)
    assert pictures(trainer) == []


def test_drawing_does_not_touch_the_random_numbers_of_training():
    before = torch.get_rng_state()
    StylisedGrid().draw(Blender(), PAIR)
    assert_close(torch.get_rng_state(), before, rtol=0, atol=0)


def test_a_task_that_cannot_stylise_is_refused_before_training(trainer):
    with pytest.raises(TypeError, match=r"LightningModule has no stylised\(batch\)"):
        StylisedGrid().setup(trainer, LightningModule(), "fit")
    StylisedGrid().setup(trainer, Blender(), "fit")


def test_a_grid_holds_at_least_one_pair():
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        StylisedGrid(count=0)
