"""Decoders that learn to draw what an encoder sees; styles come only afterwards."""

from functools import partial

import pytest
import torch
from pytorch_lightning import Trainer
from torch.optim import Adam
from torch.optim.lr_scheduler import ConstantLR
from torch.testing import assert_close
from torch.utils.data import DataLoader

from atelier import encoders
from atelier.data.types import Pair
from atelier.moments import full
from atelier.networks.decoder import Decoder
from atelier.tasks.wct import Wct


def pictures(number, height=32, width=32):
    coarse = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(number)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(-1, 1)


PAIR = Pair(pictures(0), pictures(1))


def task(taps=("relu3_1", "relu2_1", "relu1_1"), **changes):
    torch.manual_seed(0)
    return Wct(encoders.embedded(), taps, Decoder, partial(Adam, lr=3e-3), partial(ConstantLR, factor=1.0), **changes)


def losses(learner):
    with torch.no_grad():
        return {tap: loss.item() for tap, loss in learner.losses(torch.cat(PAIR[:2])).items()}


def test_every_decoder_learns():
    learner = task()
    before = losses(learner)
    trainer = Trainer(
        max_steps=25, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, max_epochs=-1,
    )  # fmt: skip
    trainer.fit(learner, DataLoader([PAIR] * 25, batch_size=None))
    after = losses(learner)
    assert [*after] == ["relu3_1", "relu2_1", "relu1_1"]
    assert all(after[tap] < 0.7 * before[tap] for tap in after)


def test_the_loss_is_of_pixels_and_of_activations():
    """Li et al. 2017, eq. 1, of contents and styles alike."""
    learner = task(["relu2_1"], feature_weight=3.0)
    images = torch.cat(PAIR[:2])
    seen = learner.encoder.taps(images, ["relu2_1"])["relu2_1"]
    drawn = learner.levels[0].decoder(seen)
    again = learner.encoder.taps(drawn, ["relu2_1"])["relu2_1"]
    features = (again - seen).square().mean((1, 2, 3)) / seen.square().mean((1, 2, 3))
    expected = (drawn - images).square().mean() + 3 * features.mean()
    assert_close(learner.losses(images)["relu2_1"], expected)


@pytest.mark.parametrize("taps", [["relu3_1", "relu1_1"], ["relu1_1", "relu3_1"]])
def test_levels_change_the_picture_in_the_order_of_the_taps(taps):
    learner = task(taps)
    picture = PAIR.content
    with torch.no_grad():
        for tap, level in zip(taps, learner.levels, strict=True):
            assert level.transform.tap == tap
            code = level.transform.learn(level.encode(PAIR.style))
            seen = level.encode(picture)
            picture = level.draw(level.transform(seen, level.transform.summarise(seen), code)).clamp(-1, 1)
    assert_close(learner.stylised(PAIR), picture)


def test_a_level_gives_the_style_its_covariance():
    """Li et al. 2017, eq. 3, where the content fills all directions that the style does."""
    level = task(["relu1_1"]).levels[0]
    changed = full(level.changed(level.encode(PAIR.content), level.encode(PAIR.style)))
    wanted = full(level.encode(PAIR.style)["relu1_1"])
    assert_close(changed.mean, wanted.mean, rtol=1e-3, atol=1e-4)
    assert_close(changed.covariance, wanted.covariance, rtol=0, atol=0.02 * wanted.variance().max().item())


@pytest.mark.parametrize("size", [(32, 48), (48, 16)])
def test_contents_and_styles_may_be_of_any_shape(size):
    found = task().stylised(Pair(pictures(0, *size), pictures(1, 16, 32)))
    assert found.shape == (2, 3, *size)
    assert found.abs().max() <= 1


def test_nothing_of_the_encoder_is_learned_or_saved():
    learner = task()
    sum(learner.losses(PAIR.content).values()).backward()
    assert all(weights.grad is not None for weights in learner.parameters())
    assert all(name.split(".")[2] == "decoder" for name in learner.state_dict())
    assert {id(weights) for weights in learner.configure_optimizers()["optimizer"].param_groups[0]["params"]} == {
        id(weights) for weights in learner.parameters()
    }


@pytest.mark.parametrize(("taps", "got"), [(["relu9_1"], r"\['relu9_1'\]"), ([], r"\[\]")])
def test_taps_that_the_encoder_lacks_are_refused(taps, got):
    with pytest.raises(ValueError, match=rf"taps must be some of \['relu1_1', .*\], got {got}"):
        task(taps)
