"""TensorBoard: events in `<run>/tensorboard`, beside everything else of the run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_fabric.loggers.logger import rank_zero_experiment
from omegaconf import OmegaConf
from pytorch_lightning.utilities import rank_zero_only
from torch.utils.tensorboard import SummaryWriter

from atelier.record.grids import Pixels
from atelier.record.loggers import RunLogger


class TensorBoardRecord(RunLogger):
    """Curves, pictures and the config as text. A resumed run hides what came after its `resume_step`."""

    def __init__(self, folder: Path, resume_step: int | None = None) -> None:
        super().__init__()
        self.folder = Path(folder) / "tensorboard"
        self._purge_step = None if resume_step is None else resume_step + 1
        self._writer: SummaryWriter | None = None

    @property
    def name(self) -> str:
        return "tensorboard"

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.folder.parent)

    @property
    @rank_zero_experiment
    def experiment(self) -> SummaryWriter:
        """The writer, opened when it is first asked for."""
        if self._writer is None:
            self._writer = SummaryWriter(self.folder, purge_step=self._purge_step)
        return self._writer

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        indented = OmegaConf.to_yaml(OmegaConf.create(dict(params))).replace("\n", "\n    ")
        self.experiment.add_text("config", f"    {indented}")  # Markdown for a block of code

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        for key, value in metrics.items():
            self.experiment.add_scalar(key, value, step)

    def log_image(self, key: str, pixels: Pixels, step: int) -> None:
        self.experiment.add_image(key, pixels, step, dataformats="HWC")

    def save(self) -> None:
        """Put what was logged on the disk, where TensorBoard's page sees it."""
        self.experiment.flush()

    @rank_zero_only
    def close(self, failed: bool) -> None:
        if self._writer is not None:
            self._writer.close()
