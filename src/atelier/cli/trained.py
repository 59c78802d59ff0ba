"""A run's trained generator, ready to draw: what the commands that make images share."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from atelier import run as runs
from atelier.cli.devices import device
from atelier.cli.digests import digest
from atelier.errors import UserError
from atelier.record.grids import to_pixels
from atelier.run_folder import facts, title
from atelier.sweeps import names
from atelier.tasks.gan import Gan
from atelier.wording import did_you_mean, listed

BATCH = 8
"""Images made at once: always as many, since the last bit of an image may depend on how many are made beside it."""


class Latents(NamedTuple):
    vectors: Tensor
    """float32 (N, latent_dim), on the CPU."""
    labels: Tensor | None
    """int64 (N,), on the CPU; None where the generator knows no classes."""


class Trained:
    """The generator of a run folder, on a GPU where there is one.

    `loaded` is what was loaded of it already. Raises UserError for what is no run folder, or a run that makes no images
    out of latents.
    """

    def __init__(self, run: Path, checkpoint: Path | None = None, loaded: runs.Loaded | None = None) -> None:
        task, self.cfg, content = loaded or runs.load(run, checkpoint)
        if not isinstance(task, Gan):
            raise UserError(f"{run} is a run of {type(task).__name__}, which makes no images out of latents")
        self.task = task.to(device())
        known = facts(run)
        if not known.get("pictures", True):
            raise UserError(f"{run}: draws points, no pictures: its samples/ shows them")
        self.names: list[str] = known.get("classes", [])
        self.origin = {"run": title(run), "step": content["global_step"]}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the generator: a run that went back, or on in another way, may have two of one step."""
        return digest([self.task.average])

    @property
    def style_layers(self) -> int:
        return self.task.average.network.style_layers  # type: ignore[return-value]  # a Generator, in an nn.Module's attribute

    def class_number(self, label: str | None) -> int | None:
        """The class that `--label` names, by its name or its number. Raises UserError where there is none such."""
        classes = self.task.classes
        if label is None:
            return None
        if not classes:
            raise UserError(f"--label: got {label!r}, but this run was trained without labels: it knows no classes")
        if label in self.names:
            return self.names.index(label)
        if label.isdecimal() and int(label) < classes:
            return int(label)
        choices = f"one of {listed(self.names)}" if self.names else f"a number in 0..{classes - 1}"
        raise UserError(f"--label: there is no class {label!r}; choose {choices}{did_you_mean(label, self.names)}")

    def class_name(self, latents: Latents, index: int = 0) -> str | None:
        """The class of one of the latents, a number where it has no name; None without classes."""
        if latents.labels is None:
            return None
        number = int(latents.labels[index])
        return self.names[number] if self.names else str(number)

    def draw(self, seed: int, numbers: Iterable[int], label: int | None = None) -> Latents:
        """The latents of these images of `atelier sample --seed SEED`; of the class `label`, or of one by chance.

        Each has a seed of its own, so that image 7 is the same whether ten are asked for or a thousand, and keeps its
        latent when its class is chosen.
        """
        vectors, labels = self.task.draw_numbered(seed, [*numbers])
        if labels is not None and label is not None:
            labels.fill_(label)
        return Latents(vectors, labels)

    def refuse_different_classes(self, latents: Latents, numbers: Sequence[int]) -> None:
        """There is nothing halfway between two labels: raise UserError where not all latents have the same."""
        if latents.labels is not None and len(latents.labels.unique()) > 1:
            found = ", ".join(f"{number} of {self.class_name(latents, i)}" for i, number in enumerate(numbers))
            raise UserError(f"--label: must say in which class to draw, for the images are of several: {found}")

    def styles(self, latents: Latents, truncation: float | None = None) -> Tensor:
        """What `paint` draws from, (N, style_layers, D). Raises UserError for a bad truncation."""
        try:
            return _in_batches(lambda vectors, labels: self.task.styles(vectors, labels, truncation), *latents)
        except ValueError as error:
            if not str(error).startswith("truncation"):
                raise
            raise UserError(f"--truncation: {str(error).removeprefix('truncation ')}") from error

    def paint(self, styles: Tensor, labels: Tensor | None) -> Tensor:
        """Images of such styles: uint8 (N, 3, H, W), on the CPU."""
        return _in_batches(lambda *batch: to_pixels(self.task.synthesize(*batch)), styles, labels)


def given(**facts: object) -> dict[str, object]:
    """The facts that are not None: what a picture's note says, and its folder's name."""
    return {name: fact for name, fact in facts.items() if fact is not None}


def folder_name(*words: str, **facts: object) -> str:
    """Such as `step-400-seed-7`: other pictures go elsewhere. Facts that are None are left out.

    A word's slashes become underscores. What is too long for a file's name, and a fact with a slash, ends in a hash.
    """
    parts = [word.replace("/", "_") for word in words] + [f"{name}-{fact}" for name, fact in given(**facts).items()]
    return names.folder_name("-".join(parts))


def _in_batches(make: Callable[..., Tensor], *columns: Tensor | None) -> Tensor:
    """`make` of BATCH rows at a time; the last batch is filled up with its last row."""
    assert columns[0] is not None
    count = len(columns[0])
    rows = torch.arange(-(-count // BATCH) * BATCH).clamp(max=count - 1)
    parts = [make(*(None if column is None else column[some] for column in columns)) for some in rows.split(BATCH)]
    return torch.cat(parts)[:count]
