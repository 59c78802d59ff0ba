"""What callbacks know of one another."""

from typing import Any, TypeVar

from pytorch_lightning import Callback, Trainer

Kind = TypeVar("Kind", bound=Callback)


def data_of(trainer: Trainer) -> Any:
    """The data module of the run."""
    return trainer.datamodule  # type: ignore[attr-defined]  # `fit` sets it from elsewhere, on every trainer


def all_beside(trainer: Trainer, kind: type[Kind]) -> list[Kind]:
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]  # Lightning sets it from elsewhere
    return [callback for callback in callbacks if isinstance(callback, kind)]


def beside(trainer: Trainer, kind: type[Kind]) -> Kind:
    """The callback of this kind, which every run has. Raises LookupError where a trainer of one's own has none."""
    found = all_beside(trainer, kind)
    if not found:  # and no StopIteration, which Lightning would take for the end of an epoch
        raise LookupError(f"the trainer has no {kind.__name__} among its callbacks")
    return found[0]
