"""Images per second through Inception-v3: this package's extractor against the libraries that scores are computed with.

    python benchmarks/inception_features.py [--size 64] [--count 32] [--rounds 8] [--threads 1]

All take turns within one run, so that a noisy machine is equally noisy for all, and all have the same random weights:

* atelier: from uint8 images to features and logits;
* torchmetrics: `FrechetInceptionDistance.update` as shipped, so with its sums for the covariance;
* torch-fidelity: the forward pass of its extractor;
* pytorch-fid: the forward pass of its network, which resizes to 299 with another kernel.

Prints a Markdown table, and how far atelier's features by torch-fidelity's kernel are from torch-fidelity's.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import torch
from pytorch_fid import inception as pytorch_fid
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchmetrics.image.fid import FrechetInceptionDistance

from atelier.metrics.extractors.inception import Inception, InceptionExtractor

Rival = Callable[[Tensor], Tensor | None]


def random_weights(path: Path) -> None:
    torch.manual_seed(0)
    network = Inception()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)  # else nothing of the input would be left after 94 layers
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    torch.save(network.state_dict(), path)


def ours(path: Path, kernel: str) -> Rival:
    extractor = InceptionExtractor(str(path), kernel)
    extractor.load(torch.device("cpu"))
    return lambda images: extractor(images).pooled


def torchmetrics_update(path: Path) -> Rival:
    distance = FrechetInceptionDistance(feature_extractor_weights_path=str(path))
    return lambda images: distance.update(images, real=False)


def torch_fidelity(path: Path) -> Rival:
    network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], str(path))
    return lambda images: network(images)[0]


def pytorch_fids(path: Path) -> Rival:
    state = torch.load(path, weights_only=True)
    with patch.object(pytorch_fid, "load_state_dict_from_url", lambda *_, **__: state):
        network = pytorch_fid.InceptionV3().eval()
    return lambda images: network(images / 255)[0].flatten(1)


@torch.no_grad()
def race(rivals: dict[str, Rival], images: Tensor, rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for number in range(rounds + 1):
        for name, run in rivals.items():
            started = time.perf_counter()
            run(images)
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - started)
    return seconds


@torch.no_grad()
def difference(path: Path, images: Tensor) -> float:
    """The largest, of our features from torch-fidelity's, relative to their mean."""
    expected = torch_fidelity(path)(images)
    return float((ours(path, "tf1")(images) - expected).abs().max() / expected.abs().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in {"size": 64, "count": 32, "rounds": 8, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    images = torch.randint(0, 256, (arguments.count, 3, arguments.size, arguments.size), dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inception.pth"
        random_weights(path)
        rivals = {
            "atelier, tf1": ours(path, "tf1"),
            "atelier, antialias": ours(path, "antialias"),
            "torchmetrics' update": torchmetrics_update(path),
            "torch-fidelity": torch_fidelity(path),
            "pytorch-fid": pytorch_fids(path),
        }
        seconds, furthest = race(rivals, images, arguments.rounds), difference(path, images)
    report(seconds, arguments)
    print(f"\nFeatures are those of torch-fidelity but for {furthest:.1e} of their mean, at most.")


def report(seconds: dict[str, list[float]], arguments: argparse.Namespace) -> None:
    first, *_ = seconds.values()
    setting = f"{arguments.count} images of {arguments.size} px, {arguments.threads} threads, float32"
    print(f"\nInception-v3's features, {setting}; medians of {arguments.rounds} rounds\n")
    print("| | images/s | atelier, tf1 is |\n|---|---:|---:|")
    for name, times in seconds.items():
        ratio = statistics.median(theirs / mine for theirs, mine in zip(times, first, strict=True))
        print(f"| {name} | {arguments.count / statistics.median(times):.2f} | {ratio:.2f}x |")


if __name__ == "__main__":
    main()
