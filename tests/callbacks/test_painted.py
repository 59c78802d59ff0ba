from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pytorch_lightning import LightningModule

from atelier.callbacks.painted import PaintedPicture


class Canvas(LightningModule):
    """Its picture is darker on the left, and a little beyond white on the right."""

    def picture(self):
        return torch.linspace(-1, 1.1, 12).expand(1, 3, 5, 12)


def written(trainer, task):
    PaintedPicture().on_validation_end(trainer, task)
    return [path.name for path in Path(trainer.default_root_dir).glob("*.png")]


def test_the_picture_is_there_pixel_by_pixel_and_says_where_it_comes_from(trainer):
    assert written(trainer, Canvas()) == ["picture.png"]
    with Image.open(Path(trainer.default_root_dir) / "picture.png") as image:
        levels = np.clip(np.linspace(-1, 1.1, 12) * 127.5 + 127.5, 0, 255).round()
        np.testing.assert_array_equal(np.asarray(image), np.broadcast_to(levels[None, :, None], (5, 12, 3)))
        assert image.text == {"run": "model-data/monday", "step": "400"}


def test_a_model_that_is_no_picture_has_none(trainer):
    assert written(trainer, LightningModule()) == []


def test_no_picture_from_other_processes(trainer):
    trainer.is_global_zero = False
    assert written(trainer, Canvas()) == []
