"""Train the embedded network (src/atelier/networks/embedded.py) and write its weights.

    python scripts/train_embedded.py --cifar10 FOLDER --out src/atelier/networks/embedded.safetensors

FOLDER holds `train-*.parquet` and `test-*.parquet` in the layout of `uoft-cs/cifar10`, at any depth. One processor
core is enough; docs/embedded.md says for how long.
"""

import argparse
import io
import time
from pathlib import Path

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
from atelier.networks.embedded import CLASSES, SIZE, Embedded

PHOTOGRAPHS_PER_BATCH, PAINTINGS_PER_BATCH = 96, 32
PHOTOGRAPH_CLASSES = len(CLASSES) - len(STYLES)


class Trainee(nn.Module):
    """The embedded network with batch norms, and a second head, later thrown away, that must tell palettes apart.

    Without it the features may forget colour, since no class of the first head depends on it alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.embedded = Embedded()
        for name, convolution in self.embedded.convolutions.items():
            normed = nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels))
            self.embedded.convolutions[name] = normed
        self.palettes = nn.Linear(self.embedded.classifier.in_features, len(PALETTES))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.embedded(images)
        return features.logits, self.palettes(features.pooled)

    def folded(self) -> Embedded:
        """As it is shipped: each batch norm folded into its convolution."""
        self.eval()
        plain = Embedded()
        for name, (convolution, norm) in self.embedded.convolutions.items():
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
    """Half of them through 32 pixels, as all photographs are: sharpness must not tell paint from photograph."""
    images = scaled(pixels)
    fewer = interpolate(images[::2], (SIZE // 2, SIZE // 2), mode="bilinear", antialias=True)
    images[::2] = interpolate(fewer, (SIZE, SIZE), mode="bilinear")
    return framed(images)


def draws(count: int, batch: int):  # noqa: ANN201
    """Endless batches of indices: one random order after another, cut without regard to where each ends."""
    rest = torch.empty(0, dtype=torch.long)
    while True:
        while len(rest) < batch:
            rest = torch.cat([rest, torch.randperm(count)])
        yield rest[:batch]
        rest = rest[batch:]


def train(folder: Path, steps: int) -> Embedded:
    photo_pixels, photo_labels = photographs(folder, "train")
    paint_pixels, paint_labels, palettes = paintings(8000, seed=1)
    trainee = Trainee().to(memory_format=torch.channels_last)
    average = AveragedModel(trainee, multi_avg_fn=get_ema_multi_avg_fn(0.995), use_buffers=True)
    optimizer = torch.optim.SGD(trainee.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps, cycle_momentum=False)
    photo_draws = draws(len(photo_pixels), PHOTOGRAPHS_PER_BATCH)
    paint_draws = draws(len(paint_pixels), PAINTINGS_PER_BATCH)
    started = time.monotonic()
    for step in range(1, steps + 1):
        photo, painted = next(photo_draws), next(paint_draws)
        images = torch.cat([framed(scaled(photo_pixels[photo])), painted_views(paint_pixels[painted])])
        images = lit(images).contiguous(memory_format=torch.channels_last)
        labels = torch.cat([photo_labels[photo], paint_labels[painted]])
        with torch.autocast("cpu", torch.bfloat16):
            logits, palette_logits = trainee(images)
        palette_loss = cross_entropy(palette_logits[-PAINTINGS_PER_BATCH:].float(), palettes[painted])
        loss = cross_entropy(logits.float(), labels, label_smoothing=0.1) + 0.2 * palette_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(trainee)
        if step % 100 == 0:
            print(f"step {step:5d}  loss {loss.item():.3f}  {time.monotonic() - started:5.0f} s", flush=True)
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
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # more would add in another order, and the weights would differ
    torch.manual_seed(arguments.seed)
    network = train(arguments.cifar10, arguments.steps)
    with replacing(arguments.out) as partial:
        save_file({name: value.contiguous() for name, value in network.state_dict().items()}, partial)
    print(f"CIFAR-10 test {accuracy(network, *photographs(arguments.cifar10, 'test')):.4f}")
    pixels, labels, _ = paintings(2000, seed=2)
    print(f"new paintings {accuracy(network, pixels, labels):.4f}")
    small = interpolate(pixels.float(), (32, 32), mode="bilinear", antialias=True)
    print(f"new paintings, 32 px {accuracy(network, small, labels):.4f}")


if __name__ == "__main__":
    main()
