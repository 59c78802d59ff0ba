"""Generated images of the past, which a discriminator sees beside today's."""

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """Of each image shown either that one comes back, or, as likely, one of the past `size`, whose place it takes.

    (Shrivastava et al. 2017, section 2.3; Zhu et al. 2017, section 4.) Until the pool is full, each image comes back
    and is kept. Images are (3, image_size, image_size). What is in the pool belongs into checkpoints: these are
    buffers. With a size of 0 everything comes back.
    """

    images: Tensor
    shown: Tensor

    def __init__(self, size: int, image_size: int) -> None:
        super().__init__()
        if size < 0:
            raise ValueError(f"size must be >= 0, got {size}")
        self.size = size
        self.register_buffer("images", torch.zeros(size, 3, image_size, image_size))
        self.register_buffer("shown", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """As many as came, (B, 3, image_size, image_size), without a graph."""
        if self.size == 0:
            return images.detach()
        first = int(self.shown)
        chosen = [self._exchange(image, first + number) for number, image in enumerate(images.detach())]
        self.shown += len(images)
        return torch.stack(chosen)

    def _exchange(self, image: Tensor, number: int) -> Tensor:
        """For image `number`, from 0, of all that were ever shown."""
        if number < self.size:
            self.images[number] = image
            return image
        if torch.rand(()) < 0.5:  # on the CPU, whose generator a resumed run has again
            return image
        place = int(torch.randint(self.size, ()))
        past = self.images[place].to(image.dtype, copy=True)
        self.images[place] = image
        return past
