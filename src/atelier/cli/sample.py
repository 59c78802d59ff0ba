"""`atelier sample`: images from a trained generator."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from atelier.cli.numbers import LAST_SEED
from atelier.cli.options import Checkpoint, GeneratorRun
from atelier.wording import counted

if TYPE_CHECKING:
    from atelier.cli.trained import Latents, Trained

SHOWN = 64
"""Images in the grid, the first of all."""


def sample(
    run: GeneratorRun,
    count: Annotated[int, typer.Option(min=1, help="How many images to write.")] = 64,
    seed: Annotated[int, typer.Option(min=0, max=LAST_SEED, help="The same seed makes the same images.")] = 0,
    label: Annotated[str | None, typer.Option(help="Only of this class, by name or number.")] = None,
    truncation: Annotated[
        float | None,
        typer.Option(
            help="Gives up variety for quality; the lower, the less variety. For StyleGAN2 a factor on the distance "
            "from the mean style, where 1 changes nothing; for others the largest value of a latent, where 2 cuts off "
            "one in twenty [default: none]."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the images [default: one in RUN/generated named by step and seed].")
    ] = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Write images from a trained generator, one PNG each, and beside their folder a grid of them."""
    import torch

    from atelier.cli.pictures.contact_sheet import place_beside
    from atelier.cli.pictures.places import refuse_others
    from atelier.cli.trained import Trained, folder_name, given
    from atelier.record.grids import grid, save_png

    trained = Trained(run, checkpoint)
    chosen = trained.class_number(label)
    asked = given(seed=seed, label=label, truncation=truncation)
    folder = out or run / "generated" / folder_name(step=trained.origin["step"], **asked)
    sheet = place_beside(folder, "sample")  # not among the images, which one may want to score
    series = Series(trained, seed, truncation, folder)
    for numbers in _batches([number for number in range(count) if series.place(number).exists()]):
        refuse_others(series.notes(trained.draw(seed, numbers, chosen), numbers))
    first: list[torch.Tensor] = []
    for numbers in _batches(range(count)):
        latents = trained.draw(seed, numbers, chosen)
        images = trained.paint(trained.styles(latents, truncation), latents.labels)
        first += [images] if numbers[0] < SHOWN else []
        for image, (path, note) in zip(images, series.notes(latents, numbers).items(), strict=True):
            save_png(image.permute(1, 2, 0).numpy(), path, note)
    note = {"command": "sample", **trained.origin, **asked, "atelier": version("atelier")}
    save_png(grid(torch.cat(first)[:SHOWN]), sheet, note)
    typer.echo(f"{counted(count, 'image')} in {folder}, side by side in {sheet}")


class Series(NamedTuple):
    """Where the images of a seed go, and what their files say of them."""

    trained: "Trained"
    seed: int
    truncation: float | None
    folder: Path

    def place(self, number: int) -> Path:
        return self.folder / f"{number:05d}.png"

    def notes(self, latents: "Latents", numbers: Sequence[int]) -> dict[Path, dict[str, object]]:
        from atelier.cli.digests import DIGEST
        from atelier.cli.trained import given

        origin = {**self.trained.origin, DIGEST: self.trained.digest, "seed": self.seed}
        labels = [self.trained.class_name(latents, row) for row in range(len(numbers))]
        return {
            self.place(number): given(**origin, index=number, label=label, truncation=self.truncation)
            for number, label in zip(numbers, labels, strict=True)
        }


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    from atelier.cli.trained import BATCH

    for start in range(0, len(numbers), BATCH):
        yield numbers[start : start + BATCH]
