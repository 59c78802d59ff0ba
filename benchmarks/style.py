"""What stylising costs: this package's ways against plain loops as scripts are published.

    python benchmarks/style.py [adain] [feed_forward] [gatys] [--rounds 5] [--threads 1] [--compile]

Both sides have the same layers and the same random weights, and their results are compared before they are timed
(`TOLERANCE`). They take turns within one run, so that a noisy machine is equally noisy for both. Of one thread it is
the processor's seconds that count, which other work on the machine hardly moves; of several those of the clock.
benchmarks/style_plain.py has the plain loops. Prints Markdown tables:

* adain: so many contents of 512 px in one style, by VGG-19 to relu4_1 and its mirror; the plain loop encodes the style
  for each of them again, atelier once, which counts too;
* feed_forward: the network of Johnson et al. 2016 at 512 px; with --compile by torch.compile, too (C++ is needed);
* gatys: an iteration at 256 px by VGG-19, L-BFGS with one evaluation a step.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import style_plain as plain
import torch
from torch import Tensor, nn

from atelier import encoders
from atelier.losses.content import ContentDistance
from atelier.losses.style import Gram
from atelier.networks.decoder import Decoder
from atelier.networks.feed_forward import FeedForward
from atelier.networks.transforms.adain import AdaIN
from atelier.stylize.feed_forward import FeedForwardStyles
from atelier.stylize.levels import Levels
from atelier.stylize.method import Mixture
from atelier.tasks.level import Level
from atelier.tasks.picture_objective import PictureGoal, PictureObjective, StyleGoal
from atelier.tiling import tiles

TOLERANCE = 1e-3
"""Of a colour's range, or of a gradient's norm: both sides add up the same float32 in other orders."""

MEMORY = 2 << 30
"""Bytes that `atelier stylize` may take for a picture, by default."""

Run = Callable[[], Any]


class Race(NamedTuple):
    heading: str
    plain: Run
    ours: dict[str, Run]
    count: int = 1
    """Pictures, or iterations, that one run makes."""


class Cost(NamedTuple):
    processor: float
    clock: float
    """Seconds."""


def cost_of(run: Run) -> Cost:
    processor, clock = time.process_time(), time.perf_counter()
    run()
    return Cost(time.process_time() - processor, time.perf_counter() - clock)


def agree(ours: Tensor, theirs: Tensor, scale: float = 1.0) -> None:
    """Raises AssertionError where any place differs by more than TOLERANCE of the scale."""
    _refuse(float((ours - theirs).abs().max()) / scale)


def agree_as_a_whole(ours: Tensor, theirs: Tensor) -> None:
    """The same of the difference's norm: where rounding has turned a ReLU or a maximum, single places differ more."""
    _refuse(float((ours - theirs).norm() / theirs.norm()))


def _refuse(apart: float) -> None:
    assert apart < TOLERANCE, f"the two sides differ by {apart:.1e}"


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


# AdaIN: images of the plain loop are in [0, 1].


def adain(arguments: argparse.Namespace, folder: Path) -> Race:
    encoder, decoder = plain.normalised_vgg(), plain.decoder()
    plain.drawn(encoder), plain.drawn(decoder)
    with torch.no_grad():  # most colours are to be within their range
        decoder[-1].weight.mul_(0.1)
        decoder[-1].bias.fill_(0.5)
    path = folder / "vgg_normalised.pth"
    torch.save(encoder.state_dict(), path)
    method = Levels("adain", [level_like(path, decoder)], MEMORY)
    cut = plain.frozen(encoder[: plain.TO_RELU4_1])
    plain.frozen(decoder)
    contents, style = (
        plain.pictures(arguments.contents, arguments.size, 0).split(1),
        plain.pictures(1, arguments.size, 1),
    )

    def ours(contents: Sequence[Tensor]) -> list[Tensor]:
        mixture = Mixture([method.study(style)], [1.0])
        return [method.stylize(content, mixture) for content in contents]

    def theirs(contents: Sequence[Tensor]) -> list[Tensor]:
        return [plain.stylised(cut, decoder, (content + 1) / 2, (style + 1) / 2).clamp(0, 1) for content in contents]

    agree((ours(contents[:1])[0] + 1) / 2, theirs(contents[:1])[0])
    heading = f"AdaIN, {arguments.contents} contents, {arguments.size} px"
    return Race(heading, partial(theirs, contents), {"atelier": partial(ours, contents)}, arguments.contents)


def level_like(path: Path, decoder: nn.Module) -> Level:
    """With the weights of a file of the encoder's, and of the plain decoder, whose colours are in [0, 1]."""
    encoder = encoders.vgg19_normalised(str(path))
    level = Level(encoder, AdaIN(), Decoder(encoder.widths)).requires_grad_(False)
    for mine, its in zip(convolutions(level.decoder), convolutions(decoder), strict=True):
        mine.load_state_dict(its.state_dict())
    *_, last = convolutions(level.decoder)
    last.weight.mul_(2)
    last.bias.mul_(2).sub_(1)
    return level.to(memory_format=torch.channels_last)


# A feed-forward network.


def feed_forward(arguments: argparse.Namespace, folder: Path) -> Race:
    network, mine = plain.FeedForward(), FeedForward()
    plain.drawn(network)
    with torch.no_grad():
        network.to_pixels.convolution.weight.mul_(0.3)  # so that tanh saturates in few places
        give(network, mine)
    plain.frozen(network)
    mine.requires_grad_(False).to(memory_format=torch.channels_last)
    forms: dict[str, Any] = {"atelier": mine}
    if arguments.compile:
        forms["atelier, compiled"] = torch.compile(mine)
    methods = {name: FeedForwardStyles("johnson", form, MEMORY) for name, form in forms.items()}
    content = plain.pictures(1, arguments.size, 0)
    theirs = torch.no_grad()(partial(network, content))
    ours: dict[str, Run] = {
        name: partial(method.stylize, content, Mixture([0], [1.0])) for name, method in methods.items()
    }
    for run in ours.values():
        agree(run(), theirs(), 2.0)
    return Race(f"feed-forward network, {arguments.size} px", theirs, ours)


def give(network: nn.Module, mine: nn.Module) -> None:
    for its, own in zip(convolutions(network), convolutions(mine), strict=True):
        own.weight.copy_(its.weight)
        if own.bias is not None:  # else a norm follows, which takes it away
            own.bias.copy_(its.bias)
    norms = [module for module in mine.modules() if hasattr(module, "gain")]
    theirs = [module for module in network.modules() if isinstance(module, nn.InstanceNorm2d)]
    for norm, its_norm in zip(norms, theirs, strict=True):
        norm.gain.copy_(its_norm.weight[None])
        norm.bias.copy_(its_norm.bias[None])


# Learning the pixels: those of the plain loop are in [0, 1], too.


TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE_WEIGHT = 100.0


def gatys(arguments: argparse.Namespace, folder: Path) -> Race:
    network = plain.vgg()
    plain.drawn(network)
    path = folder / "vgg19.pth"
    torch.save({f"features.{name}": part for name, part in network.state_dict().items()}, path)
    content, style = (plain.pictures(1, arguments.size // 2, seed) for seed in (0, 1))
    losses = plain.Losses(plain.frozen(network), (content + 1) / 2, (style + 1) / 2, STYLE_WEIGHT)
    mine, ours, theirs = objective(path, content, style), nn.Parameter(content.clone()), nn.Parameter(content.clone())
    measures = (lambda: mine(ours), lambda: losses((theirs + 1) / 2))
    terms = [measure() for measure in measures]
    gradients = [torch.autograd.grad(term, pixels)[0] for term, pixels in zip(terms, (ours, theirs), strict=True)]
    agree_as_a_whole(*(term.detach() for term in terms))
    agree_as_a_whole(*gradients)
    runs = [steps(arguments.steps, *pair) for pair in zip((ours, theirs), measures, strict=True)]
    heading = f"Gatys, an iteration at {arguments.size // 2} px"
    return Race(heading, runs[1], {"atelier": runs[0]}, arguments.steps)


def objective(path: Path, content: Tensor, style: Tensor) -> Callable[[Tensor], Tensor]:
    """The loss, as `atelier stylize gatys` has it but for the variation."""
    shares = {tap: 1 / len(TAPS) for tap in TAPS}
    measured = PictureObjective(
        encoders.vgg19(str(path)), ContentDistance(), Gram(), {"relu4_2": 1.0}, shares, style_weight=STYLE_WEIGHT
    )
    whole = tiles(*content.shape[2:], None, measured.reach, measured.stride)
    goal = PictureGoal(measured.content_of(content, whole), [StyleGoal(measured.aims(style))])
    return lambda pixels: sum(measured(pixels, goal, whole).values())


def steps(count: int, pixels: nn.Parameter, measure: Callable[[], Tensor]) -> Run:
    """Of an optimiser that goes on where the run before has stopped."""
    optimizer = torch.optim.LBFGS([pixels], max_iter=1, history_size=20)

    def run() -> None:
        for _ in range(count):
            plain.iteration(optimizer, measure)

    return run


# All.


RACES = {"adain": adain, "feed_forward": feed_forward, "gatys": gatys}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=[*RACES], choices=[*RACES])
    for name, value in {
        "size": 512,
        "contents": 8,
        "steps": 3,
        "rounds": 5,
        "threads": 1,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        print(f"{arguments.threads} threads, medians of {arguments.rounds} rounds\n")
        print("| | processor, s | clock, s | atelier is | by the clock |\n|---|---:|---:|---:|---:|")
        for name in arguments.parts:
            run(RACES[name](arguments, Path(folder)), arguments.rounds)


def run(race: Race, rounds: int) -> None:
    """Of rivals that have run once, when they were compared."""
    rivals = {"plain": race.plain, **race.ours}
    costs: dict[str, list[Cost]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, each in rivals.items():
            costs[name].append(cost_of(each))
    for name, found in costs.items():
        seconds = [statistics.median(one) / race.count for one in zip(*found, strict=True)]
        ratios = [
            statistics.median(theirs[way] / mine[way] for theirs, mine in zip(costs["plain"], found, strict=True))
            for way in (0, 1)
        ]
        told = f"{ratios[0]:.2f}x | {ratios[1]:.2f}x"
        print(f"| {race.heading}: {name} | {seconds[0]:.3f} | {seconds[1]:.3f} | {told} |", flush=True)


if __name__ == "__main__":
    main()
