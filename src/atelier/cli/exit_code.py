"""How a command says that some of its pictures failed and the others did not."""

import typer

MOST = 100


def exit_with(failed: int) -> None:
    """Ends the command with the number of pictures that failed, at most 100; goes on where there are none."""
    if failed:
        raise typer.Exit(min(failed, MOST))
