import pytest
import torch
from small_translators import SIDE, Same, Small, parts, pictures, plain_descent, train
from torch import nn

from atelier.augment.ada import Ada
from atelier.data.types import Pair
from atelier.losses import translation as losses
from atelier.losses.adversarial import Hinge
from atelier.losses.penalties import R1, LeCam
from atelier.networks.patch import PatchDiscriminator
from atelier.networks.patch_heads import PatchHeads
from atelier.tasks.cut import Cut
from atelier.tasks.cyclegan import CycleGan
from atelier.tasks.translation import together
from atelier.tasks.unpaired import follow_layout

ADVERSARIAL = {"adversarial": losses.Adversarial(2.0)}
CYCLE = {**ADVERSARIAL, "cycle": losses.Cycle(10.0), "identity": losses.Identity(5.0)}
PATCHES = {**ADVERSARIAL, "contrastive": losses.Contrastive(0.5), "identity": losses.IdentityContrastive(0.5)}
WAYS = ("to_style", "to_content")


def cyclegan(**changes):
    return CycleGan(**parts(**{"terms": CYCLE, "image_size": SIDE, "pool": 50, **changes}))


def cut(**changes):
    own = {"terms": PATCHES, "image_size": SIDE, "taps": ["pixels", "middle"], "patches": 8}
    return Cut(**parts(**{**own, "heads": lambda widths: PatchHeads(widths, 4), **changes}))


def batch(count=2):
    return Pair(pictures(count, 1), pictures(count, 2))


def test_a_step_is_a_batch_and_everybody_moves():
    watch = train(cyclegan(), [batch()] * 3)
    assert watch.steps == [1, 2, 3]
    assert watch.moved == [{"generators", "discriminators"}] * 3
    expected = {f"generators/{term}_{way}" for term in CYCLE for way in WAYS}
    assert {*watch.terms[0]} == expected | {f"discriminators/adversarial_{way}" for way in WAYS}


@pytest.mark.parametrize(("player", "other"), [("generator", "discriminators"), ("discriminator", "generators")])
def test_each_update_moves_its_own_players_parameters_only(player, other):
    still = {f"{player}_optimizer": plain_descent(0.0)[f"{player}_optimizer"]}
    assert train(cyclegan(**still), [batch()]).moved == [{other}]


def test_heads_learn_with_the_generator():
    assert train(cut(), [batch()]).moved == [{"generators", "discriminators", "heads"}]
    still = {"discriminator_optimizer": plain_descent(0.0)["discriminator_optimizer"]}
    assert train(cut(**still), [batch()]).moved == [{"generators", "heads"}]


def test_the_generators_step_is_that_of_the_papers_loss():
    """Against equation 3 and the identity term written out, with plain gradient descent."""
    rate, both = 0.1, batch()
    task, twin = (cyclegan(**plain_descent(rate)) for _ in range(2))
    twin.load_state_dict(task.state_dict())
    train(task, [both])

    painter, photographer = twin.generators["to_style"], twin.generators["to_content"]
    judges = twin.discriminators
    x, y = both.content, both.style
    fake_y, fake_x = painter(x), photographer(y)
    loss = (judges["to_style"](fake_y) - 1).square().mean() + (judges["to_content"](fake_x) - 1).square().mean()
    loss += 10 * ((photographer(fake_y) - x).abs().mean() + (painter(fake_x) - y).abs().mean())
    loss += 5 * ((painter(y) - y).abs().mean() + (photographer(x) - x).abs().mean())
    weights = [*twin.generators.parameters()]
    gradients = torch.autograd.grad(loss, weights, retain_graph=True)
    for way, real, fake in (("to_style", y, fake_y), ("to_content", x, fake_x)):
        judge = judges[way]
        own = ((judge(real) - 1).square().mean() + judge(fake.detach()).square().mean()) / 2
        weights += [*judge.parameters()]
        gradients += torch.autograd.grad(own, [*judge.parameters()])
    expected = [weight - rate * gradient for weight, gradient in zip(weights, gradients, strict=True)]
    got = [*task.generators.parameters(), *(w for way in WAYS for w in task.discriminators[way].parameters())]
    for mine, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def test_the_identity_mapping_costs_no_cycle_and_no_identity():
    task = cyclegan(generator=Same)
    watch = train(task, [batch()])
    for way in WAYS:
        assert watch.terms[0][f"generators/cycle_{way}"] == 0
        assert watch.terms[0][f"generators/identity_{way}"] == 0
    with torch.no_grad():
        task.generators["to_content"].gain.fill_(-1)
    watch = train(task, [batch()])
    assert watch.terms[0]["generators/cycle_to_style"] > 1


def test_the_cycle_goes_there_and_back():
    task = cyclegan(generator=Same)
    with torch.no_grad():
        task.generators["to_style"].gain.fill_(0.5)
        task.generators["to_content"].gain.fill_(2.0)
    records = task.translations(task.sides(batch()), {"back", "same"})
    both = batch()
    torch.testing.assert_close(records["to_style"].translated, both.content / 2)
    torch.testing.assert_close(records["to_style"].back, both.content)
    torch.testing.assert_close(records["to_style"].same, both.style / 2)
    torch.testing.assert_close(records["to_content"].translated, both.style * 2)
    content, translated, back = task.shown(both)
    torch.testing.assert_close(translated, content / 2)
    torch.testing.assert_close(back, content)


def test_what_no_term_reads_is_not_made():
    records = cyclegan(terms=ADVERSARIAL).translations(cyclegan().sides(batch()), {"adversarial"})
    assert records["to_style"].back is None
    assert records["to_style"].same is None
    assert records["to_style"].adversarial is not None


def test_discriminators_see_images_through_their_pools():
    task = cyclegan(pool=3)
    train(task, [batch()] * 2)
    for way in WAYS:
        assert task.pools[way].shown == 4
        assert task.pools[way].images.abs().sum() > 0
    assert "pools.to_style.images" in task.state_dict()


def test_each_discriminator_has_its_own_penalties_and_augmentation():
    task = cyclegan(penalties={"lecam": LeCam(0.1)}, augment=Ada())
    watch = train(task, [batch()] * 2)
    anchors = [task.penalties[way]["lecam"].real_anchor for way in WAYS]
    assert anchors[0] != anchors[1]
    assert task.augments["to_style"] is not task.augments["to_content"]
    assert "discriminators/lecam_to_content" in watch.terms[1]
    assert "augment/probability_to_style" in watch.terms[1]


@pytest.mark.parametrize("make", [cyclegan, cut])
def test_other_objectives_and_penalties_work(make):
    watch = train(make(objective=Hinge(), penalties={"r1": R1(1.0)}), [batch()] * 2)
    assert all(value.isfinite() for terms in watch.terms for value in terms.values())
    assert watch.terms[0]["discriminators/r1_to_style"] > 0


def test_without_an_adversarial_term_nobody_judges():
    task = cyclegan(terms={"cycle": losses.Cycle(1.0)})
    assert not any("discriminator" in name or "pool" in name for name in task.state_dict())
    assert train(task, [batch()]).moved == [{"generators"}]


def test_cuts_generator_step_is_that_of_the_papers_loss():
    """Against the least squares and both contrastive terms written out, at all places, whose order is all one."""
    rate, both, places = 0.01, batch(1), torch.arange(SIDE**2)
    heads = {"heads": lambda widths: PatchHeads(widths, 32), "patches": SIDE**2}
    task, twin = (cut(**heads, **plain_descent(rate)) for _ in range(2))
    twin.load_state_dict(task.state_dict())
    train(task, [both])

    network, judge = twin.generators["to_style"], twin.discriminators["to_style"]

    def vectors(images):
        return twin.heads(network.features(images, twin.taps), dict.fromkeys(twin.taps, places))

    def contrast(drawn, origin):
        queries, keys = vectors(drawn), vectors(origin)
        similar = [queries[tap][0] @ keys[tap][0].detach().T / 0.07 for tap in twin.taps]
        return -sum(every.log_softmax(1).diagonal().mean() for every in similar) / len(similar)

    fake, same = network(both.content), network(both.style)
    loss = (judge(fake) - 1).square().mean() + (contrast(fake, both.content) + contrast(same, both.style)) / 2
    weights = [*network.parameters(), *twin.heads.parameters()]
    gradients = torch.autograd.grad(loss, weights)
    got = [*task.generators.parameters(), *task.heads.parameters()]
    for mine, theirs, gradient in zip(got, weights, gradients, strict=True):
        torch.testing.assert_close(mine, theirs - rate * gradient, rtol=1e-4, atol=1e-5)


def test_heads_and_generators_learn_as_much_in_mixed_precision():
    """Keys come first and without a gradient: weights that autocast made for them must not serve the queries."""
    found = []
    for mixed in (False, True):
        task = cut(heads=lambda widths: PatchHeads(widths, 32), patches=SIDE**2)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            record = task.translations(task.sides(batch()), {"patches", "same_patches"})["to_style"]
        with torch.autocast("cpu", enabled=False):
            loss = sum(term(record, update=1) for name, term in task.terms.items() if name != "adversarial")
        weights = [weight for name, weight in task.named_parameters() if name.startswith(("generators", "heads"))]
        found.append(torch.cat([part.flatten() for part in torch.autograd.grad(loss, weights)]))
    exact, rounded = found
    assert torch.cosine_similarity(exact, rounded, dim=0) > 0.95
    torch.testing.assert_close(rounded.norm(), exact.norm(), rtol=0.2, atol=0)


def test_keys_carry_no_gradient_and_queries_do():
    task = cut()
    drawn = pictures(2, 3).requires_grad_()
    origin = pictures(2, 4).requires_grad_()
    pairs = task.correspondences(drawn, origin)
    assert [query.shape for query, _ in pairs] == [(2, 8, 4)] * 2
    sum(query.sum() + key.sum() for query, key in pairs).backward()
    assert origin.grad is None
    assert drawn.grad.abs().sum() > 0


def test_a_picture_that_stays_as_it_was_has_matching_patches():
    task = cut()
    image = pictures(2, 3)
    assert all(torch.allclose(query, key, atol=1e-6) for query, key in task.correspondences(image, image))


def test_several_batches_are_as_good_as_one_pass_unless_pictures_mix():
    one, other = pictures(2, 1), pictures(3, 2)
    torch.manual_seed(0)
    for network in (Small(), Small(norm="batch")):
        for got, alone in zip(together(network, one, other), (network(one), network(other)), strict=True):
            torch.testing.assert_close(got, alone)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cyclegan(terms={"pixels": losses.Reconstruction(1.0)}), "it reads a target for each content"),
        (lambda: cut(terms={"cycle": losses.Cycle(1.0)}), "and a Cut has none"),
        (lambda: cut(taps=["middle", "deep"]), r"taps must be among the generator's \['pixels', 'middle'\]"),
        (lambda: cyclegan(penalties={"keys": R1(1.0)}), "penalties must have names without dots .*, got 'keys'"),
        (lambda: cut(patches=1), "patches must be >= 2, got 1"),
        (lambda: cyclegan(generator=lambda: Small(scale=2)), "generator must draw pictures as large"),
        (lambda: cyclegan(discriminator=lambda: PatchDiscriminator(6, 4, 1)), "discriminator.inputs must be 3"),
        (lambda: cyclegan(pool=-1), "size must be >= 0, got -1"),
    ],
)
def test_what_cannot_work_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("fused", [True, False])
def test_what_an_optimizer_remembers_follows_the_layout_of_the_weights(fused):
    """A step after a change of layout is the step without one."""
    weights = [nn.Parameter(pictures(4, 0).clone()) for _ in range(2)]
    optimizers = [torch.optim.Adam([each], lr=0.1, fused=fused) for each in weights]
    for turn in (1, 2):
        for each, optimizer in zip(weights, optimizers, strict=True):
            each.grad = pictures(4, turn).to(memory_format=torch.preserve_format)
            optimizer.step()
        if turn == 1:
            first = optimizers[0].state[weights[0]]
            for name in ("exp_avg", "exp_avg_sq"):  # as a checkpoint of channels last brings it
                first[name] = first[name].contiguous(memory_format=torch.channels_last)
            follow_layout(optimizers[0])
            assert first["exp_avg"].stride() == weights[0].stride()
    torch.testing.assert_close(*weights)
