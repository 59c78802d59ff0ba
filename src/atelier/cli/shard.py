"""`atelier shard`: pictures into shards, for collections that no disk here would hold."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from atelier.errors import UserError
from atelier.wording import counted, listed

if TYPE_CHECKING:
    from atelier.data.pictures import Fit
    from atelier.data.sources import Source

PUBLISHED = ("wikiart", "cifar10")

NAMED = ("procedural", *PUBLISHED)
"""Collections with a name of their own in `data=`."""

PAINTINGS = 4096
"""Those of procedural, where nothing else is asked for."""


def shard(
    data: Annotated[str, typer.Argument(metavar="DATA", help=f"A folder of pictures, or one of {', '.join(NAMED)}.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="A folder, or an address such as s3://bucket/paintings.")],
    image_size: Annotated[int, typer.Option(min=8, help="Pixels a side of the pictures in the shards.")] = 64,
    fit: Annotated[str, typer.Option(help="How a picture becomes square: crop, pad or squash.")] = "crop",
    root: Annotated[
        Path | None, typer.Option(help="Folder with a clone of wikiart or cifar10 [default: downloaded from the hub].")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=2, help="How many paintings (procedural only) [default: 4096].")
    ] = None,
    shard_megabytes: Annotated[
        float,
        typer.Option(min=0.001, help="Size of a shard's pixels, before compression; 17 shards are in memory at once."),
    ] = 64,
) -> None:
    """Decode DATA's pictures once and write them into shards, which `train.py data=stream data.root=OUT` reads.

    Pixels are stored without loss, with all labels. Broken pictures are named and left out. If it is interrupted,
    nothing is left that looks finished. An object store's address and keys are read from the environment:
    AWS_ENDPOINT_URL and so on.
    """
    from rich.filesize import decimal

    from atelier.cli.writable import refuse_unwritable
    from atelier.data.remote import Remote, is_local_path
    from atelier.data.shard_writing import write_shards

    _refuse_size(image_size)
    if not math.isfinite(shard_megabytes):
        raise UserError(f"--shard-megabytes: must be a finite number, got {shard_megabytes}")
    place = str(Path(out).expanduser().absolute()) if is_local_path(out) else out
    with _own_names("--root" if data in PUBLISHED else "DATA"):
        source = _source(data, fit, root, count)
        if is_local_path(out):
            refuse_unwritable(Path(place), option="OUT")
        index = write_shards(source, image_size, Remote(place), shard_megabytes)
    size = decimal(sum(one.bytes for one in index.shards))
    pictures, shards = counted(index.starts[-1], "picture"), counted(len(index.shards), "shard")
    typer.echo(f"{pictures} in {shards} ({size}): data=stream data.root={out}")


def _refuse_size(image_size: int) -> None:
    """Raise UserError for a size that no network here makes."""
    from atelier.networks.sizes import doublings

    try:
        doublings(image_size)
    except ValueError as error:
        _, _, text = str(error).partition(" ")
        raise UserError(f"--image-size: {text}") from error


def _source(data: str, fit: str, root: Path | None, count: int | None) -> "Source":
    """Raises UserError for what is neither a folder nor a name."""
    from atelier.data.clone import Clone
    from atelier.data.folder import Files
    from atelier.data.hub import Hub
    from atelier.data.paintings import Paintings
    from atelier.data.parquet import CIFAR10, WIKIART

    published = dict(zip(PUBLISHED, (WIKIART, CIFAR10), strict=True))
    chosen = _fit(fit)
    if root is not None and data not in PUBLISHED:
        raise UserError(f"--root: names a clone of {' or '.join(PUBLISHED)}, and DATA is {data!r}")
    if count is not None and data != "procedural":
        raise UserError(f"--count: is of the paintings of procedural, and DATA is {data!r}, of which all are taken")
    if data == "procedural":
        return Paintings(PAINTINGS if count is None else count)
    if data in PUBLISHED:
        layout = published[data]
        return Hub(data, layout, chosen) if root is None else Clone(data, layout, chosen, _folder("--root", root))
    folder = _folder("DATA", Path(data))
    parquet = next(folder.rglob("train-*.parquet"), None)
    if parquet is None:
        return Files(folder, chosen)
    return Clone("clone", CIFAR10 if CIFAR10.image in _columns(parquet) else WIKIART, chosen, folder)


def _columns(file: Path) -> list[str]:
    """None of a file that cannot be read, which the source tells of."""
    from pyarrow import ArrowException, parquet

    try:
        return [*parquet.read_schema(file).names]
    except (ArrowException, OSError):
        return []


def _fit(name: str) -> "Fit":
    from atelier.data.pictures import Fit

    for fit in get_args(Fit):
        if fit == name:
            return fit
    raise UserError(f"--fit: must be one of {listed(get_args(Fit))}, got {name!r}")


def _folder(option: str, path: Path) -> Path:
    folder = path.expanduser()
    if not folder.is_dir():
        names = "" if option.startswith("--") else f"; it may also be one of {listed(NAMED)}"
        raise UserError(f"{option}: {'not a folder' if folder.exists() else 'no such folder'}: {str(path)!r}{names}")
    return folder


@contextmanager
def _own_names(option: str) -> Iterator[None]:
    """Sources are written for `data.root` and `data`, and the user has set neither: the place is in `option`."""
    try:
        yield
    except UserError as error:
        told = re.sub(r"^data\.root(?=:)", option, str(error))
        told = re.sub(r"\bdata\.root=DIR", "--root DIR", told)
        raise UserError(told.replace("data=procedural", "procedural")) from error
