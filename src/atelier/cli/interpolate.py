"""`atelier interpolate`: a way through a generator's images, as a moving picture."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.numbers import numbers
from atelier.cli.options import Checkpoint, GeneratorRun, Label, SampleSeed, Truncation
from atelier.cli.pictures import animation

MILLISECONDS = 50
"""A frame's time."""

SHOWN = 8
"""Frames of each leg in the strip, at most."""


def interpolate(
    run: GeneratorRun,
    images: Annotated[
        str, typer.Option(help="Those to go through, by their numbers in `atelier sample`, such as 3,17,5.")
    ],
    frames: Annotated[int, typer.Option(min=1, help="Frames from each image to the next.")] = 24,
    seed: SampleSeed = 0,
    label: Label = None,
    truncation: Truncation = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A .webp or .gif file [default: one in RUN/interpolated named by step and numbers]."),
    ] = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Go through images and back to the first: a moving picture that loops, and a strip of it beside, as PNG.

    The way leads over arcs between the latents, and in straight lines between the styles where the generator has
    several layers of them. Every row of the strip begins with one of the images.
    """
    places = numbers("--images", images, least=2)
    if out:
        animation.refuse_other_suffixes(out)
    from PIL import Image

    from atelier.cli.latents import closed_path
    from atelier.cli.pictures.contact_sheet import is_sheet
    from atelier.cli.trained import Latents, Trained, folder_name, given
    from atelier.cli.writable import refuse_another
    from atelier.record.grids import grid, save_png

    trained = Trained(run, checkpoint)
    corners = trained.draw(seed, places, trained.class_number(label))
    trained.refuse_different_classes(corners, places)
    label = trained.class_name(corners)
    origin = given(seed=seed, images=images, label=label, truncation=truncation, frames=frames)
    out = out or run / "interpolated" / f"{folder_name(step=trained.origin['step'], **origin)}.webp"
    strip = out.with_suffix(".png")
    animation.refuse_another(out, lambda note: {"atelier", "images"} <= note.keys())
    refuse_another(strip, lambda path: is_sheet(path, "interpolate"), "a strip goes beside the moving picture")
    labels = None if corners.labels is None else corners.labels.repeat_interleave(frames)
    if trained.style_layers > 1:  # W is made to be straight (Karras et al. 2019, section 4)
        styles = closed_path(trained.styles(corners, truncation), frames, spherical=False)
    else:
        way = Latents(closed_path(corners.vectors, frames, spherical=True), labels)
        styles = trained.styles(way, truncation)
    painted = trained.paint(styles, labels)

    note = {**trained.origin, **origin, "atelier": version("atelier")}
    pictures = [Image.fromarray(image) for image in painted.permute(0, 2, 3, 1).numpy()]
    animation.save(pictures, out, [MILLISECONDS] * len(pictures), note)
    columns = min(frames, SHOWN)
    shown = [leg * frames + column * frames // columns for leg in range(len(places)) for column in range(columns)]
    save_png(grid(painted[shown], columns), strip, {"command": "interpolate", **note})
    typer.echo(f"{out}, and a strip beside it")
