from functools import partial
from types import SimpleNamespace

import pytest
import torch
from counting import Counted
from pytorch_lightning import Callback, Trainer
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import ConstantLR, LinearLR

from atelier.data.types import Images
from atelier.losses.adversarial import Hinge, NonSaturating, Objective, Wasserstein
from atelier.losses.classification import Classification
from atelier.losses.path_length import PathLength
from atelier.losses.penalties import R1, R2, GradientPenalty, Penalty
from atelier.networks import r3gan, stylegan2
from atelier.networks.dcgan import Discriminator, Generator
from atelier.tasks.average import MovingAverage
from atelier.tasks.gan import Gan


def gan(norm=None, **changes):
    torch.manual_seed(0)
    parts = {
        "generator": Generator(16, latent_dim=4, width=4),
        "discriminator": Discriminator(16, width=4, norm=norm),
        "objective": NonSaturating(),
        "penalties": {},
        "generator_optimizer": partial(Adam, lr=1e-3),
        "discriminator_optimizer": partial(Adam, lr=1e-3),
        "schedule": partial(ConstantLR, factor=1.0),
    }
    return Gan(**{**parts, **changes})


def batches(count, size=8):
    generator = torch.Generator().manual_seed(1)
    return [Images(torch.rand(size, 3, 16, 16, generator=generator) * 2 - 1, None) for _ in range(count)]


class Watch(Callback):
    """Notes what each step changed."""

    def __init__(self):
        self.steps, self.terms, self.moved, self.rates = [], [], [], []

    def on_train_batch_start(self, trainer, task, *_):
        self.before = {name: weights.clone() for name, weights in task.named_parameters()}

    def on_train_batch_end(self, trainer, task, outputs, *_):
        self.steps.append(trainer.global_step)
        self.terms.append(outputs)
        players = ("generator", "discriminator", "average")
        changed = [name for name, weights in task.named_parameters() if not torch.equal(weights, self.before[name])]
        self.moved.append({player for player in players if any(name.startswith(player) for name in changed)})
        self.rates.append([optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers])


def train(task, steps, **options):
    watch = Watch()
    trainer = Trainer(
        max_steps=steps, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[watch], max_epochs=-1, **options,
    )  # fmt: skip
    trainer.fit(task, torch.utils.data.DataLoader(batches(steps), batch_size=None))
    return watch


def test_a_step_is_a_batch_and_the_generator_follows_every_critic_steps():
    watch = train(gan(critic_steps=3), 6)
    assert watch.steps == [1, 2, 3, 4, 5, 6]
    everyone = {"generator", "discriminator", "average"}
    assert watch.moved == [{"discriminator"}, {"discriminator"}, everyone] * 2
    assert [set(terms) for terms in watch.terms[1:3]] == [
        {"discriminator/adversarial"},
        {"discriminator/adversarial", "generator/adversarial"},
    ]


def test_a_penalty_is_a_term_under_its_own_name_in_the_steps_it_is_due():
    watch = train(gan(penalties={"slope": GradientPenalty(10.0, every=2)}), 4)
    assert ["discriminator/slope" in terms for terms in watch.terms] == [False, True, False, True]


@pytest.mark.parametrize(("mixed", "passes"), [(False, 2), (True, 3)])
def test_penalties_at_the_images_need_passes_of_their_own_in_mixed_precision_only(mixed, passes):
    """There the logits' graph is of half precision, and slopes along it are too far off."""
    task, real, calls = gan(penalties={"r1": R1(1.0), "r2": R2(1.0)}), batches(1)[0].image, []
    hook = task.discriminator.layers.register_forward_hook(lambda *_: calls.append(1))
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        terms = task.discriminator_loss(real, None, 1)
    assert len(calls) == passes
    hook.remove()
    assert not real.requires_grad
    leaf = real.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(task.discriminator(leaf).sum(), leaf)
    torch.testing.assert_close(terms["r1"], slopes.square().sum((1, 2, 3)).mean() / 2, rtol=1e-4, atol=0)


@pytest.mark.parametrize("norm", [None, "layer", "instance"])
def test_one_pass_for_both_sides_gives_the_logits_of_two(norm):
    task = gan(norm)
    assert not task.discriminator.mixes_images
    real, fake = torch.randn(2, 4, 3, 16, 16)
    critique = task.adversary.criticize(real, fake, None)
    for images, logits in ((real, critique.real_logits), (fake, critique.fake_logits)):
        torch.testing.assert_close(logits, task.discriminator(images), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(logits, critique.judge(images), rtol=1e-5, atol=1e-6)


def test_the_discriminator_has_one_gradient_step_of_plain_torch():
    """The whole of a step, against the same step written by hand."""
    task = gan(objective=Hinge(), discriminator_optimizer=partial(SGD, lr=0.1), critic_steps=2)
    by_hand = gan(objective=Hinge())
    latents = torch.randn(8, 4)
    task.latents = lambda count: latents
    (real, _), fake = batches(1)[0], by_hand.generator(latents).detach()
    loss = (1 - by_hand.discriminator(real)).relu().mean() + (1 + by_hand.discriminator(fake)).relu().mean()
    gradients = torch.autograd.grad(loss, [*by_hand.discriminator.parameters()])

    watch = train(task, 1)
    torch.testing.assert_close(watch.terms[0]["discriminator/adversarial"], loss.detach())
    for after, before, gradient in zip(
        task.discriminator.parameters(), by_hand.discriminator.parameters(), gradients, strict=True
    ):
        torch.testing.assert_close(after, before - 0.1 * gradient, rtol=1e-4, atol=1e-6)


def test_clipping_bounds_a_players_gradient():
    task = gan(clip_norm=1e-3, discriminator_optimizer=partial(SGD, lr=1.0), critic_steps=9)
    before = [weights.clone() for weights in task.discriminator.parameters()]
    train(task, 1)
    moved = torch.cat([(a - b).flatten() for a, b in zip(task.discriminator.parameters(), before, strict=True)])
    torch.testing.assert_close(moved.norm().item(), 1e-3, rtol=1e-3, atol=0)


@pytest.mark.parametrize("fused", [False, True])
def test_clipping_bounds_the_gradient_and_not_its_scaled_double(fused, monkeypatch):
    """As under 16-mixed: Lightning unscales for an ordinary optimiser, a fused one does so itself, in its step."""
    scaler, weight = torch.amp.GradScaler("cpu", init_scale=1024.0), torch.nn.Parameter(torch.zeros(4))
    optimizer = Adam([weight], fused=fused)
    scaler.scale((3 * weight).sum()).backward()
    if not fused:
        scaler.unscale_(optimizer)
    task = gan(clip_norm=1.5)
    monkeypatch.setattr(type(task), "trainer", SimpleNamespace(scaler=scaler))
    task.on_before_optimizer_step(optimizer)
    torch.testing.assert_close(weight.grad, torch.full((4,), 0.75))


def test_schedules_move_with_batches_for_both_players():
    watch = train(gan(critic_steps=2, schedule=partial(LinearLR, start_factor=1.0, end_factor=0.0, total_iters=4)), 4)
    falling = [[rate] * 2 for rate in (0.75e-3, 0.5e-3, 0.25e-3, 0.0)]
    torch.testing.assert_close(torch.tensor(watch.rates), torch.tensor(falling))


def test_the_average_trails_the_generator():
    task = gan(average_decay=0.5)
    start = [weights.clone() for weights in task.generator.parameters()]
    train(task, 1)
    decay = 2 / 11  # shorter than 0.5 after a single update
    for first, now, average in zip(start, task.generator.parameters(), task.average.network.parameters(), strict=True):
        torch.testing.assert_close(average, decay * first + (1 - decay) * now)
    buffers = zip(task.generator.buffers(), task.average.network.buffers(), strict=True)
    assert all(torch.equal(now, average) for now, average in buffers)


def test_the_average_lengthens_to_its_own_decay_and_no_further():
    """(1 + n) / (10 + n) after n updates; from 1 on, towards 0, what is left is the decay itself."""
    network = torch.nn.Linear(1, 1, bias=False)
    for updates, decay in ((1, 2 / 11), (50, 51 / 60), (100, 0.9), (100_000, 0.9)):
        torch.nn.init.ones_(network.weight)
        average = MovingAverage(network, 0.9)
        torch.nn.init.zeros_(network.weight)
        average.update(network, updates)
        assert average.network.weight.item() == pytest.approx(decay)


def test_samples_come_from_the_average_and_disturb_nothing():
    task = gan()
    train(task, 2)
    task.train()
    state, random = {k: v.clone() for k, v in task.state_dict().items()}, torch.get_rng_state()
    images = task.sample(3, torch.Generator().manual_seed(5))
    assert images.shape == (3, 3, 16, 16)
    assert task.training
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(value, state[name]) for name, value in task.state_dict().items())
    latents = torch.randn(3, 4, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(images, task.average.network(latents))
    torch.testing.assert_close(images[:1], task.average.network(latents[:1]), atol=1e-5, rtol=1e-5)  # batch size


def test_penalties_run_in_float32_under_mixed_precision():
    seen = []

    class Look(Penalty):
        def measure(self, critique):
            logits = critique.judge(critique.real)
            seen.append((logits.dtype, critique.real_logits.dtype, torch.is_autocast_enabled("cpu")))
            return logits.mean()

    train(gan(penalties={"look": Look(1.0)}), 1, precision="bf16-mixed")
    assert seen == [(torch.float32, torch.float32, False)]


def test_the_generators_turn_adds_nothing_to_the_discriminators_gradients():
    latents = torch.randn(8, 4)
    gradients = []
    for critic_steps in (1, 2):  # in its first step the generator has its turn, or has not
        task = gan(objective=Wasserstein(), critic_steps=critic_steps)
        task.latents = lambda count: latents
        train(task, 1)
        gradients.append([weights.grad for weights in task.discriminator.parameters()])
    torch.testing.assert_close(*gradients)
    assert all(gradient is not None for gradient in gradients[0])


def test_real_logits_are_computed_for_a_relativistic_objective_only():
    class Compare(Objective):
        relativistic = True

        def discriminator(self, real, fake):
            return torch.nn.functional.softplus(fake - real).mean()

        def generator(self, fake, real=None):
            return torch.nn.functional.softplus(real - fake).mean()

    assert gan().adversary.reference_logits(batches(1)[0].image, None) is None
    watch = train(gan(objective=Compare()), 1)
    assert watch.terms[0]["generator/adversarial"].isfinite()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"critic_steps": 0}, "critic_steps must be >= 1, got 0"),
        ({"clip_norm": 0.0}, "clip_norm must be > 0"),
        ({"average_decay": 1.0}, r"average_decay must be in \[0, 1\)"),
        (
            {"norm": "batch", "penalties": {"gp": GradientPenalty(10.0)}},
            "norm must not be 'batch' with the penalty 'gp'",
        ),
        (
            {"penalties": {"classes": Classification(1.0)}},
            "the term 'classes' needs a discriminator that can classify, which atelier.networks.dcgan cannot",
        ),
        ({"penalties": {"type": R1(1.0)}}, "^penalties must have names without dots .*, got 'type'"),
        ({"discriminator_terms": {"keys": R1(1.0)}}, "^discriminator_terms must have names without .*, got 'keys'"),
        ({"generator_terms": {"a.b": PathLength(1.0)}}, "^generator_terms must have names without dots .*, got 'a.b'"),
    ],
)
def test_bad_values_are_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        gan(**changes)


def steep_discriminator(width):
    networks = {
        "generator": r3gan.Generator(16, 4, width, width, group_size=4),
        "discriminator": r3gan.Discriminator(16, width, width, group_size=4),
    }
    return gan(**networks, penalties={"r1": R1(1.0), "r2": R2(1.0)}).discriminator_loss


def steep_generator(width):
    generator = stylegan2.Generator(16, latent_dim=4, width=width, max_width=width)
    return gan(generator=generator, generator_terms={"path_length": PathLength(1.0)}).generator_loss


@pytest.mark.parametrize("loss_of", [steep_discriminator, steep_generator])
def test_slopes_of_slopes_take_as_many_convolutions_at_any_width(loss_of):
    """Though layers have a group for each channel, of which torch's own second derivative does one at a time."""
    (batch,) = batches(1, 4)
    counts = []
    for width in (8, 16):
        loss = loss_of(width)
        with Counted() as counted:
            sum(loss(batch.image, None, 1).values()).backward()
        counts.append(len(counted.names))
    assert counts[0] == counts[1]
