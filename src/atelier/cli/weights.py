"""`atelier weights`: the files of pretrained weights, had before they are needed, and looked at afterwards."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from atelier.errors import UserError
from atelier.failures import tell
from atelier.wording import did_you_mean, listed

weights = typer.Typer(
    no_args_is_help=True,
    help="List, fetch, join and verify pretrained weights ($ATELIER_WEIGHTS, or the user's cache folder).",
)


@weights.command("list")
def list_files() -> None:
    """List all files: size, licence, whether here, and what for."""
    from rich import box
    from rich.console import Console
    from rich.filesize import decimal
    from rich.markup import escape
    from rich.table import Table

    from atelier.weights import PUBLISHED, folder

    sheet = Table("name", box=box.SIMPLE_HEAD, title=escape(str(folder())), title_justify="left")
    sheet.add_column("size", justify="right")
    for heading in ("licence", "state", "for"):
        sheet.add_column(heading)
    for name, file in PUBLISHED.items():
        sheet.add_row(name, decimal(file.size) if file.size else "?", file.licence, _state(name), file.purpose)
    Console().print(sheet)


@weights.command()
def fetch(names: Annotated[list[str], typer.Argument(metavar="NAME", help="Which, as `list` shows them.")]) -> None:
    """Download files, unless they are here, and verify them.

    An interrupted download goes on where it was.
    """
    from atelier import weights as files

    _refuse_unknown(names)
    for name in names:
        typer.echo(str(files.fetch(name)))


@weights.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Which, as `list` shows them [default: all here].")
    ] = None,
) -> None:
    """Compare files with their known checksums."""
    from atelier import weights as files
    from atelier.data.progress import watched

    _refuse_unknown(names or [])
    chosen = names or [name for name in files.PUBLISHED if files.path_of(name).is_file()]
    faults = []
    for name in watched(chosen, "hashing", len(chosen)):
        try:
            files.verify(name)
        except UserError as error:
            faults.append(str(error))
    if faults:
        raise UserError("\n  ".join(faults))
    typer.echo(f"{len(chosen)} verified" + (f": {listed(chosen)}" if chosen else ""))


@weights.command(short_help="Make the file that `stylize wct` needs, and `gatys` gains by.")
def join(
    clone: Annotated[
        Path,
        typer.Argument(
            metavar="CLONE", help="Folder with a clone of github.com/MingSun-Tse/Collaborative-Distillation."
        ),
    ],
) -> None:
    """Make the file of the distilled VGG-19 out of the ten that its authors publish.

    `stylize wct` needs it, and `stylize gatys` sees better with it.
    """
    from safetensors.torch import save

    from atelier.files import replacing
    from atelier.networks.slim_files import joined
    from atelier.weights import path_of, published

    try:
        content = save(joined(clone))
    except ValueError as error:
        raise UserError(f"CLONE: {error}") from error
    if sha256(content).hexdigest() != published("vgg19_slim").sha256:
        tell("these are other weights than those that Atelier was tried with")
    path = path_of("vgg19_slim")
    with replacing(path) as partial:
        partial.write_bytes(content)
    typer.echo(str(path))


def _state(name: str) -> str:
    """As far as one sees without reading the file."""
    from atelier.weights import path_of, published
    from atelier.weights.transfer import PARTIAL

    path, file = path_of(name), published(name)
    if path.is_file():
        return "here" if file.joined or file.size in (None, path.stat().st_size) else "damaged"
    return "begun" if path.with_name(path.name + PARTIAL).is_file() else "absent"


def _refuse_unknown(names: Iterable[str]) -> None:
    from atelier.weights import PUBLISHED

    for name in names:
        if name not in PUBLISHED:
            raise UserError(
                f"NAME: there are no weights {name!r}; there are {listed(PUBLISHED)}{did_you_mean(name, PUBLISHED)}"
            )
