"""What every data module does: hand out training batches without end, and held-out ones once each."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from pytorch_lightning import LightningDataModule

from atelier.data.loaders import Collection, Draws, TrainingLoader, ValidationLoader
from atelier.data.stream import Stream
from atelier.data.types import Images


@dataclass(kw_only=True, eq=False)
class EndlessData(LightningDataModule, ABC):
    """Batch number n of training depends on the seed and on n, on nothing else."""

    batch: ClassVar[type] = Images
    pictures: ClassVar[bool] = True
    """Whether the items can be looked at."""

    batch_size: int
    """Items of a step, over all devices."""
    seed: int
    """Decides the order and the mirroring. Neither the items nor the split depend on it."""
    hflip: bool = True
    num_workers: int = 0

    classes: tuple[str, ...] = field(init=False, default=())
    """The names of the labels' classes; empty without labels."""
    train_pixels: Collection = field(init=False, repr=False)
    validation_pixels: Collection = field(init=False, repr=False)
    fingerprint: str = field(init=False, repr=False)
    """Names the items: equal for equal ones, wherever they came from."""

    def __post_init__(self) -> None:
        super().__init__()
        # Where there are fewer validation pictures than devices.
        self.allow_zero_length_dataloader_with_multiple_devices = True
        for name, least in {"batch_size": 1, "num_workers": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        self._prepared = False

    @abstractmethod
    def find(self) -> None:
        """Set `classes`, both collections and the fingerprint."""

    def stream(self, rank: int, world: int) -> Draws:
        """The order of training, for process `rank` of `world`."""
        return Stream(len(self.train_pixels), self.batch_size, self.seed, rank, world, self.hflip)

    def prepare_data(self) -> None:
        self.prepare()

    def setup(self, stage: str) -> None:
        self.prepare()

    def prepare(self) -> None:
        """Find what there is to train on; the second time, nothing.

        Raises UserError for whatever would keep the training from its first batch.
        """
        if not self._prepared:
            self.find()
            self._prepared = True

    def train_dataloader(self) -> TrainingLoader:
        stream = self.stream(*self._rank())
        if self.trainer is None:
            return TrainingLoader(self.train_pixels, stream, num_workers=self.num_workers)
        start = self.trainer.global_step * self.trainer.accumulate_grad_batches
        on_gpu = self.trainer.strategy.root_device.type == "cuda"
        return TrainingLoader(self.train_pixels, stream, start, self.num_workers, pin_memory=on_gpu)

    def val_dataloader(self) -> ValidationLoader:
        rank, world = self._rank()
        return ValidationLoader(self.validation_pixels, self.batch_size // world, rank, world)

    def _rank(self) -> tuple[int, int]:
        """This process's number, and how many processes train together."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
