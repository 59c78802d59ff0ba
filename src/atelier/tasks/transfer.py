"""What networks that learn to transfer styles have in common: weighted terms of what became of each content."""

from abc import abstractmethod
from collections.abc import Mapping, Set
from typing import Any, ClassVar

from pytorch_lightning import LightningModule
from torch import Tensor

from atelier.data.types import Pair
from atelier.losses.terms import chosen
from atelier.losses.transfer import Transferred, TransferTerm
from atelier.networks.vgg import Encoder
from atelier.tasks.adversarial import OptimizerFactory, ScheduleFactory, Terms
from atelier.tasks.schedules import stepped


class TransferTask(LightningModule):
    """A step is an update on one batch of pairs. `terms` are minimised together; their names are those of the record,
    and one that is None is left out.

    Lower is better of `val/loss`, the same sum for held-out pictures, by which the best checkpoint is chosen; a lazy
    term (`every` > 1) is not scaled up there, and so counts as it does on average over the steps of training.
    """

    batch: ClassVar[type] = Pair
    monitor: ClassVar[str] = "loss"

    offers: ClassVar[Set[str]] = frozenset()
    """The parts of a transfer that terms may read, of those that not every method has."""

    def __init__(
        self,
        encoder: Encoder,
        terms: Mapping[str, TransferTerm | None],
        optimizer: OptimizerFactory,
        schedule: ScheduleFactory,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.terms = chosen(terms, self.offers, type(self).__name__)
        self.optimizer_factory, self.schedule_factory = optimizer, schedule
        self.looked_at = {tap for term in self.terms.values() for tap in term.taps}
        if unknown := self.looked_at - {*encoder.widths}:
            raise ValueError(f"terms must be of taps among {list(encoder.widths)}, got {sorted(unknown)}")

    @abstractmethod
    def transfer(self, batch: Pair) -> Transferred:
        """What became of the batch, its stylised pictures not clamped."""

    @abstractmethod
    def stylised(self, batch: Pair) -> Tensor:
        """The contents in their styles, (B, 3, H, W) in [-1, 1]."""

    def configure_optimizers(self) -> Any:
        return stepped(self.optimizer_factory(self.parameters()), self.schedule_factory)

    def training_step(self, batch: Pair, batch_idx: int) -> Terms:
        record, step = self.transfer(batch), self.global_step + 1
        terms = {name: term(record, step) for name, term in self.terms.items() if term.due(step)}
        return {"loss": sum(terms.values()), **{f"network/{name}": term.detach() for name, term in terms.items()}}

    def validation_step(self, batch: Pair, batch_idx: int) -> None:
        record, step = self.transfer(batch), self.global_step
        values = {f"val/{name}": term.in_the_mean(record, step) for name, term in self.terms.items()}
        self.log_dict({**values, "val/loss": sum(values.values())}, batch_size=len(batch.content), sync_dist=True)
