"""`atelier cache`: what lies in the caches, and how to be rid of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from atelier.errors import UserError
from atelier.failures import tell
from atelier.files import PARTIAL, cache_root, real
from atelier.wording import counted, did_you_mean, listed

if TYPE_CHECKING:
    from atelier.data.inventory import Entry

cache = typer.Typer(no_args_is_help=True, help="List and clear caches ($ATELIER_CACHE, or the user's cache folder).")


@cache.command("list")
def list_entries() -> None:
    """List decoded pictures, statistics and weights, with sizes."""
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
    kinds: Annotated[
        list[str] | None,
        typer.Argument(metavar="KIND", help="Which, as `list` shows them [default: all but weights]."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove caches, which are made again when they are needed.

    Weights are removed only where they are named, and of those only what can be downloaded again.
    """
    from rich.filesize import decimal

    from atelier.data.inventory import clear as remove
    from atelier.data.inventory import entries

    found = entries()
    _refuse_unknown(kinds or [], found)
    chosen = _chosen(kinds or [], found)
    if chosen and not yes:
        size = decimal(sum(entry.bytes for entry in chosen))
        named = listed(dict.fromkeys(entry.kind for entry in chosen))
        typer.confirm(
            f"Remove {counted(len(chosen), 'entry', 'entries')} ({named}) from {cache_root()}, {size}?", abort=True
        )
    remove(chosen)
    typer.echo(f"{len(chosen)} removed")


def _chosen(kinds: Sequence[str], found: "Sequence[Entry]") -> "list[Entry]":
    """What is to go; of weights that stay it is told why."""
    weights = [entry for entry in found if _is_of_weights(entry)]
    if not kinds:
        if weights:
            named = " ".join(dict.fromkeys(entry.kind for entry in weights))
            tell(f"weights stay: `atelier cache clear {named}` removes those that can be downloaded again")
        return [entry for entry in found if entry not in weights]
    kept = [entry for entry in weights if entry.kind in kinds and not _comes_again(entry)]
    for entry in kept:
        tell(f"{entry.path}: stays, for it cannot be downloaded again")
    return [entry for entry in found if entry.kind in kinds and entry not in kept]


def _is_of_weights(entry: "Entry") -> bool:
    """Also where $ATELIER_WEIGHTS is a folder among the caches."""
    from atelier.weights import folder

    home = real(folder())
    return entry.kind == "weights" or real(entry.path.parent) == home or home.is_relative_to(real(entry.path))


def _comes_again(entry: "Entry") -> bool:
    """Whether it is a file that is published as it is, or the beginning of one."""
    from atelier.weights import PUBLISHED

    return entry.name.removesuffix(PARTIAL) in {file.file for file in PUBLISHED.values() if not file.joined}


def _refuse_unknown(kinds: Sequence[str], found: "Sequence[Entry]") -> None:
    known = sorted({entry.kind for entry in found})
    for kind in kinds:
        if kind not in known:
            there = f"; there are {listed(known)}{did_you_mean(kind, known)}" if known else ": there are none at all"
            raise UserError(f"KIND: there is no cache of kind {kind!r}{there}")
