"""`atelier sample`: images from a trained generator."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.numbers import LAST_SEED
from atelier.wording import counted

SHOWN = 64
"""Images in the grid, the first of all."""


def sample(
    run: Annotated[Path, typer.Argument(help="The run folder.")],
    count: Annotated[int, typer.Option(min=1, help="How many images.")] = 64,
    seed: Annotated[int, typer.Option(min=0, max=LAST_SEED, help="The same seed makes the same images.")] = 0,
    label: Annotated[str | None, typer.Option(help="Only of this class, by name or number.")] = None,
    truncation: Annotated[
        float | None,
        typer.Option(
            help="Less variety for better images: the lower, the more. For StyleGAN2 a share of the way from the mean "
            "style, below 1; else the largest value of a latent, of which 2 cuts off one in twenty."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the images; by default one in RUN/generated named by step and seed.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="[default: the run's best]")] = None,
) -> None:
    """Write images from a trained generator, one PNG each, and beside their folder a grid of them."""
    import torch

    from atelier.cli.contact import place_beside
    from atelier.cli.trained import BATCH, Trained, folder_name, given
    from atelier.record.grids import grid, save_png

    trained = Trained(run, checkpoint)
    chosen = trained.class_number(label)
    asked = given(seed=seed, label=label, truncation=truncation)
    folder = out or run / "generated" / folder_name(step=trained.origin["step"], **asked)
    sheet = place_beside(folder)  # not among the images, which one may want to score
    first: list[torch.Tensor] = []
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        latents = trained.draw(seed, numbers, chosen)
        images = trained.paint(trained.styles(latents, truncation), latents.labels)
        first += [images] if start < SHOWN else []
        for row, number in enumerate(numbers):
            origin = {"seed": seed, "index": number, "label": trained.class_name(latents, row)}
            note = given(**trained.origin, **origin, truncation=truncation)
            save_png(images[row].permute(1, 2, 0).numpy(), folder / f"{number:05d}.png", note)
    save_png(grid(torch.cat(first)[:SHOWN]), sheet, {**trained.origin, **asked, "atelier": version("atelier")})
    typer.echo(f"{counted(count, 'image')} in {folder}, side by side in {sheet}")
