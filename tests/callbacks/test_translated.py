from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning import LightningModule
from torch.testing import assert_close
from translating import Lighter, coloured, from_pixels

from atelier.callbacks.translated import TranslatedGrid
from atelier.data.types import Pair, Paired


def cell(shown, row, column, size):
    """What is within the two pixels around each."""
    return shown[2 + row * (size + 2) :, 2 + column * (size + 2) :][:size, :size]


def as_image(pixels):
    return pixels.permute(1, 2, 0).numpy()


@pytest.fixture
def batch():
    return Pair(from_pixels(coloured(3, 0) // 2), from_pixels(coloured(3, 1)))


def validate(shown, trainer, task, *batches):
    for number, batch in enumerate(batches):
        shown.on_validation_batch_end(trainer, task, None, batch, number)
    shown.on_validation_end(trainer, task)


def test_a_row_is_what_the_task_shows_of_a_content(trainer, batch):
    validate(TranslatedGrid(count=2), trainer, Lighter(), batch)

    ((key, step, shown),) = trainer.loggers[0].images
    assert (key, step) == ("samples", 400)
    assert shown.shape == (2 * 10 + 2, 3 * 10 + 2, 3)
    content, style = coloured(3, 0) // 2, coloured(3, 1)
    for row in range(2):
        for column, pixels in enumerate((content, content + 10, style)):
            np.testing.assert_array_equal(cell(shown, row, column, 8), as_image(pixels[row]))
    with Image.open(Path(trainer.default_root_dir) / "samples/000400.png") as image:
        assert image.text == {"run": "model-data/monday", "step": "400"}
        np.testing.assert_array_equal(np.asarray(image), shown)


@pytest.mark.parametrize("times", [2, 4])
def test_a_pixel_of_a_smaller_content_is_shown_as_a_square(times):
    small, large = coloured(2, 0) // 2, coloured(2, 1, 8 * times)
    shown = TranslatedGrid().draw(Lighter(times), Paired(from_pixels(small), from_pixels(large)))
    side = 8 * times
    assert shown.shape == (2 * (side + 2) + 2, 3 * (side + 2) + 2, 3)
    for row in range(2):
        squares = np.kron(as_image(small[row]), np.ones((times, times, 1), np.uint8))
        np.testing.assert_array_equal(cell(shown, row, 0, side), squares)
        np.testing.assert_array_equal(cell(shown, row, 1, side), squares + 10)
        np.testing.assert_array_equal(cell(shown, row, 2, side), as_image(large[row]))


def test_pictures_of_another_shape_are_shown_whole_on_white():
    content, target = torch.zeros(1, 3, 4, 8), torch.zeros(1, 3, 16, 16)
    shown = TranslatedGrid().draw(Lighter(), Pair(content, target))
    first = cell(shown, 0, 0, 16)
    assert (first[4:12] == 128).all()
    assert (first[:4] == 255).all()
    assert (first[12:] == 255).all()


def test_only_the_first_pictures_are_translated_with_what_belongs_to_them(trainer):
    known = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 1, 8, 8)
    pictures = from_pixels(coloured(3, 0))
    task = Lighter()
    validate(TranslatedGrid(count=2), trainer, task, Paired(pictures, pictures, known))
    validate(TranslatedGrid(count=2), trainer, task, Paired(pictures, pictures))
    marked, unmarked = task.given
    assert_close(marked.known, known[:2], rtol=0, atol=0)
    assert unmarked.known is None
    assert len(marked.content) == len(unmarked.target) == 2


def test_no_grid_from_other_processes(trainer, batch):
    trainer.is_global_zero = False
    validate(TranslatedGrid(), trainer, Lighter(), batch)
    assert not (Path(trainer.default_root_dir) / "samples").exists()


def test_drawing_does_not_touch_the_random_numbers_of_training(batch):
    before = torch.get_rng_state()
    TranslatedGrid().draw(Lighter(), batch)
    assert_close(torch.get_rng_state(), before, rtol=0, atol=0)


def test_a_task_that_cannot_translate_is_refused_before_training(trainer):
    with pytest.raises(TypeError, match=r"LightningModule has no translated\(batch\) and shown\(batch\): leave"):
        TranslatedGrid().setup(trainer, LightningModule(), "fit")
    TranslatedGrid().setup(trainer, Lighter(), "fit")


def test_a_grid_holds_at_least_one_row():
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        TranslatedGrid(count=0)
