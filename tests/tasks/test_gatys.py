"""A picture whose pixels are learned gets nearer to its goal, from coarse to fine."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning import Callback, Trainer
from torch import nn
from torch.optim import LBFGS, Adam
from torch.testing import assert_close
from torch.utils.data import DataLoader

from atelier import encoders
from atelier.data.types import Pair
from atelier.losses.content import ContentDistance
from atelier.losses.style import Gram
from atelier.tasks.gatys import Gatys, begun, scales_of, schedule, whole
from atelier.tasks.picture_objective import PictureGoal, PictureObjective, StyleGoal

SIDE = 40
QUASI_NEWTON = partial(LBFGS, lr=1.0, max_iter=1, max_eval=25, history_size=20, line_search_fn="strong_wolfe")


def picture(number, height, width):
    coarse = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(number)) * 2 - 1
    return nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(-1, 1)


PAIR = Pair(picture(0, 24, SIDE), picture(1, SIDE, 32))


def objective(**changes):
    parts = {"encoder": encoders.embedded(), "content_distance": ContentDistance(), "style_distance": Gram()}
    taps = {"content": {"relu3_1": 1.0}, "style": {"relu1_1": 0.5, "relu2_1": 0.5, "relu3_1": 0.5}}
    return PictureObjective(**{**parts, **taps, "style_weight": 10.0, **changes})


def task(optimizer=QUASI_NEWTON, **changes):
    return Gatys(**{"objective": objective(), "optimizer": optimizer, "image_size": SIDE, **changes})


class Watch(Callback):
    """Measures the picture after each step, by the goal of its scale."""

    def __init__(self):
        self.losses, self.shapes, self.terms = [], [], []

    @torch.no_grad()
    def on_train_batch_end(self, trainer, task, outputs, *_):
        painted = task.picture()
        self.losses.append(sum(task.objective(painted, task.goal, whole(painted)).values()).item())
        self.shapes.append(tuple(painted.shape[2:]))
        self.terms.append(outputs)


def train(painter, steps, pair=PAIR):
    watch = Watch()
    torch.manual_seed(0)
    trainer = Trainer(
        max_steps=steps, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[watch], max_epochs=-1,
    )  # fmt: skip
    trainer.fit(painter, DataLoader([pair] * steps, batch_size=None))
    return watch


def test_the_coarsest_scale_is_no_smaller_than_need_be():
    assert [scales_of(side) for side in (64, 256, 511, 512, 1023, 1024, 4096)] == [1, 1, 1, 2, 2, 3, 5]


@pytest.mark.parametrize(("scales", "steps"), [(1, 5), (3, 300), (3, 10), (4, 3)])
def test_the_scales_have_all_steps_between_them_and_double(scales, steps):
    found = [*schedule(scales, steps)]
    assert found[0].first == 0
    assert found[-1].last == steps
    assert [one.last for one in found[:-1]] == [one.first for one in found[1:]]
    assert max(one.last - one.first for one in found) - min(one.last - one.first for one in found) <= 1
    assert [one.factor for one in found] == [0.5**number for number in reversed(range(scales))]


def test_the_loss_never_rises_within_a_scale():
    watch = train(task(scales=2), 24)
    for losses in (watch.losses[:12], watch.losses[12:]):
        for before, after in pairwise(losses):
            assert after <= before * (1 + 1e-6)
        assert losses[-1] < 0.8 * losses[0]


def test_sides_double_from_scale_to_scale_and_a_step_is_a_batch():
    watch = train(task(scales=2), 5)
    assert watch.shapes == [(16, 20)] * 2 + [(24, 40)] * 3  # never less than 16, which encoders need


def test_terms_are_those_of_the_objective_by_name():
    watch = train(task(objective=objective(variation_weight=0.1)), 1)
    assert set(watch.terms[0]) == {"loss", "picture/content", "picture/style", "picture/variation"}


def test_what_is_recorded_of_a_step_is_the_picture_before_it_and_none_that_the_line_search_threw_away():
    watch = train(task(), 12)
    recorded = [terms["picture/content"].item() + terms["picture/style"].item() for terms in watch.terms]
    assert_close(recorded[1:], watch.losses[:-1], rtol=1e-4, atol=1e-6)


def plain_loop(pair, painted_towards, optimizer, steps, start="content"):
    """As one would write it without scales. Returns the picture and its loss."""
    torch.manual_seed(0)
    pixels = nn.Parameter(begun(pair.content, start))
    descent, cut = optimizer([pixels]), whole(pair.content)
    goal = PictureGoal(painted_towards.content_of(pair.content, cut), [StyleGoal(painted_towards.aims(pair.style))])

    def measure():
        descent.zero_grad()
        loss = sum(painted_towards(pixels, goal, cut).values())
        loss.backward()
        return loss

    for _ in range(steps):
        descent.step(measure)
    with torch.no_grad():
        return pixels.detach(), sum(painted_towards(pixels, goal, cut).values()).item()


@pytest.mark.parametrize("optimizer", [QUASI_NEWTON, partial(Adam, lr=0.02)], ids=["lbfgs", "adam"])
def test_one_scale_is_the_plain_loop(optimizer):
    painter = task(optimizer)
    train(painter, 6)
    expected, _ = plain_loop(PAIR, objective(), optimizer, 6)
    assert_close(painter.picture().detach(), expected, rtol=1e-3, atol=1e-4)


def photograph(path, size):
    with Image.open(path) as image:
        image.thumbnail((size, size))
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None].contiguous() / 127.5 - 1


@pytest.mark.parametrize("optimizer", [QUASI_NEWTON, partial(Adam, lr=0.02)], ids=["lbfgs", "adam"])
def test_from_noise_coarse_to_fine_ends_below_a_plain_loop_of_as_many_steps(optimizer, shared_data):
    """From the content it does not, at sizes that a test has time for: there the fine steps are the ones that count."""
    content = photograph(sorted((shared_data / "photos256").glob("*.jpg"))[0], 64)
    style = photograph(sorted((shared_data / "paintings256" / "train").rglob("*.jpg"))[0], 64)
    painted_towards = objective(
        encoder=encoders.vgg19_slim(str(shared_data / "weights" / encoders.SLIM_FILE)),
        style={f"relu{stage}_1": 0.2 for stage in range(1, 6)},
        content={"relu4_2": 1.0},
        style_weight=100.0,
    )
    pair = Pair(content, style)
    watch = train(task(optimizer, objective=painted_towards, image_size=64, scales=2, start="noise"), 30, pair)
    _, plain = plain_loop(pair, painted_towards, optimizer, 30, "noise")
    assert watch.losses[-1] < 0.95 * plain


@pytest.mark.parametrize(("height", "width"), [(24, 40), (40, 24), (39, 17)])
def test_pictures_keep_the_contents_shape_at_every_scale(height, width):
    pair = Pair(picture(0, height, width), picture(1, 20, 33))
    painter = task(scales=2)
    assert_close(painter.stylised(pair), pair.content)  # before the first step
    train(painter, 1, pair)
    for steps in (1, 3):
        painter = task(scales=2)
        train(painter, steps, pair)
        found = painter.stylised(pair)
        assert found.shape == (1, 3, height, width)
        assert found.abs().max() <= 1


def test_noise_is_drawn_from_the_global_generator_and_a_content_is_not_shared():
    torch.manual_seed(3)
    first = begun(PAIR.content, "noise")
    torch.manual_seed(3)
    assert_close(begun(PAIR.content, "noise"), first, rtol=0, atol=0)
    assert_close(first.std(), torch.tensor(0.1), rtol=0.1, atol=0)
    begun(PAIR.content, "content").zero_()
    assert PAIR.content.any()


def test_only_the_pixels_are_learned_and_saved():
    painter = task()
    train(painter, 1)
    assert {*painter.state_dict()} == {"pixels", "extent", "reached"}
    assert [name for name, _ in painter.named_parameters()] == ["pixels"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"scales": 0}, "scales must be >= 1, got 0"),
        ({"start": "style"}, r"start must be one of \['content', 'noise'\], got 'style'"),
    ],
)
def test_bad_values_are_refused(changes, fault):
    with pytest.raises(ValueError, match=fault):
        task(**changes)
