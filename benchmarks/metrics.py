"""What scores cost: this package's against scipy, torchmetrics, torch-fidelity and pytorch-fid as they are shipped.

    python benchmarks/metrics.py [--images 64] [--samples 1000] [--rounds 2] [--threads 1]

All take turns within one run. Of one thread it is the processor's seconds that count, which other work on the machine
hardly moves; of several those of the clock. Prints two Markdown tables:

* the Fréchet distance of so many samples of 2048 features to as many others, from the features, and its error against
  a reference in long double;
* one validation of so many generated images of 32 px, where the statistics of as many real ones are known: all have
  the same random weights of Inception-v3, and each its own resize and number of passes through the network. All but
  torchmetrics also load the network and the real statistics each time, which in a training atelier does once.

The more images, the more a validation is one of features alone: benchmarks/inception_features.py measures those.
"""

import argparse
import io
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import scipy.linalg
import torch
import torch_fidelity
from inception_features import random_weights
from PIL import Image
from pytorch_fid import fid_score
from pytorch_fid import inception as pytorch_fid
from torch import Tensor, nn
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torchmetrics.image import FrechetInceptionDistance, InceptionScore, KernelInceptionDistance
from torchmetrics.image.fid import NoTrainInceptionV3

from atelier.metrics.extractors.inception import InceptionExtractor
from atelier.metrics.frechet import Factored, frechet_distance
from atelier.metrics.scoring import Scores

SIZE = 2048
SIDE = 32
BATCH = 32
CPU = torch.device("cpu")


class Timed(NamedTuple):
    seconds: dict[str, list[float]]
    results: dict[str, float]


def race(rivals: dict[str, Callable[[], float]], rounds: int) -> Timed:
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    results = {}
    for _ in range(rounds):
        for name, run in rivals.items():
            started = clock()
            results[name] = run()
            seconds[name].append(clock() - started)
    return Timed(seconds, results)


# The distance alone.


def features(count: int, seed: int, shift: float = 0.0) -> Tensor:
    """float32 (count, SIZE), no less than 0, of a falling spectrum, as Inception's are."""
    mixing = torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(0)) / torch.arange(1.0, SIZE + 1).sqrt()
    draw = torch.Generator().manual_seed(seed)
    return (torch.randn(count, SIZE, generator=draw) @ mixing.T / 4 + shift).relu()


class Identity(nn.Module):
    num_features = SIZE

    def forward(self, samples: Tensor) -> Tensor:
        return samples


def distances(real: Tensor, fake: Tensor) -> dict[str, Callable[[], float]]:
    def torchmetrics() -> float:
        metric = FrechetInceptionDistance(Identity())
        metric.update(real, real=True)
        metric.update(fake, real=False)
        return float(metric.compute())

    def fidelity() -> float:
        sides = [fid_features_to_statistics(side.double()) for side in (real, fake)]
        return float(fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"])

    def scipys() -> float:
        (m, c), (n, d) = [
            (side.mean(0), np.cov(side, rowvar=False)) for side in (real.double().numpy(), fake.double().numpy())
        ]
        return float(((m - n) ** 2).sum() + (c + d - 2 * scipy.linalg.sqrtm(c @ d).real).trace())

    return {
        "atelier": lambda: frechet_distance(Factored.of(real), Factored.of(fake)),
        "torchmetrics": torchmetrics,
        "torch-fidelity": fidelity,
        "scipy.linalg.sqrtm": scipys,
    }


def in_long_double(real: Tensor, fake: Tensor) -> np.longdouble:
    """The distance, whose errors are about as large as those of adding up in long double, for which LAPACK has nothing.

    tr (Σ₁Σ₂)^½ is the largest that tr PᵀF₁ᵀF₂ can be for an orthogonal P. There the slope is nought: float64's P is
    near enough, once a step of Newton and Schulz has made it orthogonal in long double.
    """
    one, two = (side.double().numpy().astype(np.longdouble) for side in (real, fake))
    mean, other = one.mean(0), two.mean(0)
    f, g = (one - mean) / np.sqrt(np.longdouble(len(one) - 1)), (two - other) / np.sqrt(np.longdouble(len(two) - 1))
    product = f @ g.T
    left, _, right = np.linalg.svd(product.astype(np.float64), full_matrices=False)
    p = (left @ right).astype(np.longdouble)
    p = (3 * p - p @ (p.T @ p)) / 2
    return ((mean - other) ** 2).sum() + (f**2).sum() + (g**2).sum() - 2 * (p * product).sum()


# A whole validation.


class Pictures:
    """Real images as `Scores` takes them."""

    key, labels = "benchmark", None

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def batches(self, size: int) -> Iterator[Tensor]:
        return iter(self.images.split(size))


def pictures(count: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=draw) * 255
    return nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(0, 255).byte()


def ours(path: Path, real: Tensor, fake: Tensor) -> Callable[[], float]:
    def prepared() -> Scores:
        scores = Scores(InceptionExtractor(str(path)), ["fid", "kid", "is"], len(fake))
        scores.prepare(Pictures(real), CPU)
        return scores

    def run() -> float:
        scores = prepared()
        for numbers in torch.arange(len(fake)).split(BATCH):
            scores.update(fake[numbers], numbers)
        return scores.compute()["fid"]

    prepared()  # after which the real statistics are in its cache
    return run


def torchmetrics_three(path: Path, real: Tensor, fake: Tensor) -> Callable[[], float]:
    """Each with a network of its own, as by default; two of them take no path of weights, and so are given theirs."""

    def network(layer: str) -> NoTrainInceptionV3:
        return NoTrainInceptionV3("inception-v3-compat", [layer], str(path))

    distance = FrechetInceptionDistance(feature_extractor_weights_path=str(path), reset_real_features=False)
    subset = min(1000, len(real), len(fake))
    kernel = KernelInceptionDistance(network("2048"), subset_size=subset, reset_real_features=False)
    classes = InceptionScore(network("logits_unbiased"))
    for some in real.split(BATCH):
        distance.update(some, real=True)
        kernel.update(some, real=True)

    def run() -> float:
        for some in fake.split(BATCH):
            distance.update(some, real=False)
            kernel.update(some, real=False)
            classes.update(some)
        found = float(distance.compute())
        kernel.compute(), classes.compute()
        for metric in (distance, kernel, classes):
            metric.reset()
        return found

    return run


def fidelity_call(path: Path, real: Tensor, fake: Tensor) -> Callable[[], float]:
    class Images(torch.utils.data.Dataset[Tensor]):
        def __init__(self, images: Tensor) -> None:
            self.images = images

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, index: int) -> Tensor:
            return self.images[index]

    def run() -> float:
        found = torch_fidelity.calculate_metrics(
            input1=Images(fake), input2=Images(real), input2_cache_name="real", cache_root=str(path.parent / "cache"),
            fid=True, kid=True, isc=True, kid_subset_size=min(1000, len(real), len(fake)), batch_size=BATCH,
            feature_extractor_weights_path=str(path), cuda=False, save_cpu_ram=True, verbose=False,
        )  # fmt: skip
        return float(found["frechet_inception_distance"])

    run()  # after which the real statistics are in its cache
    return run


def pytorch_fids(path: Path, real: Tensor, fake: Tensor) -> Callable[[], float]:
    """The distance alone, of files."""
    folders = path.parent / "real", path.parent / "fake"
    for folder, images in zip(folders, (real, fake), strict=True):
        folder.mkdir()
        for number, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
            Image.fromarray(image).save(folder / f"{number:05}.png")
    state = torch.load(path, weights_only=True)
    loading = patch.object(pytorch_fid, "load_state_dict_from_url", lambda *_, **__: state)
    options = {"batch_size": BATCH, "device": "cpu", "dims": SIZE, "num_workers": 0}
    known = path.parent / "real.npz"
    with loading:
        fid_score.save_fid_stats([str(folders[0]), str(known)], **options)

    def run() -> float:
        with loading:
            return float(fid_score.calculate_fid_given_paths([str(folders[1]), str(known)], **options))

    return run


def validations(folder: Path, count: int) -> dict[str, Callable[[], float]]:
    path = folder / "inception.pth"
    random_weights(path)
    sides = pictures(count, 0), pictures(count, 1).flip(1)
    return {
        "atelier: FID, KID, IS": ours(path, *sides),
        "torchmetrics: FID, KID, IS": torchmetrics_three(path, *sides),
        "torch-fidelity: FID, KID, IS": fidelity_call(path, *sides),
        "pytorch-fid: FID": pytorch_fids(path, *sides),
    }


# Both.


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in {"images": 64, "samples": 1000, "rounds": 2, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore")
    setting = f"{arguments.threads} threads, medians of {arguments.rounds} rounds"

    sides = features(arguments.samples, 1), features(arguments.samples, 2, shift=0.05)
    timed = race(distances(*sides), arguments.rounds)
    truth = in_long_double(*sides)
    errors = {
        name: f"{abs(float(np.longdouble(found) - truth)) / float(truth):.0e}" for name, found in timed.results.items()
    }
    print(f"\nFréchet distance, {arguments.samples} samples of {SIZE} features each, {setting}\n")
    report(timed, "relative error", errors)

    with (
        tempfile.TemporaryDirectory() as folder,
        patch.dict("os.environ", ATELIER_CACHE=folder),
        redirect_stdout(io.StringIO()),  # what the others say meanwhile
        redirect_stderr(io.StringIO()),
    ):
        timed = race(validations(Path(folder), arguments.images), arguments.rounds)
    speeds = {name: f"{arguments.images / statistics.median(seconds):.1f}" for name, seconds in timed.seconds.items()}
    print(f"\nA validation of {arguments.images} generated images of {SIDE} px, {setting}\n")
    report(timed, "images/s", speeds)
    one, _, other, _ = timed.results.values()
    print(f"\nFID is torch-fidelity's but for {abs(one - other) / other:.0e} of it.")


def report(timed: Timed, heading: str, told: dict[str, str]) -> None:
    first, *_ = timed.seconds.values()
    print(f"| | seconds | {heading} | atelier is |\n|---|---:|---:|---:|")
    for name, seconds in timed.seconds.items():
        ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, first, strict=True))
        print(f"| {name} | {statistics.median(seconds):.2f} | {told[name]} | {ratio:.2f}x |")


if __name__ == "__main__":
    main()
