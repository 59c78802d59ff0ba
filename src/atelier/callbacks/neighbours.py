"""What callbacks know of one another."""

from typing import TypeVar

from pytorch_lightning import Callback, Trainer

Kind = TypeVar("Kind", bound=Callback)


def beside(trainer: Trainer, kind: type[Kind]) -> Kind:
    """The callback of this kind, which every run has."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]  # Lightning sets it from elsewhere
    return next(callback for callback in callbacks if isinstance(callback, kind))
