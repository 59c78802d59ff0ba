"""A network that has learnt its styles by heart."""

from functools import partial

import pytest
import torch
from pytorch_lightning import LightningDataModule, Trainer
from torch.optim import Adam
from torch.optim.lr_scheduler import ConstantLR
from torch.testing import assert_close
from torch.utils.data import DataLoader

from atelier import checkpoints, encoders, run
from atelier.data.types import Pair
from atelier.errors import ConfigError
from atelier.losses.content import ContentDistance
from atelier.losses.style import Gram, MeanDeviation, Wasserstein
from atelier.losses.style_sliced import Sliced
from atelier.losses.transfer import Content, FreshStyles, Goal, Identity, IdentityPixels, Style
from atelier.networks.feed_forward import FeedForward
from atelier.run_folder import facts
from atelier.tasks.feed_forward import FeedForwardStyle, KnownStyles

TAPS = {"relu1_1": 1.0, "relu2_1": 1.0}
STYLES = (255 * torch.eye(3)[:, :, None, None].expand(-1, -1, 40, 40) * torch.linspace(0, 1, 40)).byte()
"""Red, green and blue."""


def contents(count=2, size=(16, 24)):
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def task(styles=3, distance=None, weight=1.0, **more):
    torch.manual_seed(0)
    terms = {
        "content": Content(0.1, ContentDistance(), {"relu2_1": 1.0}),
        "style": Style(weight, distance or MeanDeviation(), TAPS),
        **more,
    }
    network = FeedForward(width=4, blocks=1, styles=styles)
    schedule = partial(ConstantLR, factor=1.0)
    return FeedForwardStyle(encoders.embedded(), network, terms, partial(Adam, lr=1e-2), schedule)


class Data(LightningDataModule):
    """The same batch for ever."""

    def __init__(self, batch, steps, styles=STYLES):
        super().__init__()
        self.batch, self.steps, self.styles = batch, steps, styles

    def style_pictures(self):
        return self.styles

    def train_dataloader(self):
        return DataLoader([self.batch] * self.steps, batch_size=None)


def train(learner, batch, steps, styles=STYLES):
    trainer = Trainer(
        max_steps=steps, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, max_epochs=-1,
    )  # fmt: skip
    trainer.fit(learner, datamodule=Data(batch, steps, styles))


def losses(learner, batch):
    record = learner.transfer(batch)
    with torch.no_grad():
        return {name: term(record, update=1).item() for name, term in learner.terms.items()}


@pytest.mark.parametrize(
    "distance", [Gram(), MeanDeviation(), Wasserstein(), Sliced()], ids=lambda one: type(one).__name__
)
def test_known_styles_are_as_fresh_ones(distance):
    """What is made of each style once, joined in the order of the labels, is what a batch of them would give."""
    encoder, pictures = encoders.embedded(), STYLES.float() / 127.5 - 1
    labels = torch.tensor([2, 0, 2])
    known = KnownStyles(encoder, pictures, [Style(1.0, distance, TAPS)]).of(labels)
    fresh = FreshStyles(encoder.taps(pictures[labels], TAPS))
    seen = encoder.taps(contents(3), TAPS)
    for tap in TAPS:
        found, expected = [], []
        for styles, results in ((known, found), (fresh, expected)):
            torch.manual_seed(0)  # of directions drawn by chance
            results.append(distance.apart(distance.describe(seen[tap]), styles.aim(distance, tap)))
        assert found[0].shape == (3,)
        assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_styles_become_numbers_one_at_a_time():
    """Of all at once a device could hold too little."""
    seen = []

    class Watched:
        def taps(self, images, names):
            seen.append(images)
            return encoders.embedded().taps(images, names)

    stream = (picture.float() / 127.5 - 1 for picture in STYLES)
    KnownStyles(Watched(), stream, [Style(1.0, Gram(), TAPS)])
    assert_close(seen, [*(STYLES.float() / 127.5 - 1).split(1)])


def test_labels_choose_the_styles():
    learner = task()
    batch = Pair(contents(1).repeat(3, 1, 1, 1), STYLES.float() / 127.5 - 1, torch.tensor([0, 1, 2]))
    train(learner, batch, 30)
    first, second, third = learner.stylised(batch)
    assert min((first - second).abs().mean(), (second - third).abs().mean()) > 0.01
    swapped = learner.stylised(batch._replace(label=torch.tensor([2, 1, 0])))
    assert_close(swapped, torch.stack([third, second, first]), rtol=1e-4, atol=1e-5)


def test_each_picture_is_compared_with_its_own_style():
    """Were the order of labels lost, exchanging two styles would change nothing."""
    learner = task(weight=1.0)
    batch = Pair(contents(2), contents(2), torch.tensor([0, 1]))
    train(learner, batch, 1)
    expected = losses(learner, batch)["style"]
    learner.known = KnownStyles(learner.encoder, STYLES.float()[[1, 0, 2]] / 127.5 - 1, learner.terms.values())
    exchanged = losses(learner, batch)["style"]
    assert abs(exchanged - expected) > 1e-4 * expected
    learner.known = KnownStyles(learner.encoder, STYLES.float()[[0, 1, 1]] / 127.5 - 1, learner.terms.values())
    assert_close(losses(learner, batch)["style"], expected)  # the third is asked for by none


def test_it_learns_its_style():
    learner = task(styles=1)
    batch = Pair(contents(), contents())
    train(learner, batch, 1, STYLES[:1])
    before = losses(learner, batch)
    train(learner, batch, 25, STYLES[:1])
    after = losses(learner, batch)
    assert sum(after.values()) < 0.8 * sum(before.values())


@pytest.mark.parametrize("size", [(16, 24), (33, 18)])
def test_pictures_keep_their_shape(size):
    batch = Pair(contents(2, size), contents(2, (20, 20)))
    found = task(styles=1).stylised(batch)
    assert found.shape == (2, 3, *size)
    assert found.abs().max() <= 1
    assert not found.requires_grad


def test_the_styles_are_in_no_checkpoint_and_neither_is_the_encoder():
    learner = task()
    train(learner, Pair(contents(), contents(), torch.tensor([0, 1])), 1)
    assert {name.partition(".")[0] for name in learner.state_dict()} == {"network"}
    optimised = learner.configure_optimizers()["optimizer"].param_groups[0]["params"]
    assert len(optimised) == len([*learner.network.parameters()])


def small(composed, *overrides):
    return composed(
        *("data.image_size=16", "data.batch_size=2", "data.content.count=8", "data.style.count=3"),
        *("model.network.width=4", "model.network.blocks=1", "trainer.max_steps=2", "trainer.val_check_interval=2"),
        *("trainer.log_every_n_steps=1", "trainer.accelerator=cpu", *overrides),
    )


def test_a_run_learns_as_many_styles_as_there_are_pictures(composed, tmp_path):
    run.fit(small(composed, "model=multi_style", "data.label=picture"), tmp_path, {})
    gains = [
        weights
        for name, weights in checkpoints.read(tmp_path / "checkpoints" / "last.ckpt")["state_dict"].items()
        if weights.dim() == 2
    ]
    assert gains
    assert {len(weights) for weights in gains} == {3}
    learner, *_ = run.load(tmp_path)
    assert learner.learned_styles == 3
    assert facts(tmp_path)["makes"] == "learned styles"


def test_a_model_of_one_style_refuses_data_of_several_before_anything_is_written(composed, tmp_path):
    with pytest.raises(ConfigError, match="data.style: has 3 pictures, but this model learns 1 by heart; name one"):
        run.fit(small(composed, "model=johnson"), tmp_path / "run", {})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("term", "part"),
    [
        (Goal(1.0, ContentDistance(), {"relu2_1": 1.0}), "what a decoder was told to draw"),
        (Identity(1.0, ContentDistance(), {"relu2_1": 1.0}), "pictures redrawn in their own style"),
        (IdentityPixels(1.0), "pictures redrawn in their own style"),
    ],
)
def test_terms_of_other_methods_are_refused(term, part):
    with pytest.raises(ValueError, match=f"terms.other must be null: it reads {part}, and a FeedForwardStyle has none"):
        task(other=term)
