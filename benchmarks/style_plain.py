"""What benchmarks/style.py compares with: style transfer as scripts are published, one plain PyTorch layer per line.

Everything is contiguous, every border and every enlargement a copy, and nothing is kept from one content to the next.
All weights are random, drawn so that signals neither vanish nor explode.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, mse_loss, tanh

from atelier.networks.vgg import DEVIATION, MEAN, STAGE_WIDTHS

CONVOLUTIONS = (2, 2, 4, 4, 4)
"""Of VGG-19's stages."""


def drawn(network: nn.Module) -> None:
    """Random weights that keep the variance of what comes in, and small biases."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.1)
        if isinstance(module, nn.InstanceNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)


def frozen(network: nn.Module) -> nn.Module:
    return network.eval().requires_grad_(False)


# AdaIN (Huang & Belongie 2017): images in [0, 1].


def reflected(before: int, after: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d(1), nn.Conv2d(before, after, 3), nn.ReLU()]


def normalised_vgg() -> nn.Sequential:
    """To relu5_4, in the layout of the public `vgg_normalised.pth`."""
    layers: list[nn.Module] = [nn.Conv2d(3, 3, 1)]
    before = 3
    for stage, (width, count) in enumerate(zip(STAGE_WIDTHS, CONVOLUTIONS, strict=True)):
        layers += [nn.MaxPool2d(2, ceil_mode=True)] if stage else []
        for _ in range(count):
            layers += reflected(before, width)
            before = width
    return nn.Sequential(*layers)


TO_RELU4_1 = 31
"""Layers."""


def decoder() -> nn.Sequential:
    """Of relu4_1."""
    layers = reflected(512, 256)
    for widths in ((256, 256, 256, 256, 128), (128, 128, 64), (64, 64, 3)):
        layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
        for before, after in pairwise(widths):
            layers += reflected(before, after)
    return nn.Sequential(*layers[:-1])


def adain(content: Tensor, style: Tensor) -> Tensor:
    (mean, deviation), (own_mean, own_deviation) = (
        (features.mean((2, 3), keepdim=True), (features.var((2, 3), keepdim=True) + 1e-5).sqrt())
        for features in (style, content)
    )
    return (content - own_mean) / own_deviation * deviation + mean


@torch.no_grad()
def stylised(encoder: nn.Module, decoder: nn.Module, content: Tensor, style: Tensor) -> Tensor:
    return decoder(adain(encoder(content), encoder(style)))


# A feed-forward network (Johnson et al. 2016; Ulyanov et al. 2016): images in [-1, 1].


class Padded(nn.Module):
    def __init__(self, before: int, after: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.pad = nn.ReflectionPad2d(kernel // 2)
        self.convolution = nn.Conv2d(before, after, kernel, stride)

    def forward(self, features: Tensor) -> Tensor:
        return self.convolution(self.pad(features))


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.first_norm = Padded(width, width, 3), nn.InstanceNorm2d(width, affine=True)
        self.second, self.second_norm = Padded(width, width, 3), nn.InstanceNorm2d(width, affine=True)

    def forward(self, features: Tensor) -> Tensor:
        inner = torch.relu(self.first_norm(self.first(features)))
        return features + self.second_norm(self.second(inner))


class FeedForward(nn.Module):
    def __init__(self, width: int = 32, blocks: int = 5) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width)
        self.first, self.first_norm = Padded(3, width, 9), nn.InstanceNorm2d(width, affine=True)
        self.second, self.second_norm = Padded(*widths[:2], 3, 2), nn.InstanceNorm2d(widths[1], affine=True)
        self.third, self.third_norm = Padded(*widths[1:], 3, 2), nn.InstanceNorm2d(widths[2], affine=True)
        self.blocks = nn.Sequential(*(Residual(widths[2]) for _ in range(blocks)))
        self.up, self.up_norm = Padded(widths[2], widths[1], 3), nn.InstanceNorm2d(widths[1], affine=True)
        self.last, self.last_norm = Padded(widths[1], width, 3), nn.InstanceNorm2d(width, affine=True)
        self.to_pixels = Padded(width, 3, 9)

    def forward(self, images: Tensor) -> Tensor:
        features = torch.relu(self.first_norm(self.first(images)))
        features = torch.relu(self.second_norm(self.second(features)))
        features = torch.relu(self.third_norm(self.third(features)))
        features = self.blocks(features)
        features = torch.relu(self.up_norm(self.up(interpolate(features, scale_factor=2, mode="nearest"))))
        features = torch.relu(self.last_norm(self.last(interpolate(features, scale_factor=2, mode="nearest"))))
        return tanh(self.to_pixels(features))


# Learning the pixels (Gatys et al. 2016): images in [0, 1].


def vgg() -> nn.Sequential:
    """In torchvision's layout."""
    layers: list[nn.Module] = []
    before = 3
    for width, count in zip(STAGE_WIDTHS, CONVOLUTIONS, strict=True):
        for _ in range(count):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


CONTENT_LAYER, STYLE_LAYERS = 22, (1, 6, 11, 20, 29)
"""relu4_2; relu1_1 to relu5_1."""


def gram(features: Tensor) -> Tensor:
    _, channels, height, width = features.shape
    flat = features.view(channels, height * width)
    return flat @ flat.t() / (height * width)


class Losses:
    """Weighted so that each layer's is 1 for a picture of which the network sees nothing, as atelier's are."""

    def __init__(self, network: nn.Module, content: Tensor, style: Tensor, style_weight: float) -> None:
        self.network = network
        self.mean, self.deviation = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
        with torch.no_grad():
            self.content = self.features(content)[CONTENT_LAYER]
            seen = self.features(style)
        self.grams = {layer: gram(seen[layer]) for layer in STYLE_LAYERS}
        self.content_weight = 1 / float(self.content.square().mean())
        self.style_weights = {
            layer: style_weight / len(STYLE_LAYERS) / float(wanted.square().mean())
            for layer, wanted in self.grams.items()
        }

    def features(self, images: Tensor) -> dict[int, Tensor]:
        found = {}
        features = (images - self.mean) / self.deviation
        for number, layer in enumerate(self.network):
            features = layer(features)
            if number in (CONTENT_LAYER, *STYLE_LAYERS):
                found[number] = features
            if number == STYLE_LAYERS[-1]:
                break
        return found

    def __call__(self, images: Tensor) -> Tensor:
        seen = self.features(images)
        loss = self.content_weight * mse_loss(seen[CONTENT_LAYER], self.content)
        for layer, weight in self.style_weights.items():
            loss = loss + weight * mse_loss(gram(seen[layer]), self.grams[layer])
        return loss


def iteration(optimizer: torch.optim.Optimizer, measure: Callable[[], Tensor]) -> None:
    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = measure()
        loss.backward()
        return loss

    optimizer.step(closure)


def pictures(count: int, size: int, seed: int) -> Tensor:
    """Images (count, 3, size, size) in [-1, 1] of soft shapes and some grain."""
    draw = torch.Generator().manual_seed(seed)
    shapes = interpolate(torch.rand(count, 3, 12, 12, generator=draw) * 2 - 1, [size, size], mode="bicubic")
    return (shapes + 0.1 * torch.randn(shapes.shape, generator=draw)).clamp(-1, 1)
