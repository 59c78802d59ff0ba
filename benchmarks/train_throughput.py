"""Real images per second: the pipeline's WGAN-GP step against plain loops with the same networks, batch and schedule.

    python benchmarks/train_throughput.py [--size 64] [--width 32] [--rounds 12] [--threads 2] [--device cuda]

All take turns within one run, a few steps each, so that a noisy machine is equally noisy for all:

* pipeline: `python train.py model=wgan_gp`, with its loader, callbacks, logging and averaged generator;
* plain, same arithmetic: a hand-written loop with everything the pipeline does to be fast;
* plain, as usually written: separate passes for real and fake, ordinary memory format and Adam.

Plain loops have all pictures where they compute; the pipeline gathers each batch on the CPU, and sends it to a GPU.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from pytorch_lightning import Callback, Trainer
from torch import Tensor, nn

from atelier import run
from atelier.config import build

CONF = str(Path(__file__).parents[1] / "conf")


class Plain:
    """WGAN-GP with an averaged generator, and nothing around it."""

    def __init__(self, cfg: Any, images: Tensor, tuned: bool) -> None:
        self.generator, self.discriminator = build(cfg.model.generator), build(cfg.model.discriminator)
        self.average = build(cfg.model.generator).requires_grad_(False)
        for network in (self.generator, self.discriminator, self.average):
            network.to(images.device)
            if tuned:
                network.to(memory_format=torch.channels_last)
        options = {"lr": 1e-4, "betas": (0.0, 0.9), "fused": tuned}
        self.for_generator = torch.optim.Adam(self.generator.parameters(), **options)
        self.for_discriminator = torch.optim.Adam(self.discriminator.parameters(), **options)
        self.images, self.batch, self.tuned = images, cfg.data.batch_size, tuned
        self.critic_steps, self.latent_dim = cfg.model.critic_steps, cfg.model.generator.latent_dim
        self.count = 0

    def step(self) -> None:
        chosen = torch.randint(len(self.images), (self.batch,), device=self.images.device)
        real = self.images[chosen].float() / 127.5 - 1
        if self.tuned:
            real = real.contiguous(memory_format=torch.channels_last)
        with torch.set_grad_enabled(not self.tuned):
            fake = self.generator(self.latents()).detach()
        loss = self.wasserstein(real, fake) + 10 * self.penalty(real, fake)
        self.for_discriminator.zero_grad()
        loss.backward()
        self.for_discriminator.step()
        self.count += 1
        if self.count % self.critic_steps == 0:
            self.generator_step()

    def generator_step(self) -> None:
        self.discriminator.requires_grad_(not self.tuned)
        loss = -self.discriminator(self.generator(self.latents())).mean()
        self.for_generator.zero_grad()
        loss.backward()
        self.for_generator.step()
        self.discriminator.requires_grad_(True)
        average(self.average, self.generator)

    def latents(self) -> Tensor:
        return torch.randn(self.batch, self.latent_dim, device=self.images.device)

    def wasserstein(self, real: Tensor, fake: Tensor) -> Tensor:
        if self.tuned:
            for_real, for_fake = self.discriminator(torch.cat([real, fake])).chunk(2)
            return for_fake.mean() - for_real.mean()
        return self.discriminator(fake).mean() - self.discriminator(real).mean()

    def penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        place = torch.rand(self.batch, 1, 1, 1, device=real.device)
        between = torch.lerp(real, fake, place).requires_grad_()
        (slope,) = torch.autograd.grad(self.discriminator(between).sum(), between, create_graph=True)
        return (slope.flatten(1).norm(dim=1) - 1).square().mean()


@torch.no_grad()
def average(trailing: nn.Module, network: nn.Module) -> None:
    for mean, current in zip(trailing.parameters(), network.parameters(), strict=True):
        mean.lerp_(current, 0.001)


class Turns(Callback):
    """Lets every rival have `steps` steps after each `steps` of the pipeline's, and times them all."""

    def __init__(self, rivals: dict[str, Callable[[], None]], steps: int) -> None:
        self.rivals, self.steps = rivals, steps
        self.seconds: dict[str, list[float]] = {name: [] for name in ("pipeline", *rivals)}
        self.started = 0.0

    @staticmethod
    def now() -> float:
        """The time, once everything asked for is done."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step % self.steps:
            return
        if self.started:
            self.seconds["pipeline"].append(self.now() - self.started)
        for name, step in self.rivals.items():
            started = self.now()
            for _ in range(self.steps):
                step()
            if self.started:
                self.seconds[name].append(self.now() - started)
        self.started = self.now()


def configuration(arguments: argparse.Namespace, folder: str) -> Any:
    overrides = [
        "model=wgan_gp", f"data.image_size={arguments.size}", f"data.batch_size={arguments.batch}", "data.count=512",
        f"data.num_workers={arguments.workers}",
        f"model.generator.width={arguments.width}", f"model.discriminator.width={arguments.width}", "metrics=none",
        f"trainer.max_steps={arguments.steps * (arguments.rounds + 1)}", "trainer.val_check_interval=1000000",
        "trainer.limit_val_batches=1", "callbacks.samples.count=1", f"run_dir={folder}",
        f"trainer.accelerator={'gpu' if arguments.device == 'cuda' else 'cpu'}",
    ]  # fmt: skip
    with initialize_config_dir(CONF, version_base="1.3"):
        return compose("train", overrides)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in {
        "size": 64,
        "width": 32,
        "batch": 64,
        "steps": 10,
        "rounds": 12,
        "threads": 2,
        "workers": 0,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        cfg = configuration(arguments, folder)
        data = build(cfg.data)
        data.prepare()
        images = data.train_pixels.images(0, len(data.train_pixels)).clone().to(arguments.device)
        tuned, usual = Plain(cfg, images, tuned=True), Plain(cfg, images, tuned=False)
        turns = Turns({"plain, same arithmetic": tuned.step, "plain, as usually written": usual.step}, arguments.steps)
        run.fit(cfg, Path(folder) / "run", {}, [turns])
    report(turns, arguments)


def report(turns: Turns, arguments: argparse.Namespace) -> None:
    images = arguments.steps * arguments.batch
    ours = turns.seconds["pipeline"]
    where = torch.cuda.get_device_name() if arguments.device == "cuda" else f"{arguments.threads} threads"
    setting = f"{arguments.size} px, width {arguments.width}, batch {arguments.batch}, {where}"
    print(f"\nWGAN-GP, {setting},")
    print(f"medians of {len(ours)} rounds of {arguments.steps} steps")
    print(f"{'':28}{'images/s':>10}{'pipeline is':>14}")
    for name, seconds in turns.seconds.items():
        ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, ours, strict=True))
        print(f"{name:28}{images / statistics.median(seconds):10.0f}{ratio:13.3f}x")


if __name__ == "__main__":
    main()
