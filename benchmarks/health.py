"""What watching a training costs: the share of the processor time of a run that goes into `health`.

    python benchmarks/health.py [--models dcgan wgan_gp] [--steps 2000] [--every 1000] [--threads 1]

Each model's own recipe on procedural paintings, with a validation after `every` steps. All that the callback is called
for is timed within the run itself, and so a noisy machine disturbs both alike; steps are counted without the first
validation interval, in which its features are loaded.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from families import configuration
from pytorch_lightning import Callback

from atelier import run
from atelier.callbacks.health import Health
from atelier.labels import presume

HOOKS = ("on_train_batch_start", "on_before_optimizer_step", "on_train_batch_end", "on_validation_epoch_end")


class Clock(Callback):
    """Processor seconds from the step `first` on, and those of them that a callback took."""

    def __init__(self, first: int) -> None:
        self.first, self.began, self.whole, self.spent = first, 0.0, 0.0, 0.0

    def timed(self, hook: Callable[..., None]) -> Callable[..., None]:
        @wraps(hook)
        def heard(*arguments: Any, **options: Any) -> None:
            began = time.process_time()
            hook(*arguments, **options)
            if self.began:
                self.spent += time.process_time() - began

        return heard

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == self.first:
            self.began = time.process_time()

    def on_train_end(self, *_: Any) -> None:
        self.whole = time.process_time() - self.began


def cost(model: str, steps: int, every: int) -> float:
    """The share that health has of a run of so many steps, a multiple of `every`, after the first `every`."""
    length = [f"trainer.max_steps={steps}", f"trainer.val_check_interval={every}", "metrics=none"]
    cfg, clock = presume(configuration(model, "procedural", *length)), Clock(every)
    originals = {name: getattr(Health, name) for name in HOOKS}
    try:
        for name, hook in originals.items():
            setattr(Health, name, clock.timed(hook))
        with tempfile.TemporaryDirectory() as folder:
            run.fit(cfg, Path(folder), {}, [clock])
    finally:
        for name, hook in originals.items():
            setattr(Health, name, hook)
    return clock.spent / clock.whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["dcgan", "wgan_gp", "sngan"])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=1000, help="steps from one validation to the next")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for model in arguments.models:
        share = cost(model, arguments.steps, arguments.every)
        print(f"{model}: health takes {share:.2%} of the processor time of a run", flush=True)


if __name__ == "__main__":
    main()
