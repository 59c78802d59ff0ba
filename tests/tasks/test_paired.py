from functools import partial

import pytest
import torch
from small_translators import Same, Small, parts, pictures, plain_descent, train
from torch import nn

from atelier.augment.diffaugment import DiffAugment
from atelier.data.types import Paired
from atelier.encoders import embedded
from atelier.losses import translation as losses
from atelier.losses.adversarial import Hinge, Relativistic
from atelier.losses.content import ContentDistance
from atelier.losses.penalties import R1, GradientPenalty, LeCam, WeightClipping
from atelier.networks.patch import PatchDiscriminator
from atelier.tasks.paired import PairedTranslation

L1 = {"reconstruction": losses.Reconstruction(1.0)}
BOTH = {**L1, "adversarial": losses.Adversarial(1.0)}


def paired(**changes):
    made = parts(**{"terms": BOTH, **changes})
    for name in ("generator", "discriminator"):
        if not isinstance(made[name], nn.Module):
            made[name] = made[name]()
    return PairedTranslation(**made)


def batch(count=2, **changes):
    return Paired(**{"content": pictures(count, 1), "target": pictures(count, 2), **changes})


def test_a_step_is_a_batch_and_both_players_move():
    watch = train(paired(), [batch()] * 3)
    assert watch.steps == [1, 2, 3]
    assert watch.moved == [{"generator", "discriminator"}] * 3
    assert {*watch.terms[0]} == {"generator/reconstruction", "generator/adversarial", "discriminator/adversarial"}


def test_without_an_adversarial_term_there_is_no_discriminator():
    task = paired(terms={**L1, "adversarial": None})
    assert not any(name.startswith("discriminator") for name in task.state_dict())
    watch = train(task, [batch()] * 2)
    assert watch.moved == [{"generator"}] * 2
    assert {*watch.terms[0]} == {"generator/reconstruction"}
    assert watch.steps == [1, 2]


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_each_update_moves_its_own_players_parameters_only(player):
    """The other one's optimiser stands still: whatever moves, the first must have moved."""
    still = {f"{player}_optimizer": plain_descent(0.0)[f"{player}_optimizer"]}
    watch = train(paired(**still), [batch()])
    assert watch.moved == [{"generator", "discriminator"} - {player}]


def test_the_updates_are_gradient_steps_of_the_papers_losses():
    """Against the same two updates written out, with plain gradient descent."""
    rate, both = 0.1, batch()
    task = paired(discriminator=PatchDiscriminator(6, 4, 1), **plain_descent(rate))
    twin = paired(discriminator=PatchDiscriminator(6, 4, 1), **plain_descent(rate))
    twin.load_state_dict(task.state_dict())
    train(task, [both])

    def step(network, loss):
        gradients = torch.autograd.grad(loss, [*network.parameters()], retain_graph=True)
        with torch.no_grad():
            for weights, gradient in zip(network.parameters(), gradients, strict=True):
                weights -= rate * gradient

    content, target, _ = both
    judge = twin.discriminator
    fake = twin.generator(content)
    fooled = (judge(torch.cat([content, fake], 1)) - 1).square().mean() / 2
    step(twin.generator, fooled + (fake - target).abs().mean())
    real_logits, fake_logits = (judge(torch.cat([content, side], 1)) for side in (target, fake.detach()))
    step(judge, ((real_logits - 1).square().mean() + fake_logits.square().mean()) / 2)
    for name, weights in twin.named_parameters():
        torch.testing.assert_close(task.get_parameter(name), weights, msg=name, rtol=1e-4, atol=1e-6)


def test_a_discriminator_of_pairs_tells_apart_what_one_of_pictures_cannot():
    """Targets in the wrong order are as real as in the right one to whoever sees them alone."""
    both = batch()
    swapped = both.target.flip(0)
    alone, pairs = paired(), paired(discriminator=PatchDiscriminator(6, 4, 1))
    assert torch.equal(alone.seen(both, swapped), swapped)
    logits = pairs.adversary.judge(pairs.seen(both, swapped))
    assert not torch.allclose(logits.flip(0), pairs.adversary.judge(pairs.seen(both, both.target)))


@pytest.mark.parametrize("objective", [Hinge(), Relativistic()])
@pytest.mark.parametrize(
    "penalty",
    [R1(1.0, every=2), GradientPenalty(10.0), LeCam(0.1), WeightClipping(0.01)],
    ids=lambda p: type(p).__name__,
)
@pytest.mark.parametrize("inputs", [3, 6])
def test_every_penalty_and_objective_works_with_pictures_and_pairs(objective, penalty, inputs):
    task = paired(objective=objective, penalties={"own": penalty}, discriminator=PatchDiscriminator(inputs, 4, 1))
    watch = train(task, [batch()] * 2)
    assert all(value.isfinite() for terms in watch.terms for value in terms.values())
    expected = not isinstance(penalty, WeightClipping)
    assert ("discriminator/own" in watch.terms[1]) == expected
    if not expected:
        assert max(weights.abs().max() for weights in task.discriminator.parameters()) <= 0.01


def test_an_augmentation_is_for_pictures_alone():
    augment = DiffAugment(["translation"])
    train(paired(augment=augment), [batch()])
    with pytest.raises(ValueError, match="inputs must be 3 with an augmentation"):
        paired(augment=augment, discriminator=PatchDiscriminator(6, 4, 1))


def test_a_term_of_every_second_step_counts_twice_and_the_discriminator_goes_on():
    """With weights that stand still, the steps differ by the rhythm alone."""
    still = plain_descent(0.0)
    often, seldom = (
        train(paired(terms={**L1, "adversarial": losses.Adversarial(1.0, every=every)}, **still), [batch()] * 4).terms
        for every in (1, 2)
    )
    for number, (one, other) in enumerate(zip(often, seldom, strict=True), 1):
        assert ("generator/adversarial" in other) == (number % 2 == 0)
        assert other["discriminator/adversarial"] == one["discriminator/adversarial"]
    torch.testing.assert_close(seldom[1]["generator/adversarial"], 2 * often[1]["generator/adversarial"])


def test_a_discriminator_of_pairs_does_not_see_what_is_lost_either():
    task = paired(generator=Small(masked=True), discriminator=PatchDiscriminator(6, 4, 1))
    known = (pictures(2, 3)[:, :1] > 0).float()
    both = batch(known=known)
    other = both._replace(content=both.content + (1 - known))
    assert torch.equal(task.seen(both, both.target), task.seen(other, both.target))
    content, target = task.seen(both, both.target).split(3, 1)
    assert torch.equal(content, both.content * known)
    assert torch.equal(target, both.target)


def test_the_perceptual_term_looks_through_a_frozen_encoder():
    term = losses.Perceptual(1.0, ContentDistance(), {"relu1_1": 1.0})
    task = paired(terms={"perceptual": term}, encoder=embedded())
    watch = train(task, [batch()])
    assert watch.moved == [{"generator"}]
    assert watch.terms[0]["generator/perceptual"] > 0
    assert not any("encoder" in name for name in task.state_dict())
    with pytest.raises(ValueError, match="encoder must be one where a term is perceptual"):
        paired(terms={"perceptual": term})
    odd = losses.Perceptual(1.0, ContentDistance(), {"relu9_1": 1.0})
    with pytest.raises(ValueError, match="terms must be of taps among"):
        paired(terms={"perceptual": odd}, encoder=embedded())


def test_an_encoder_that_no_term_looks_through_is_not_kept():
    assert paired(encoder=embedded()).encoder is None


def test_known_pixels_are_the_contents_own_and_a_masked_network_sees_no_lost_ones():
    task = paired(generator=Small(masked=True), terms=L1)
    known = (pictures(2, 3)[:, :1] > 0).float()
    both = batch(known=known)
    drawn = task.translated(both)
    kept = known.bool().expand_as(drawn)
    assert torch.equal(drawn[kept], both.content[kept])
    assert not torch.equal(drawn, both.content)
    other = both.content + (1 - known)  # another picture where nothing is known
    assert torch.equal(task.translated(both._replace(content=other))[~kept], drawn[~kept])


def test_pictures_may_come_out_larger():
    task = paired(generator=Small(scale=2))
    both = batch(target=pictures(2, 2, side=32))
    assert task.translated(both).shape == both.target.shape
    train(task, [both])
    with pytest.raises(ValueError, match="inputs must be 3 where pictures are enlarged"):
        paired(generator=Small(scale=2), discriminator=PatchDiscriminator(6, 4, 1))


def test_pictures_are_translated_without_dropout_and_the_network_stays_in_training():
    class Dropping(Same):
        def forward(self, pictures):
            return nn.functional.dropout(super().forward(pictures), 0.5, self.training)

    task, both = paired(generator=Dropping(), terms=L1).train(), batch()
    assert torch.equal(task.translated(both), both.content)
    assert task.generator.training
    assert not torch.equal(task.generator(both.content), both.content)


def test_a_row_of_the_grid_is_content_result_and_target():
    task, both = paired(generator=Same()), batch()
    content, result, target = task.shown(both)
    assert torch.equal(content, both.content)
    assert torch.equal(result, both.content)
    assert torch.equal(target, both.target)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"cycle": losses.Cycle(1.0)}, "terms.cycle must be null: it reads pictures translated back"),
        (
            {"keys": losses.Reconstruction(1.0)},
            "terms must have names without dots that torch's ModuleDict does not use, got 'keys'",
        ),
        ({"adversarial": None}, r"terms must have one at least of every step \(every: 1\), got none"),
        ({"reconstruction": losses.Reconstruction(1.0, every=2)}, "terms must have one at least of every step"),
    ],
)
def test_terms_that_it_has_nothing_for_are_refused(terms, message):
    with pytest.raises(ValueError, match=message):
        paired(terms=terms)


def test_a_penalty_of_single_images_refuses_batch_norm():
    with pytest.raises(ValueError, match="discriminator.norm must not be 'batch'"):
        paired(penalties={"r1": R1(1.0)}, discriminator=partial(PatchDiscriminator, width=4, layers=1, norm="batch"))
