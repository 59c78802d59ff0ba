"""Train the embedded network (src/atelier/networks/embedded.py) and write its weights.

    python scripts/train_embedded.py --cifar10 FOLDER --out src/atelier/networks/embedded.safetensors

FOLDER holds `train-*.parquet` and `test-*.parquet` in the layout of `uoft-cs/cifar10`, at any depth. One
processor core is enough; docs/embedded.md says for how long.
"""

import argparse
import io
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, interpolate
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from atelier.data.painting import PALETTES, STYLES, paint
from atelier.files import replacing
from atelier.networks.embedded import CLASSES, SIZE, WIDTHS, Embedded

PHOTOGRAPHS_PER_BATCH, PAINTINGS_PER_BATCH = 96, 32
PHOTOGRAPH_CLASSES = len(CLASSES) - len(STYLES)


class Trainee(nn.Module):
    """The embedded network with batch norms, and a second head, thrown away later, that tells palettes apart.

    Without it the features might forget colour, on which no class of the first head depends alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.embedded = Embedded()
        convolutions = self.embedded.convolutions
        for name, width in WIDTHS.items():
            convolutions[name] = nn.Sequential(convolutions[name], nn.BatchNorm2d(width))
        self.palettes = nn.Linear(self.embedded.classifier.in_features, len(PALETTES))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.embedded(images)
        return features.logits, self.palettes(features.pooled)

    def folded(self) -> Embedded:
        """As it is shipped: each batch norm folded into its convolution."""
        self.eval()
        plain = Embedded()
        for name, normed in self.embedded.convolutions.items():
            convolution, norm = normed.children()
            plain.convolutions[name] = fuse_conv_bn_eval(convolution, norm)
        plain.classifier = self.embedded.classifier
        return plain.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def photographs(folder: Path, split: str) -> tuple[Tensor, Tensor]:
    """CIFAR-10 as uint8 (N, 3, 32, 32) and int64 (N,)."""
    files = sorted(folder.rglob(f"{split}-*.parquet"))
    if not files:
        raise SystemExit(f"--cifar10: no {split}-*.parquet in {folder}")
    rows = [row for file in files for row in pyarrow.parquet.read_table(file).to_pylist()]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(row["img"]["bytes"])).convert("RGB")) for row in rows])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.tensor([row["label"] for row in rows])


def paintings(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """uint8 (count, 3, SIZE, SIZE), classes and palettes int64 (count,)."""
    painted = [paint(index, SIZE, seed) for index in range(count)]
    pixels = torch.from_numpy(np.stack([one.pixels for one in painted])).permute(0, 3, 1, 2)
    styles = torch.tensor([one.style for one in painted])
    return pixels, styles + PHOTOGRAPH_CLASSES, torch.tensor([one.palette for one in painted])


def scaled(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1


def framed(images: Tensor) -> Tensor:
    """Each mirrored or not and seen through a window of 80 to 100 % of its sides, shifted, at SIZE × SIZE."""
    count = len(images)
    zoom = torch.empty(count).uniform_(0.8, 1)
    mirror = torch.randint(2, (count,)) * 2 - 1
    window = torch.zeros(count, 2, 3)
    window[:, 0, 0], window[:, 1, 1] = zoom * mirror, zoom
    window[:, :, 2] = torch.empty(count, 2).uniform_(-1, 1) * (1.15 - zoom)[:, None]
    grid = affine_grid(window, [count, 3, SIZE, SIZE], align_corners=False)
    return grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def lit(images: Tensor) -> Tensor:
    """Brightness, contrast and saturation changed a little: colours must still matter."""
    brightness, contrast, saturation = torch.empty(3, len(images), 1, 1, 1).uniform_(-0.2, 0.2)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * (1 + saturation)
    middle = images.mean((1, 2, 3), keepdim=True)
    return (middle + (images - middle) * (1 + contrast) + brightness).clamp(-1, 1)


def painted_views(pixels: Tensor) -> Tensor:
    """Half of them pass through 32 pixels, as all photographs did: sharpness must not give paint away."""
    images = scaled(pixels)
    fewer = interpolate(images[::2], (SIZE // 2, SIZE // 2), mode="bilinear", antialias=True)
    images[::2] = interpolate(fewer, (SIZE, SIZE), mode="bilinear")
    return framed(images)


class Batch(NamedTuple):
    """Photographs first, then paintings."""

    images: Tensor
    classes: Tensor
    palettes: Tensor
    """Of the paintings only."""


def batches(folder: Path) -> Iterator[Batch]:
    """Without end."""
    photo_pixels, photo_classes = photographs(folder, "train")
    paint_pixels, paint_classes, palettes = paintings(8000, seed=1)
    photo_orders = orders(len(photo_pixels), PHOTOGRAPHS_PER_BATCH)
    paint_orders = orders(len(paint_pixels), PAINTINGS_PER_BATCH)
    for photo, painted in zip(photo_orders, paint_orders, strict=True):
        images = torch.cat([framed(scaled(photo_pixels[photo])), painted_views(paint_pixels[painted])])
        classes = torch.cat([photo_classes[photo], paint_classes[painted]])
        yield Batch(lit(images).contiguous(memory_format=torch.channels_last), classes, palettes[painted])


def orders(count: int, batch: int) -> Iterator[Tensor]:
    """Batches of indices: one random order after another, cut without regard to where each ends."""
    rest = torch.empty(0, dtype=torch.long)
    while True:
        while len(rest) < batch:
            rest = torch.cat([rest, torch.randperm(count)])
        yield rest[:batch]
        rest = rest[batch:]


def loss(trainee: Trainee, batch: Batch) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        logits, palette_logits = trainee(batch.images)
    palette_loss = cross_entropy(palette_logits[-PAINTINGS_PER_BATCH:].float(), batch.palettes)
    return cross_entropy(logits.float(), batch.classes, label_smoothing=0.1) + 0.2 * palette_loss


def train(folder: Path, steps: int) -> Embedded:
    started = time.monotonic()
    trainee = Trainee().to(memory_format=torch.channels_last)
    average = AveragedModel(trainee, multi_avg_fn=get_ema_multi_avg_fn(0.995), use_buffers=True)
    optimizer = torch.optim.SGD(trainee.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps, cycle_momentum=False)
    for step, batch in enumerate(islice(batches(folder), steps), start=1):
        value = loss(trainee, batch)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(trainee)
        if step % 100 == 0:
            print(f"step {step:5d}  loss {value.item():.3f}  {time.monotonic() - started:5.0f} s", flush=True)
    return average.module.folded()


@torch.inference_mode()
def accuracy(network: Embedded, pixels: Tensor, labels: Tensor) -> float:
    right = 0
    for some, answer in zip(pixels.split(500), labels.split(500), strict=True):
        right += int((network(scaled(some)).logits.argmax(1) == answer).sum())
    return right / len(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # more would add in another order, and the weights would differ
    torch.manual_seed(arguments.seed)
    network = train(arguments.cifar10, arguments.steps)
    with replacing(arguments.out) as partial:
        save_file({name: value.contiguous() for name, value in network.state_dict().items()}, partial)
    examine(network, arguments.cifar10)


def examine(network: Embedded, folder: Path) -> None:
    pixels, classes, _ = paintings(2000, seed=2)
    smaller = interpolate(pixels, (32, 32), mode="bilinear", antialias=True)
    print(f"CIFAR-10 training pictures  {accuracy(network, *photographs(folder, 'train')):.4f}")
    print(f"CIFAR-10 test pictures      {accuracy(network, *photographs(folder, 'test')):.4f}")
    print(f"new paintings               {accuracy(network, pixels, classes):.4f}")
    print(f"new paintings at 32 pixels  {accuracy(network, smaller, classes):.4f}")


if __name__ == "__main__":
    main()
