"""`atelier cache`: what lies in the caches, and how to be rid of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from atelier.errors import UserError
from atelier.files import cache_root

if TYPE_CHECKING:
    from atelier.data.inventory import Entry

cache = typer.Typer(no_args_is_help=True, help="List and clear caches ($ATELIER_CACHE, or the user's cache folder).")


@cache.command("list")
def list_entries() -> None:
    """Decoded pictures, statistics of real images, downloaded weights: what each takes."""
    from rich import box
    from rich.console import Console
    from rich.filesize import decimal
    from rich.markup import escape
    from rich.table import Table

    from atelier.data.inventory import entries

    found = entries()
    sheet = Table("kind", "name", "changed", box=box.SIMPLE_HEAD, title=escape(str(cache_root())), title_justify="left")
    sheet.add_column("size", justify="right")
    for entry in found:
        sheet.add_row(escape(entry.kind), escape(entry.name), f"{entry.when:%Y-%m-%d %H:%M}", decimal(entry.bytes))
    sheet.add_section()
    sheet.add_row("", f"{len(found)} in all", "", decimal(sum(entry.bytes for entry in found)))
    Console().print(sheet)


@cache.command()
def clear(
    kinds: Annotated[list[str] | None, typer.Argument(help="Kinds, as `list` shows them [default: all].")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove caches. They are made again when they are needed; weights are downloaded again."""
    from rich.filesize import decimal

    from atelier.data.inventory import clear as remove
    from atelier.data.inventory import entries

    found = entries()
    chosen = [entry for entry in found if not kinds or entry.kind in kinds]
    _refuse_unknown(kinds or [], found)
    if chosen and not yes:
        size = decimal(sum(entry.bytes for entry in chosen))
        typer.confirm(f"Remove {len(chosen)} from {cache_root()} ({size})?", abort=True)
    remove(chosen)
    typer.echo(f"{len(chosen)} removed")


def _refuse_unknown(kinds: Sequence[str], found: "Sequence[Entry]") -> None:
    known = sorted({entry.kind for entry in found})
    for kind in kinds:
        if kind not in known:
            raise UserError(f"there is no cache of kind {kind!r}; there are {known}")
