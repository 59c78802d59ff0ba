"""Generated images of the past, which a discriminator sees beside today's."""

import torch
from torch import Tensor, nn

from atelier import processes
from atelier.hashing import mix


class ImagePool(nn.Module):
    """Gives back each image shown, or, as likely, one of the past `size`, whose place it takes.

    (Shrivastava et al. 2017, section 2.3; Zhu et al. 2017, section 4.) Until the pool is full, each image comes back
    and is kept. Images are (3, image_size, image_size). What is in the pool belongs into checkpoints. Processes that
    train together have one pool, each a copy of it. With a size of 0 everything comes back.
    """

    images: Tensor

    def __init__(self, size: int, image_size: int) -> None:
        super().__init__()
        if size < 0:
            raise ValueError(f"size must be >= 0, got {size}")
        self.size = size
        self.register_buffer("images", torch.zeros(size, 3, image_size, image_size))
        # no buffers: on a GPU, whoever asks for a number waits for all that is being computed
        self.shown = 0
        self.salt = int(torch.randint(2**62, (), device="cpu"))
        """The same in every process, another in every pool and for every seed."""

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """As many as came, (B, 3, image_size, image_size), without a graph."""
        if self.size == 0:
            return images.detach()
        shown = processes.gathered(images.detach())
        chosen = [self._exchange(image, self.shown + number) for number, image in enumerate(shown)]
        self.shown += len(shown)
        return processes.own(torch.stack(chosen))

    def get_extra_state(self) -> Tensor:
        return torch.tensor([self.shown, self.salt])

    def set_extra_state(self, state: Tensor) -> None:
        self.shown, self.salt = state.tolist()

    def _exchange(self, image: Tensor, number: int) -> Tensor:
        """For image `number`, from 0, of all that were ever shown."""
        if number < self.size:
            self.images[number] = image
            return image
        place = mix(self.salt, number) % (2 * self.size)
        if place >= self.size:
            return image
        past = self.images[place].to(image.dtype, copy=True)
        self.images[place] = image
        return past
