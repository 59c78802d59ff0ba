"""Images per second of CycleGAN's step: the pipeline's against plain loops.

    python benchmarks/translation.py [--sizes 128 256] [--width 32] [--blocks 6] [--rounds 5] [--compile]

All take turns within one run, a step each, so that a noisy machine is equally noisy for all. Of one thread it is the
processor's seconds that count, which other work on the machine moves least; those of the clock stand beside them.
An image is one of each domain. benchmarks/translation_plain.py has the plain loops. Prints a Markdown table:

* plain, torch's convolutions: the published loop with this package's networks, critics frozen in the generators' step,
  and every convolution torch's own: what the others are compared with;
* plain, same networks: the same with the networks as they are (wide 3×3 convolutions by Winograd's way);
* plain, as published: the same loop with the published layers, critics not frozen;
* atelier: the task of `python train.py model=cyclegan`, with its optimisers; with --compile that of `compile=true`, too
  (C++ is needed).

The losses of the first step are compared before anything is timed, where the networks are the same (`TOLERANCE`).
"""

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
import translation_plain as plain
from hydra import compose, initialize_config_dir
from pytorch_lightning import Trainer
from torch import Tensor

from atelier.config import build
from atelier.data.types import Pair
from atelier.networks import winograd
from atelier.networks.compilation import compile_networks

CONF = str(Path(__file__).parents[1] / "conf")

TOLERANCE = 1e-3
"""Of a loss: both sides add up the same float32 in other orders."""


class Cost(NamedTuple):
    processor: float
    clock: float
    """Seconds."""


class Pipeline:
    """The task's own step on one batch, through Lightning's optimisers but without its loop."""

    def __init__(self, model: Any, batch: Pair, compiled: bool) -> None:
        torch.manual_seed(0)
        self.task, self.batch = build(model, "model"), batch
        if compiled:
            compile_networks(self.task.compilable())
        self.losses: list[Tensor] = []
        self.weights = {name: weights.clone() for name, weights in self.task.state_dict().items()}
        self._attach()

    def _attach(self) -> None:
        """To a trainer, which makes the optimisers and takes a first step."""
        trainer = Trainer(
            max_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False,
        )  # fmt: skip
        made: list[dict[str, Tensor]] = []
        step = self.task.training_step
        self.task.training_step = lambda *given: made.append(step(*given))
        trainer.fit(self.task, torch.utils.data.DataLoader([self.batch], batch_size=None))
        del self.task.training_step
        self.task.train()
        (terms,) = made
        of_generators = [term for name, term in terms.items() if name.startswith("generators/")]
        of_discriminators = [terms[f"discriminators/adversarial_{way}"] for way in self.task.directions]
        self.losses = [torch.stack(of_generators).sum(), *of_discriminators]

    def step(self) -> None:
        self.task.training_step(self.batch, 0)


@contextmanager
def torchs_convolutions() -> Iterator[None]:
    least = winograd.LEAST
    winograd.LEAST = sys.maxsize
    try:
        yield
    finally:
        winograd.LEAST = least


def configuration(arguments: argparse.Namespace, size: int) -> Any:
    overrides = [
        "model=cyclegan", f"data.image_size={size}", "data.content=unused", "data.style=unused", "run_dir=unused",
        f"model.generator.width={arguments.width}", f"model.discriminator.width={arguments.width}",
        f"model.generator.blocks={arguments.blocks}",
    ]  # fmt: skip
    with initialize_config_dir(CONF, version_base="1.3"):
        return compose("train", overrides).model


def race(arguments: argparse.Namespace, size: int) -> dict[str, Callable[[], Any]]:
    """All rivals, each of which has had its first step; the first is what the others are compared with."""
    draw = torch.Generator().manual_seed(size)
    batch = Pair(*(torch.rand(arguments.batch, 3, size, size, generator=draw) * 2 - 1 for _ in range(2)))
    model = configuration(arguments, size)
    forms = {"atelier": False, **({"atelier, compiled": True} if arguments.compile else {})}
    ours = {name: Pipeline(model, batch, compiled) for name, compiled in forms.items()}
    same = plain.CycleGan(build(model.generator), build(model.discriminator), freeze=True)
    weights = ours["atelier"].weights
    for nets, player in ((same.generators, "generators"), (same.discriminators, "discriminators")):
        for net, way in zip(nets, ("to_style", "to_content"), strict=True):
            start = f"{player}.{way}."
            own = {name.removeprefix(start): part for name, part in weights.items() if name.startswith(start)}
            net.load_state_dict(own)
    by_torch = torchs_convolutions()(same.step)
    losses = by_torch(*batch[:2])
    for name, rival in ours.items():
        for mine, theirs in zip(rival.losses, losses, strict=True):
            apart = float((mine - theirs).abs() / theirs)
            assert apart < TOLERANCE, f"{name} and the plain loop differ by {apart:.1e}"
    usual = plain.CycleGan(
        partial(plain.generator, arguments.width, arguments.blocks),
        partial(plain.discriminator, arguments.width),
        freeze=False,
    )
    usual.step(*batch[:2])
    loops = {
        "plain, torch's convolutions": by_torch, "plain, same networks": same.step, "plain, as published": usual.step,
    }  # fmt: skip
    return {
        **{name: partial(step, *batch[:2]) for name, step in loops.items()},
        **{name: rival.step for name, rival in ours.items()},
    }


def cost_of(run: Callable[[], Any]) -> Cost:
    processor, clock = time.process_time(), time.perf_counter()
    run()
    return Cost(time.process_time() - processor, time.perf_counter() - clock)


def report(size: int, rivals: dict[str, Callable[[], Any]], arguments: argparse.Namespace) -> None:
    costs: dict[str, list[Cost]] = {name: [] for name in rivals}
    for turn in range(arguments.rounds + 1):
        for name, step in rivals.items():
            cost = cost_of(step)
            if turn:  # the first warms up
                costs[name].append(cost)
    reference, *_ = costs.values()
    for name, found in costs.items():
        speeds = [arguments.batch / statistics.median(seconds) for seconds in zip(*found, strict=True)]
        ratios = [
            statistics.median(theirs[way] / mine[way] for theirs, mine in zip(reference, found, strict=True))
            for way in (0, 1)
        ]
        told = " | ".join([*(f"{speed:.3f}" for speed in speeds), *(f"{ratio:.2f}x" for ratio in ratios)])
        print(f"| {size} px: {name} | {told} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    for name, value in {"width": 32, "blocks": 6, "batch": 1, "rounds": 5, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    torch.set_num_threads(arguments.threads)
    setting = f"width {arguments.width}, {arguments.blocks} blocks, batch {arguments.batch}"
    print(f"CycleGAN's step, {setting}, {arguments.threads} threads; medians of {arguments.rounds} rounds\n")
    print("| | images per processor's second | per second | of plain's speed | by the clock |")
    print("|---|---:|---:|---:|---:|")
    for size in arguments.sizes:
        report(size, race(arguments, size), arguments)


if __name__ == "__main__":
    main()
