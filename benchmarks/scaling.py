"""What it costs to be several, and to be safe: throughput of 1 and 2 processes, start, validation and checkpoints.

    python benchmarks/scaling.py [--rounds 3] [--steps 60 180] [-- model=dcgan data.image_size=64 …]

Each figure is of `python train.py` as one types it, with one thread for each process on the CPU; all take turns within
a round. Two runs of unlike length tell what a step takes (the difference) and what comes before the first and after the
last one (the rest). Prints a Markdown table of medians; ratios are to one process in the same round.

* steps: images per second, of one process, and of two with half of each batch each, or with a whole one each;
* start: seconds of a run without its steps;
* validation: seconds, and the largest process's memory, of a run that validates after every `--steps`[0]th step, beside
  one that does at its end only;
* checkpoints: the same without scores and pictures, so that what is left is saving.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
ALONE, SHARED = ["trainer.devices=1"], ["trainer=ddp", "trainer.devices=2"]
QUIET = ["trainer.accelerator=cpu", "callbacks=default", "callbacks.progress=null", "health=none", "data.count=2000"]
BARE = ["metrics=none", "callbacks.samples=null"]


class Cost(NamedTuple):
    seconds: float
    megabytes: float
    """Of the process that had most."""


def cost(*words: str) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "train.py"), *QUIET, *words, f"run_dir={folder}/run"]
        start = time.perf_counter()
        done = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(done.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return Cost(seconds, used.ru_maxrss / 1024)


def lasting(steps: int, every: int | None = None) -> list[str]:
    return [
        f"trainer.max_steps={steps}",
        f"trainer.val_check_interval={every or steps}",
        "trainer.log_every_n_steps=50",
    ]


def measured(arguments: argparse.Namespace) -> dict[str, list[float]]:
    few, many = arguments.steps
    own, batch = arguments.overrides, arguments.batch
    ways = {
        "one process": (ALONE, batch),
        "two, half of each batch each": (SHARED, batch),
        "two, a whole batch each": (SHARED, 2 * batch),
    }
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    for _ in range(arguments.rounds):
        for name, (words, size) in ways.items():
            short, long = (
                cost(*BARE, *words, *own, f"data.batch_size={size}", *lasting(n)).seconds for n in (few, many)
            )
            step = (long - short) / (many - few)
            note(f"{name}: images/s", size / step)
            note(f"{name}: start, s", short - few * step)
        times = -(-many // few) - 1  # beside that at the end
        usual, scored, saved, bare = (
            cost(*kind, *own, f"data.batch_size={batch}", *lasting(many, every))
            for kind, every in (([], None), ([], few), (BARE, few), (BARE, None))
        )
        note("a validation with scores, a grid and a checkpoint, s", (scored.seconds - usual.seconds) / times)
        note("of which held-out losses and the checkpoint, s", (saved.seconds - bare.seconds) / times)
        note("memory with validation, MB", scored.megabytes)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, nargs=2, default=[60, 180])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("overrides", nargs="*", help="of the config")
    arguments = parser.parse_args()
    found = measured(arguments)
    print("| | median | of one process |")
    print("|---|---:|---:|")
    for name, values in found.items():
        reference = found.get(f"one process: {name.partition(': ')[2]}")
        ratios = [value / other for value, other in zip(values, reference, strict=True)] if reference else []
        ratio = f"{statistics.median(ratios):.2f}" if ratios else ""
        print(f"| {name} | {statistics.median(values):.2f} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
