"""`atelier`: everything after training.

RUN is a folder that train.py made, which holds all that is needed. Style transfer by gatys and wct, scores of folders,
shards, caches and weights work without one.
"""

import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from atelier.cli.audit import audit
from atelier.cli.breed import breed
from atelier.cli.caches import cache
from atelier.cli.compare import compare
from atelier.cli.dashboard import dashboard
from atelier.cli.evaluate import evaluate
from atelier.cli.interpolate import interpolate
from atelier.cli.leaderboard import leaderboard
from atelier.cli.restore import restore
from atelier.cli.sample import sample
from atelier.cli.score import score
from atelier.cli.shard import shard
from atelier.cli.stylize import stylize
from atelier.cli.sweep_report import sweep_report
from atelier.cli.timelapse import timelapse
from atelier.cli.translate import translate
from atelier.cli.weights import weights
from atelier.errors import Interrupted
from atelier.launch import guard


class Commands(TyperGroup):
    """Whose interruption is told: Typer would end the program without a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interruption:
            raise Interrupted("interrupted") from interruption


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=__doc__,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"atelier {version('atelier')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version, and exit.")
    ] = False,
) -> None:
    pass


app.command(short_help="Write images from a trained generator.")(sample)
app.command(short_help="Make a looping clip that goes through several images.")(interpolate)
app.command(short_help="Cross images: write their children.")(breed)
app.command(short_help="Score a checkpoint with the run's own metrics.")(evaluate)
app.command(short_help="Look for copies of training pictures.")(audit)
app.command(
    short_help="Put pictures and clips into the style of others.",
    context_settings={"allow_extra_args": True},  # it tells of them in words of its own
)(stylize)
app.command(short_help="Translate pictures, such as photographs into paintings.")(translate)
app.command(short_help="Restore damaged pictures.")(restore)
app.command(short_help="Score images of any origin, or style transfer.")(score)
app.command(short_help="Compare ways of stylising: scores, time and memory.")(leaderboard)
app.command(short_help="Tabulate and plot a score of several runs.")(compare)
app.command(short_help="Turn a run's sample grids into one moving picture.")(timelapse)
app.command(short_help="Tabulate and plot a sweep, whether it is over or not.")(sweep_report)
app.command(short_help="Lay out a W&B project.")(dashboard)
app.command(short_help="Pack pictures into shards, to train by data=stream.")(shard)
app.add_typer(cache, name="cache", short_help="List and clear caches.")
app.add_typer(weights, name="weights", short_help="List, fetch, join and verify pretrained weights.")


def main() -> None:
    sys.exit(guard(app))
