"""CycleGAN's step as published scripts write it (Zhu et al. 2017), for benchmarks/translation.py to be compared with.

Each pass of its own: what is translated, what comes back, what is of the target domain already, what is real and what
is generated. Ordinary memory and an ordinary Adam; a pool of past images as a list.
"""

import random
from collections.abc import Callable
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss

Make = Callable[[], nn.Module]


class Pool:
    def __init__(self, size: int) -> None:
        self.size, self.images = size, []

    def __call__(self, images: Tensor) -> Tensor:
        chosen = []
        for image in images.detach().split(1):
            if len(self.images) < self.size:
                self.images.append(image)
            elif random.random() > 0.5:
                place = random.randrange(self.size)
                image, self.images[place] = self.images[place].clone(), image
            chosen.append(image)
        return torch.cat(chosen)


class CycleGan:
    """Generators and discriminators of both ways, lambda of 10, identity at half of it."""

    def __init__(self, generator: Make, discriminator: Make, freeze: bool) -> None:
        self.generators, self.discriminators = ([make(), make()] for make in (generator, discriminator))
        self.optimizers = [
            torch.optim.Adam(chain.from_iterable(net.parameters() for net in nets), lr=2e-4, betas=(0.5, 0.999))
            for nets in (self.generators, self.discriminators)
        ]
        self.pools = [Pool(50), Pool(50)]
        self.freeze = freeze

    def step(self, photos: Tensor, paintings: Tensor) -> list[Tensor]:
        """The losses of the generators, and of each discriminator."""
        painter, photographer = self.generators
        for_generators, for_discriminators = self.optimizers
        painted, taken = painter(photos), photographer(paintings)
        photos_again, paintings_again = photographer(painted), painter(taken)
        self._let_learn(not self.freeze)
        for_generators.zero_grad()
        judge_of_paintings, judge_of_photos = self.discriminators
        adversarial = real_by(judge_of_paintings(painted)) + real_by(judge_of_photos(taken))
        cycle = l1_loss(photos_again, photos) + l1_loss(paintings_again, paintings)
        identity = l1_loss(painter(paintings), paintings) + l1_loss(photographer(photos), photos)
        loss = adversarial + 10 * cycle + 5 * identity
        loss.backward()
        for_generators.step()
        self._let_learn(True)
        for_discriminators.zero_grad()
        losses = [loss.detach()]
        for judge, real, fake, pool in zip(
            self.discriminators, (paintings, photos), (painted, taken), self.pools, strict=True
        ):
            own = (real_by(judge(real)) + fake_by(judge(pool(fake)))) / 2
            own.backward()
            losses.append(own.detach())
        for_discriminators.step()
        return losses

    def _let_learn(self, learn: bool) -> None:
        for judge in self.discriminators:
            judge.requires_grad_(learn)


def real_by(logits: Tensor) -> Tensor:
    return mse_loss(logits, torch.ones_like(logits))


def fake_by(logits: Tensor) -> Tensor:
    return mse_loss(logits, torch.zeros_like(logits))


# The published layers.


def norm_and_relu(width: int) -> list[nn.Module]:
    return [nn.InstanceNorm2d(width), nn.ReLU(True)]


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = ([nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3)] for _ in range(2))
        self.layers = nn.Sequential(*first, *norm_and_relu(width), *second, nn.InstanceNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


def generator(width: int, blocks: int) -> nn.Module:
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), *norm_and_relu(width)]
    for wide in (2 * width, 4 * width):
        layers += [nn.Conv2d(wide // 2, wide, 3, 2, 1), *norm_and_relu(wide)]
    layers += [Residual(4 * width) for _ in range(blocks)]
    for wide in (4 * width, 2 * width):
        layers += [nn.ConvTranspose2d(wide, wide // 2, 3, 2, 1, 1), *norm_and_relu(wide // 2)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh())


def discriminator(width: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    for before, after, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
        layers += [nn.Conv2d(before * width, after * width, 4, stride, 1)]
        layers += [nn.InstanceNorm2d(after * width), nn.LeakyReLU(0.2, True)]
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))
