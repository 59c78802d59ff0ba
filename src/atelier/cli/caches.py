"""`atelier cache`: what lies in the caches, and how to be rid of it."""

from typing import Annotated

import typer

cache = typer.Typer(no_args_is_help=True, help="List and clear caches ($ATELIER_CACHE, or the user's cache folder).")
