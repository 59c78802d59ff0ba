"""A decoder that learns to draw changed activations, whatever the transform between it and the encoder."""

import csv
from functools import partial

import pytest
import torch
from torch.optim import Adam
from torch.optim.lr_scheduler import ConstantLR
from torch.testing import assert_close

from atelier import checkpoints, encoders, run
from atelier.data.types import Pair
from atelier.errors import ConfigError
from atelier.losses.content import ContentDistance, NormalizedContentDistance
from atelier.losses.style import Gram, MeanDeviation
from atelier.losses.transfer import Content, Goal, Identity, IdentityPixels, Style, Variation
from atelier.moments import diagonal
from atelier.networks.decoder import Decoder
from atelier.networks.transforms.adain import AdaIN
from atelier.networks.transforms.sanet import SANet
from atelier.run_folder import facts
from atelier.tasks.arbitrary import ArbitraryStyle

TAPS = {"relu1_1": 1.0, "relu2_1": 1.0}


def pictures(number, height=32, width=32):
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(number)) * 2 - 1


PAIR = Pair(pictures(0), pictures(1))


def adain(**terms):
    chosen = {"content": Goal(1.0, ContentDistance(), {"relu2_1": 1.0}), "style": Style(2.0, Gram(), TAPS), **terms}
    return task(AdaIN("relu2_1"), chosen, "relu2_1")


def task(transform, terms, deepest):
    torch.manual_seed(0)
    decoder = partial(Decoder, deepest=deepest)
    return ArbitraryStyle(
        encoders.embedded(), transform, decoder, terms, partial(Adam, lr=1e-3), partial(ConstantLR, factor=1.0)
    )


def sanet():
    terms = {
        "content": Content(1.0, NormalizedContentDistance(), {"relu4_1": 1.0}),
        "style": Style(1.0, MeanDeviation(), TAPS),
        "identity": Identity(1.0, ContentDistance(), TAPS),
        "identity_pixels": IdentityPixels(1.0),
    }
    return task(SANet, terms, "relu4_1")


METHODS = {"adain": adain, "sanet": sanet}
each_method = pytest.mark.parametrize("method", METHODS)


def losses(learner, batch=PAIR):
    record = learner.transfer(batch)
    return {name: term(record, update=1) for name, term in learner.terms.items()}


@each_method
def test_every_term_falls_together_on_one_batch(method):
    learner = METHODS[method]()
    optimizer = learner.configure_optimizers()["optimizer"]
    found = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = sum(losses(learner).values())
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    assert found[-1] < 0.9 * found[0]


@each_method
def test_all_that_is_learned_gets_a_gradient_and_the_encoder_is_no_part_of_it(method):
    learner = METHODS[method]()
    sum(losses(learner).values()).backward()
    learned = dict(learner.named_parameters())
    assert all(weights.grad is not None for weights in learned.values())
    assert not any("encoder" in name for name in [*learned, *learner.state_dict()])
    optimised = learner.configure_optimizers()["optimizer"].param_groups[0]["params"]
    assert {id(weights) for weights in optimised} == {id(weights) for weights in learned.values()}
    assert all(weights.grad is None for weights in learner.encoder.network.parameters())


def test_the_goal_has_the_contents_places_and_the_styles_moments():
    """AdaIN, Huang & Belongie 2017, eq. 8."""
    goal = adain().transfer(PAIR).goal["relu2_1"]
    style = encoders.embedded().taps(PAIR.style, ["relu2_1"])["relu2_1"]
    found, wanted = diagonal(goal), diagonal(style)
    assert_close(found.mean, wanted.mean, rtol=1e-3, atol=1e-4)
    assert_close(found.variance(), wanted.variance(), rtol=1e-2, atol=2e-4)  # epsilon, where a channel is silent


def test_the_terms_are_those_of_the_definitions():
    learner = adain()
    found, record = losses(learner), learner.transfer(PAIR)
    seen = encoders.embedded().taps(record.stylised, TAPS)
    style = encoders.embedded().taps(PAIR.style, TAPS)
    distance = Gram()
    aims = {tap: distance.aim(distance.describe(style[tap])) for tap in TAPS}
    expected = sum(distance.apart(distance.describe(seen[tap]), aims[tap]).mean() for tap in TAPS)
    assert_close(found["style"], 2.0 * expected, rtol=1e-4, atol=1e-6)
    goal = record.goal["relu2_1"]
    apart = (seen["relu2_1"] - goal).square().mean((1, 2, 3)) / goal.square().mean((1, 2, 3))
    assert_close(found["content"], apart.mean(), rtol=1e-4, atol=1e-6)


def test_a_network_is_to_redraw_contents_and_styles_alike():
    learner = sanet()
    found = losses(learner)
    pixels, activations = 0.0, 0.0
    for pictures in PAIR[:2]:
        seen = learner.encoder.taps(pictures, learner.looked_at)
        drawn = learner.level.draw(learner.level.changed(seen, seen))
        again = learner.encoder.taps(drawn, learner.looked_at)
        pixels += (drawn - pictures).square().mean()
        for tap in TAPS:
            apart = (again[tap] - seen[tap]).square().mean((1, 2, 3)) / seen[tap].square().mean((1, 2, 3))
            activations += apart.mean()
    assert_close(found["identity_pixels"], pixels, rtol=1e-4, atol=1e-6)
    assert_close(found["identity"], activations, rtol=1e-4, atol=1e-6)


def test_a_term_that_is_none_is_left_out():
    learner = adain(style=None, variation=Variation(1.0))
    assert [*learner.terms] == ["content", "variation"]


@each_method
@pytest.mark.parametrize("size", [(32, 48), (48, 16)])
def test_contents_and_styles_may_be_of_any_shape(method, size):
    found = METHODS[method]().stylised(Pair(pictures(0, *size), pictures(1, 16, 32)))
    assert found.shape == (2, 3, *size)
    assert found.abs().max() <= 1
    assert not found.requires_grad


@each_method
def test_pictures_of_a_batch_do_not_mix(method):
    learner = METHODS[method]()
    together = learner.stylised(PAIR)
    alone = [learner.stylised(Pair(PAIR.content[i : i + 1], PAIR.style[i : i + 1])) for i in range(2)]
    assert_close(torch.cat(alone), together, rtol=1e-3, atol=1e-4)


def test_taps_that_the_encoder_lacks_are_refused():
    with pytest.raises(ValueError, match=r"terms must be of taps among \['relu1_1', .*got \['relu9_1'\]"):
        adain(style=Style(1.0, Gram(), {"relu9_1": 1.0}))


def test_a_goal_at_a_tap_where_the_decoder_was_told_none_is_refused():
    with pytest.raises(ValueError, match=r"terms: a Goal must be of the tap relu2_1 .*got \['relu1_1'\]"):
        adain(content=Goal(1.0, ContentDistance(), TAPS))


@pytest.mark.parametrize(("transform", "deepest"), [(AdaIN("relu2_1"), "relu3_1"), (SANet, "relu5_1")])
def test_a_decoder_of_another_tap_than_the_transforms_is_refused(transform, deepest):
    with pytest.raises(ValueError, match=rf"decoder must draw from the transform's tap relu._1, got {deepest}"):
        task(transform, {"variation": Variation(1.0)}, deepest)


@pytest.mark.parametrize(
    ("terms", "got"),
    [
        ({"content": None, "style": None}, "none"),
        ({"content": None, "style": Style(1.0, Gram(), TAPS, every=2), "variation": Variation(1.0, every=3)}, "{.*3}"),
    ],
)
def test_steps_without_a_loss_are_refused(terms, got):
    with pytest.raises(ValueError, match=rf"terms must have one at least of every step \(every: 1\), got {got}"):
        adain(**terms)


@pytest.mark.parametrize("name", ["keys", "a.b"])
def test_a_term_whose_name_torch_cannot_store_is_refused(name):
    with pytest.raises(ValueError, match=f"terms must have names without dots .*, got '{name}'"):
        adain(**{name: Variation(1.0)})


def test_a_term_of_fewer_steps_beside_one_of_every_step():
    assert {*adain(variation=Variation(1.0, every=4)).terms} == {"content", "style", "variation"}


def test_held_out_pictures_are_measured_by_what_all_steps_minimise_in_the_mean(monkeypatch):
    found = []
    for every in (1, 4):
        learner = adain(variation=Variation(1.0, every=every))
        monkeypatch.setattr(learner, "log_dict", lambda values, **_: found.append(values))
        learner.validation_step(PAIR, 0)
    assert_close(found[1], found[0])


@pytest.mark.parametrize("term", [Content, Goal, Identity, Style])
def test_a_term_that_looks_nowhere_is_refused(term):
    with pytest.raises(ValueError, match="taps must be at least one, got none"):
        term(1.0, Gram() if term is Style else ContentDistance(), {})


def small(composed, *overrides):
    return composed(
        *("model=adain", "data.image_size=32", "data.batch_size=2", "data.content.count=8", "data.style.count=8"),
        *("trainer.max_steps=4", "trainer.val_check_interval=2", "trainer.log_every_n_steps=1"),
        *("trainer.accelerator=cpu", "+model.transform.tap=relu2_1", "model.decoder.deepest=relu2_1"),
        *("~model.terms.content.taps.relu4_1", "+model.terms.content.taps.relu2_1=1.0"),
        *overrides,
    )


@pytest.fixture
def trained(composed, tmp_path):
    roughness = "+model.terms.roughness={_target_: atelier.losses.transfer.Variation, weight: 1.0}"
    run.fit(small(composed, roughness), tmp_path, {})
    return tmp_path


def test_a_run_records_its_terms_by_name_and_keeps_the_best_by_their_sum(trained):
    with (trained / "metrics.csv").open() as file:
        rows = [*csv.DictReader(file)]
    names = {"loss", "content", "style", "roughness"}
    assert {f"network/{name}" for name in names - {"loss"}} | {f"val/{name}" for name in names} <= {*rows[0]}
    validated = [row for row in rows if row["val/loss"]]
    for row in validated:
        parts = sum(float(row[f"val/{name}"]) for name in names - {"loss"})
        assert_close(parts, float(row["val/loss"]), rtol=1e-4, atol=1e-6)
    best = checkpoints.read(trained / "checkpoints" / "best.ckpt")["global_step"]
    assert best == int(min(validated, key=lambda row: float(row["val/loss"]))["step"])
    assert [path.name for path in sorted((trained / "samples").glob("*.png"))] == ["000002.png", "000004.png"]


def test_a_checkpoint_has_nothing_of_the_encoder(trained):
    content = checkpoints.read(trained / "checkpoints" / "last.ckpt")
    assert {name.split(".")[2] for name in content["state_dict"]} == {"decoder"}
    assert len(content["optimizer_states"][0]["state"]) == len(content["state_dict"])


def test_a_run_notes_what_it_makes(trained):
    assert facts(trained)["makes"] == "any style"


def test_scores_of_generators_are_refused_before_anything_is_written(composed, tmp_path):
    with pytest.raises(ConfigError, match="metrics: are of generators, and this model is none: metrics=none"):
        run.fit(small(composed, "metrics=embedded"), tmp_path / "run", {})
    assert not (tmp_path / "run").exists()
