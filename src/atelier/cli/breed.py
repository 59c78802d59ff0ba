"""`atelier breed`: new images out of those one likes."""

import math
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atelier.cli.numbers import numbers, ranges
from atelier.cli.options import Checkpoint, GeneratorRun, Label, SampleSeed, Truncation
from atelier.errors import UserError
from atelier.wording import counted

if TYPE_CHECKING:
    from torch import Tensor

    from atelier.cli.trained import Latents, Trained
    from atelier.record.grids import Pixels

FAMILY = "family.png"


def breed(
    run: GeneratorRun,
    parents: Annotated[str, typer.Option(help="Two or more images, by their numbers in `atelier sample`.")],
    mix: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The last parent's share; the others share the rest [default: all equal]."),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(help="Style layers from the second of two parents, such as 0-3; the rest from the first."),
    ] = None,
    children: Annotated[int, typer.Option(min=1, help="How many children.")] = 8,
    mutation: Annotated[
        float,
        typer.Option(min=0, max=1, help="How far each parent strays, towards an image by chance, for each child."),
    ] = 0.2,
    seed: SampleSeed = 0,
    label: Label = None,
    truncation: Truncation = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the images [default: one in RUN/bred named by step and parents].")
    ] = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Cross images: write each child as PNG, and the family, its first row the parents.

    Child 0 is the crossing alone; of the others the parents strayed a little before, each time elsewhere.
    """
    places = numbers("--parents", parents, least=2)
    _refuse_two_ways(places, mix, layers)
    from atelier.cli.digests import DIGEST
    from atelier.cli.pictures.contact_sheet import is_sheet
    from atelier.cli.pictures.places import refuse_others
    from atelier.cli.trained import Trained, folder_name, given
    from atelier.cli.writable import refuse_another, refuse_unwritable
    from atelier.record.grids import save_png

    trained = Trained(run, checkpoint)
    elders = trained.draw(seed, places, trained.class_number(label))
    trained.refuse_different_classes(elders, places)
    way = {"layers": layers} if layers else {"mix": "equal" if mix is None else mix}
    label = trained.class_name(elders)
    origin = given(seed=seed, parents=parents, **way, mutation=mutation, label=label, truncation=truncation)
    folder = out or run / "bred" / folder_name(step=trained.origin["step"], **origin)
    note = {**trained.origin, DIGEST: trained.digest, **origin}
    notes = {folder / f"child-{child:05d}.png": {**note, "child": child} for child in range(children)}
    refuse_unwritable(folder)
    refuse_another(folder / FAMILY, lambda path: is_sheet(path, "breed"), "the family goes among the children")
    refuse_others(notes)
    litter = _strayed(elders, seed, places, children, mutation)
    styles = _crossed(trained, litter, elders.labels, mix, layers, truncation)
    images = trained.paint(styles, _repeated(elders.labels, children))
    adults = trained.paint(trained.styles(elders, truncation), elders.labels)

    for image, (path, own) in zip(images.permute(0, 2, 3, 1).numpy(), notes.items(), strict=True):
        save_png(image, path, own)
    save_png(_family(adults, images), folder / FAMILY, {"command": "breed", **note, "atelier": version("atelier")})
    typer.echo(f"{counted(children, 'child', 'children')} and {FAMILY} in {folder}")


def _refuse_two_ways(parents: list[int], mix: float | None, layers: str | None) -> None:
    if layers is not None and mix is not None:
        raise UserError("--layers: exchanges layers instead of mixing: give --mix or --layers, not both")
    if layers is not None and len(parents) != 2:
        raise UserError(f"--layers: takes layers of the second of two parents, got {len(parents)} parents")


def _strayed(elders: "Latents", seed: int, places: list[int], children: int, mutation: float) -> "Tensor":
    """The parents' latents as each child got them, (children, parents, latent_dim)."""
    import torch

    from atelier import hashing
    from atelier.cli.latents import slerp

    generators = [torch.Generator().manual_seed(hashing.mix(seed, *places, child)) for child in range(children)]
    elsewhere = torch.stack([torch.randn(elders.vectors.shape, generator=generator) for generator in generators])
    share = torch.full((children, 1, 1), mutation)
    share[0] = 0
    return slerp(elders.vectors, elsewhere, share)


def _crossed(
    trained: "Trained",
    litter: "Tensor",
    labels: "Tensor | None",
    mix: float | None,
    layers: str | None,
    truncation: float | None,
) -> "Tensor":
    """The children's styles, (children, style_layers, D)."""
    from atelier.cli.latents import cross
    from atelier.cli.trained import Latents

    children, parents, _ = litter.shape
    labels = _repeated(labels, children)
    if layers is None:
        vectors = cross(litter, 1 / parents if mix is None else mix)
        return trained.styles(Latents(vectors, labels), truncation)
    chosen = _layers(layers, trained.style_layers)
    styles, others = (trained.styles(Latents(vectors, labels), truncation) for vectors in litter.unbind(1))
    styles[:, chosen] = others[:, chosen]  # style mixing (Karras et al. 2019, section 3.1)
    return styles


def _layers(text: str, count: int) -> list[int]:
    if count == 1:
        raise UserError(
            "--layers: this generator takes its styles in one place: there is nothing to exchange; try --mix"
        )
    return ranges("--layers", text, count)


def _repeated(labels: "Tensor | None", count: int) -> "Tensor | None":
    """The label that all have, so many times."""
    return None if labels is None else labels[:1].repeat(count)


def _family(parents: "Tensor", children: "Tensor") -> "Pixels":
    """The parents in a row, the children in rows below."""
    import torch

    from atelier.record.grids import grid

    columns = max(len(parents), math.ceil(math.sqrt(len(children))))
    empty = torch.full((columns - len(parents), *parents.shape[1:]), 255, dtype=torch.uint8)
    return grid(torch.cat([parents, empty, children]), columns)
