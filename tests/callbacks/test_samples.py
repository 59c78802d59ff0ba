from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning import LightningModule

from atelier.callbacks.samples import SampleGrid


class Painter(LightningModule):
    """Its pictures depend on the latents, on the global generator and on what it has learned."""

    learned = 0.0

    def sample(self, count, generator=None): ...

    def numbered(self, seed, numbers, truncation=None, labels=None):
        latents = torch.randn(len(numbers), 3, 4, 4, generator=torch.Generator().manual_seed(seed))
        return (latents + torch.randn(len(numbers), 1, 1, 1)).tanh() + self.learned, None


def pictures(trainer):
    return sorted(path.name for path in Path(trainer.default_root_dir).glob("samples/*"))


def test_a_validation_leaves_a_grid_that_says_where_it_comes_from(trainer):
    SampleGrid(count=5, seed=7).on_validation_end(trainer, Painter())

    assert pictures(trainer) == ["000400.png"]
    ((key, step, shown),) = trainer.loggers[0].images
    assert (key, step) == ("samples", 400)
    with Image.open(Path(trainer.default_root_dir) / "samples/000400.png") as image:
        assert image.text == {"run": "model-data/monday", "step": "400", "seed": "7"}
        np.testing.assert_array_equal(np.asarray(image), shown)


def test_the_first_grid_comes_before_the_first_step(trainer):
    grids = SampleGrid(count=1)
    trainer.global_step = 0
    grids.on_train_start(trainer, Painter())
    trainer.global_step = 400  # resumed
    grids.on_train_start(trainer, Painter())

    assert pictures(trainer) == ["000000.png"]


def test_no_grid_from_other_processes(trainer):
    trainer.is_global_zero = False

    SampleGrid(count=1).on_validation_end(trainer, Painter())

    assert pictures(trainer) == []


def test_the_same_latents_every_time_whatever_else_was_drawn():
    painter, grids = Painter(), SampleGrid(count=3)
    first = grids.draw(painter, painter.device)
    torch.randn(10)
    np.testing.assert_array_equal(grids.draw(painter, painter.device), first)

    painter.learned = 0.5
    assert (grids.draw(painter, painter.device) != first).any()
    assert (SampleGrid(count=3, seed=1).draw(Painter(), painter.device) != first).any()


def test_drawing_does_not_touch_the_random_numbers_of_training():
    torch.manual_seed(0)
    expected = torch.randn(3)
    torch.manual_seed(0)

    SampleGrid(count=2).draw(Painter(), torch.device("cpu"))

    torch.testing.assert_close(torch.randn(3), expected, rtol=0, atol=0)


def test_a_task_that_cannot_sample_is_refused_before_training(trainer):
    with pytest.raises(TypeError, match=r"LightningModule has no numbered\(seed, numbers\)"):
        SampleGrid().setup(trainer, LightningModule(), "fit")
    SampleGrid().setup(trainer, Painter(), "fit")


def test_a_grid_holds_at_least_one_image():
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        SampleGrid(count=0)


@pytest.mark.gpu
def test_a_gpu_draws_the_pictures_of_the_cpu_and_keeps_its_random_numbers():
    device = torch.device("cuda", torch.cuda.current_device())
    before = torch.cuda.get_rng_state(device)

    SampleGrid(count=2).draw(Painter(), device)

    torch.testing.assert_close(torch.cuda.get_rng_state(device), before, rtol=0, atol=0)


class Labelled(LightningModule):
    classes = 3

    def sample(self, count, generator=None, labels=None): ...

    def numbered(self, seed, numbers, truncation=None, labels=None):
        return (labels - 1.0)[:, None, None, None].expand(len(numbers), 3, 4, 4), labels


def test_more_classes_than_images_are_no_strip(trainer, monkeypatch):
    monkeypatch.setattr(Labelled, "classes", 40)
    for count, columns, rows in ((9, 3, 3), (40, 7, 6), (41, 40, 2)):
        SampleGrid(count=count).on_validation_end(trainer, Labelled())
        assert trainer.loggers[0].images[-1][2].shape[:2] == (rows * 6 + 2, columns * 6 + 2)


def test_a_column_is_of_one_class(trainer):
    SampleGrid(count=9).on_validation_end(trainer, Labelled())
    ((_, _, shown),) = trainer.loggers[0].images
    assert shown.shape == (3 * 6 + 2, 3 * 6 + 2, 3)
    for column, level in enumerate((0, 128, 255)):
        assert {int(value) for value in shown[2:18:6, 6 * column + 2].flatten()} == {level}
