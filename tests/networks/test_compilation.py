"""Networks compiled where they stand: what training makes of them, and what it leaves alone."""

import copy
from pathlib import Path

import pytest
import torch
from accelerated import SIZES, words
from functorch.compile import make_boxed_func, nop
from models import FAMILIES
from PIL import Image
from small_translators import SIDE, parts, pictures, plain_descent, train
from torch import nn
from torch._dynamo.backends.common import aot_autograd

from atelier import checkpoints, run
from atelier.config import build
from atelier.data.types import Pair, Paired
from atelier.labels import presume
from atelier.losses import translation as losses
from atelier.losses.penalties import R1, GradientPenalty
from atelier.networks import fastgan
from atelier.networks.compilation import Compiler, compile_networks
from atelier.networks.patch import PatchDiscriminator
from atelier.networks.patch_heads import PatchHeads
from atelier.networks.resnet_translator import ResNetTranslator
from atelier.networks.twice import differentiable_twice
from atelier.tasks.cut import Cut
from atelier.tasks.cyclegan import CycleGan
from atelier.tasks.paired import PairedTranslation

CYCLE = {"adversarial": losses.Adversarial(2.0), "cycle": losses.Cycle(10.0), "identity": losses.Identity(5.0)}
PATCHES = {"adversarial": losses.Adversarial(2.0), "contrastive": losses.Contrastive(0.5)}


class Counted:
    """Runs graphs as they are, and counts them and their runs."""

    def __init__(self):
        self.graphs = self.runs = 0

    def __call__(self, graph, inputs):
        self.graphs += 1

        def counted(*given):
            self.runs += 1
            return graph(*given)

        return counted


def refusing(graph, inputs):
    raise RuntimeError("no C++ compiler\nand more of that")


def unable_to_go_back(kind):
    def gradients(*given):
        raise kind("stride 16==1 at dim=1")

    return lambda graph, inputs: make_boxed_func(gradients)


@pytest.fixture(autouse=True)
def nothing_compiled_before():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()


def cyclegan(**changes):
    return CycleGan(**parts(**{"terms": CYCLE, "image_size": SIDE, "pool": 4, **plain_descent(0.1), **changes}))


def cut(**changes):
    own = {"terms": PATCHES, "image_size": SIDE, "taps": ["pixels", "middle"], "patches": 8, **plain_descent(0.1)}
    return Cut(**parts(**{**own, "heads": lambda widths: PatchHeads(widths, 4), **changes}))


def paired(**changes):
    made = parts(**{"terms": {**CYCLE, "cycle": None, "identity": None}, **plain_descent(0.1), **changes})
    return PairedTranslation(**{**made, **{name: made[name]() for name in ("generator", "discriminator")}})


def pair():
    return Pair(pictures(2, 1), pictures(2, 2))


def told(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "atelier.networks.compilation"]


def both(make, batch, backend, steps=2):
    """The same steps with and without."""
    eager, compiled = make(), make()
    compiled.load_state_dict(eager.state_dict())
    compile_networks(compiled.compilable(), Compiler(backend))
    seen = []
    for task in (eager, compiled):
        torch.manual_seed(1)
        seen.append(train(task, [batch] * steps).terms)
    return eager, compiled, seen


@pytest.mark.parametrize(
    ("make", "batch"),
    [(cyclegan, pair()), (cut, pair()), (paired, Paired(pictures(2, 1), pictures(2, 2)))],
    ids=["cyclegan", "cut", "paired"],
)
def test_compiled_steps_are_the_same_steps(make, batch):
    eager, compiled, (terms, own) = both(make, batch, "aot_eager")
    torch.testing.assert_close(own, terms)
    assert [*compiled.state_dict()] == [*eager.state_dict()]
    for name, weights in eager.state_dict().items():
        torch.testing.assert_close(compiled.state_dict()[name], weights, msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_each_network_is_one_graph(family, composed):
    """In pieces there is less to be gained, and what one keeps for its backward pass another may change."""
    task = build(presume(composed(*words(family, Path("unused")))).model, "model").train()
    compile_networks(task.compilable(), Compiler("eager"))
    size = SIZES.get(family, 16)
    labels = torch.arange(4) % task.classes if task.classes else None
    task.discriminator_loss(torch.rand(4, 3, size, size), labels, 1)
    task.generator_loss(torch.rand(4, 3, size, size), labels, 1)
    counters = torch._dynamo.utils.counters
    assert counters["stats"]["unique_graphs"] > 0
    assert not counters["graph_break"]


def test_every_network_that_training_calls_is_compiled_and_both_ways_share_graphs():
    counted, task = Counted(), cyclegan()
    compile_networks(task.compilable(), Compiler(counted))
    train(task, [pair()] * 2)
    # generators: two batches in one, and one; features and logits: frozen, and learning; each is tried in every network
    assert (counted.graphs, counted.runs) == (6, 2 * 2 * 6 + 2 * 6)


@pytest.mark.parametrize("penalty", [R1(1.0), GradientPenalty(1.0)])
def test_penalties_that_differentiate_twice_stay_outside(penalty):
    terms = both(lambda: cyclegan(penalties={"own": penalty}), pair(), "aot_eager")[2]
    assert terms[0][1]["discriminators/own_to_style"] > 0
    torch.testing.assert_close(*terms)


def test_nothing_compiled_runs_in_evaluation_nor_where_it_is_differentiated_twice():
    counted, task = Counted(), cyclegan()
    compile_networks(task.compilable(), Compiler(counted))
    task.translated(pair())
    with differentiable_twice():
        task.generators["to_style"](pictures(1))
    assert counted.runs == 0
    with torch.no_grad():
        task.generators["to_style"](pictures(1))
    assert counted.runs == 1


def test_a_copy_has_its_own_weights():
    task = cyclegan()
    compile_networks(task.compilable(), Compiler("eager"))
    network = task.generators["to_style"]
    twin = copy.deepcopy(network)
    with torch.no_grad():
        twin.last[0].bias.fill_(5.0)
    assert not torch.allclose(twin(pictures(1)), network(pictures(1)))
    assert (twin(pictures(1)) > 0.9).all()


def test_what_cannot_be_compiled_goes_on_without_and_says_so_once(caplog):
    _, _, terms = both(cyclegan, pair(), refusing)
    torch.testing.assert_close(*terms, rtol=0, atol=0)
    assert told(caplog) == ["compile: goes on without, for torch.compile cannot: no C++ compiler"]


@pytest.mark.parametrize("kind", [AssertionError, RuntimeError])
def test_what_fails_only_on_the_way_back_is_found_before_a_step_needs_it(kind, caplog):
    backend = aot_autograd(fw_compiler=nop, bw_compiler=unable_to_go_back(kind))
    _, _, terms = both(cyclegan, pair(), backend)
    torch.testing.assert_close(*terms, rtol=0, atol=0)
    assert told(caplog) == ["compile: goes on without, for torch.compile cannot: stride 16==1 at dim=1"]


def test_each_layout_is_tried(caplog):
    """For a graph is made for each."""
    graphs = []

    def at_first_able(graph, inputs):
        graphs.append(graph)
        return make_boxed_func(graph.forward) if len(graphs) == 1 else unable_to_go_back(AssertionError)(graph, inputs)

    network = nn.Conv2d(3, 2, 3)
    compile_networks([network], Compiler(aot_autograd(fw_compiler=nop, bw_compiler=at_first_able)))
    images = torch.randn(2, 3, 6, 6)
    for layout in (torch.contiguous_format, torch.channels_last):
        assert told(caplog) == []
        network(images.contiguous(memory_format=layout)).sum().backward()
    assert len(graphs) == 2
    assert len(told(caplog)) == 1


def test_a_network_that_begins_in_place_is_compiled(caplog):
    counted, network = Counted(), nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2))
    compile_networks([network], Compiler(counted))
    network(torch.randn(3, 4, requires_grad=True) * 1).sum().backward()
    assert told(caplog) == []
    assert counted.graphs == 1


def test_trying_a_graph_leaves_buffers_and_random_numbers_alone():
    eager = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout())
    compiled = copy.deepcopy(eager)
    compile_networks([compiled], Compiler("aot_eager"))
    batch, results = torch.randn(5, 4), []
    for network in (eager, compiled):
        torch.manual_seed(3)
        results.append([network(batch), network(batch), torch.rand(2), *network.buffers()])
    torch.testing.assert_close(*results)
    assert eager[1].num_batches_tracked == 2


def test_a_networks_refusals_stay_its_own(caplog):
    task = cyclegan(discriminator=lambda: PatchDiscriminator(width=4, layers=3))
    compile_networks(task.compilable(), Compiler("eager"))
    with pytest.raises(ValueError, match="images must be of 24 pixels or more"):
        train(task, [pair()])
    assert told(caplog) == []


def test_a_task_without_such_networks_goes_on_without(composed, tmp_path, caplog):
    Image.new("RGB", (48, 48), "teal").save(tmp_path / "style.png")
    cfg = composed(
        "model=texture", f"data.style={tmp_path / 'style.png'}", "data.image_size=48", "model.scales=1",
        "trainer.accelerator=cpu", "compile=true", "trainer.max_steps=1", "trainer.val_check_interval=1",
    )  # fmt: skip
    run.fit(cfg, tmp_path / "run", {})
    assert "compile: goes on without, for none of a Gatys's networks can be" in caplog.messages


def test_a_compiled_run_goes_on_as_one_that_is_not(small_config, tmp_path, monkeypatch):
    counted = Counted()
    monkeypatch.setattr("atelier.networks.compilation.Compiler", lambda: Compiler(counted))
    run.fit(small_config("compile=true", "trainer.max_steps=4"), tmp_path / "run", {})
    assert counted.runs > 0
    run.fit(small_config("trainer.max_steps=8", f"resume={tmp_path / 'run'}"), tmp_path / "run", {})
    run.fit(small_config("trainer.max_steps=8"), tmp_path / "other", {})
    ours, theirs = (checkpoints.read(checkpoints.find(tmp_path / folder))["state_dict"] for folder in ("run", "other"))
    assert [*ours] == [*theirs]
    for name, weights in theirs.items():
        torch.testing.assert_close(ours[name], weights, msg=name)


def test_by_default_nothing_is_compiled(small_config):
    cfg = small_config()
    assert cfg.compile is False
    task = build(cfg.model, "model")
    assert not any("forward" in vars(module) or "features" in vars(module) for module in task.modules())


def test_what_a_compiled_graph_keeps_must_not_be_changed():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Sigmoid())
    compile_networks([network], Compiler(aot_autograd(fw_compiler=nop)))
    drawn = network(torch.ones(3, 2)).sum()
    with torch.no_grad():
        network[1].weight += 1
    with pytest.raises(RuntimeError, match="was changed in place before its backward"):
        drawn.backward()


@pytest.mark.slow
def test_with_torchs_own_compiler(caplog):
    batch = Paired(pictures(2, 1), pictures(2, 2))
    _, _, terms = both(lambda: paired(generator=lambda: ResNetTranslator(4, 1)), batch, "inductor")
    assert told(caplog) == []
    torch.testing.assert_close(*terms, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_torchs_own_compiler_leaves_two_passes_by_a_spectral_norm_apart(caplog):
    """Whose vectors change with every pass: each gradient is by those of its own."""
    torch.manual_seed(0)
    plain = fastgan.Discriminator(image_size=32, width=4, spectral_norm=True)
    compiled = copy.deepcopy(plain)
    compile_networks([compiled])
    real, fake = torch.rand(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1))

    for network in (plain, compiled):
        first, second = (network.logits(network.features(images)) for images in (real, fake))
        (first.square().mean() - second.square().mean()).backward()

    assert told(caplog) == []
    for expected, found in zip(plain.parameters(), compiled.parameters(), strict=True):
        assert (found.grad is None) == (expected.grad is None)
        if expected.grad is not None:
            assert (found.grad - expected.grad).abs().max() < 1e-3 * expected.grad.abs().max() + 1e-7
