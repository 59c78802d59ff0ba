"""What a classifier of CIFAR-10 makes of samples, where no Inception is at hand.

In training, at each validation:

    PYTHONPATH=benchmarks python train.py … data=cifar10 data.root=CLONE metrics=none
        '+metrics={_target_: cifar10.scoring, weights: cifar10_resnet56.safetensors}'

and of runs that have ended:

    python benchmarks/cifar10.py RUN … --root CLONE --classifier cifar10_resnet56.safetensors [--count 10000]

The classifier is the residual network of He et al. 2016, section 4.2, of 56 layers, in the weights of
github.com/akamaster/pytorch_resnet_cifar10. Of its 64 pooled features comes a Fréchet distance to the training
pictures, of its probabilities the score of Salimans et al. 2016, here over the ten classes that the pictures really
have, and the shares of the classes; where a run draws by class, how often the classifier agrees. Neither number
compares with FID or IS: they are read against the row of real pictures.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad, relu

from atelier import checkpoints, run
from atelier.data.collections import Cifar10
from atelier.metrics.extractors.base import Features
from atelier.metrics.extractors.pretrained import PretrainedExtractor, normalised
from atelier.metrics.frechet import Factored, Full, frechet_distance, gaussian
from atelier.metrics.scoring import Scores
from atelier.record.grids import to_pixels

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the channels, as it was trained: ImageNet's, and not CIFAR-10's own."""
BATCH = 500


class Block(nn.Module):
    """Two convolutions beside a shortcut without weights, which pads new channels with zeros (option A)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.stride = width // channels
        self.conv1 = nn.Conv2d(channels, width, 3, self.stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, maps: Tensor) -> Tensor:
        found = self.bn2(self.conv2(relu(self.bn1(self.conv1(maps)))))
        missing = (found.shape[1] - maps.shape[1]) // 2
        shortcut = maps[:, :, :: self.stride, :: self.stride]
        return relu(found + pad(shortcut, (0, 0, 0, 0, missing, missing)))


class Classifier(nn.Module):
    def __init__(self, blocks: int = 9) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        first = [(16, 16), (16, 32), (32, 64)]
        stages = [[Block(*widths), *(Block(widths[1], widths[1]) for _ in range(blocks - 1))] for widths in first]
        self.layer1, self.layer2, self.layer3 = (nn.Sequential(*stage) for stage in stages)
        self.linear = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Features:
        """Of normalised images (B, 3, 32, 32)."""
        maps = relu(self.bn1(self.conv1(images)))
        maps = self.layer3(self.layer2(self.layer1(maps)))
        pooled = avg_pool2d(maps, maps.shape[-1]).flatten(1)
        return Features(pooled, self.linear(pooled))


class ResNet56(PretrainedExtractor):
    name, side, size, classes = "cifar10_resnet56", 32, 64, 10

    def __init__(self, weights: str) -> None:
        super().__init__(weights, "antialias")

    def blank(self, state: Mapping[str, Tensor]) -> nn.Module:
        with torch.device("meta"):
            return Classifier()

    def load(self, device: torch.device) -> None:
        self.network = self.filled().to(device)

    def extract(self, images: Tensor) -> Features:
        features: Features = self.network(normalised(images, MEAN, DEVIATION))
        return features


def scoring(weights: str, count: int = 10_000) -> Scores:
    return Scores(ResNet56(weights), ["fid", "is"], count)


class Judge:
    def __init__(self, weights: Path, root: Path) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.classifier = ResNet56(str(weights))
        self.classifier.load(self.device)
        self.data = Cifar10(root=str(root), image_size=32, batch_size=BATCH, seed=0, label="class")
        self.data.prepare()
        known, _ = self.look(*pictures(self.data.train_pixels))
        self.known = known.factored()

    def look(self, images: Tensor, labels: Tensor | None) -> tuple[Factored | Full, dict[str, Any]]:
        found = [self.classifier(to_pixels(part).to(self.device)) for part in images.split(BATCH)]
        features = torch.cat([part.pooled for part in found]).double().cpu()
        chances = torch.cat([part.logits for part in found if part.logits is not None]).double().softmax(1).cpu()
        mean = chances.mean(0)
        gain = (chances * (chances.clamp_min(1e-12).log() - mean.log())).sum(1).mean()
        agreed = None if labels is None else round((chances.argmax(1) == labels).double().mean().item(), 4)
        shares = torch.bincount(chances.argmax(1), minlength=10) / len(images)
        readings = {
            "class_score": round(gain.exp().item(), 3),
            "agreed": agreed,
            "rarest": round(shares.min().item(), 3),
            "commonest": round(shares.max().item(), 3),
        }
        return gaussian(features), readings

    def __call__(self, images: Tensor, labels: Tensor | None) -> dict[str, Any]:
        seen, readings = self.look(images, labels)
        return {"frechet_distance": round(frechet_distance(self.known, seen), 4), **readings}


def pictures(collection: Any) -> tuple[Tensor, Tensor | None]:
    batch = collection.batch(np.arange(len(collection)), np.zeros(len(collection), bool))
    return batch.image, batch.label


@torch.no_grad()
def samples(folder: Path, count: int, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """As validation draws them: where the run draws by class, each as often."""
    task, _, _ = run.load(folder, folder / checkpoints.FOLDER / checkpoints.LAST)
    drawn: Any = task.to(device)  # a Sampler
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % drawn.classes if drawn.classes else None
    images = []
    for numbers in torch.arange(count).split(BATCH):
        images.append(drawn.sample(len(numbers), generator, None if labels is None else labels[numbers]).cpu())
    return torch.cat(images), labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--count", type=int, default=10_000)
    arguments = parser.parse_args()
    judge = Judge(arguments.classifier, arguments.root)
    print("held-out pictures", json.dumps(judge(*pictures(judge.data.validation_pixels))), flush=True)
    for folder in arguments.runs:
        print(folder.name, json.dumps(judge(*samples(folder, arguments.count, judge.device))), flush=True)


if __name__ == "__main__":
    main()
