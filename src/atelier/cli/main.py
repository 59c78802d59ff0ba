"""`atelier`: everything after training. Commands take a run folder, which holds its own recipe."""

import sys

import typer

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
from atelier.launch import guard

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=__doc__,
)
app.command()(sample)
app.command()(interpolate)
app.command()(breed)
app.command()(evaluate)
app.command()(audit)
app.command()(stylize)
app.command()(translate)
app.command()(restore)
app.command()(score)
app.command()(leaderboard)
app.command()(compare)
app.command()(timelapse)
app.command()(sweep_report)
app.command()(dashboard)
app.command()(shard)
app.add_typer(cache, name="cache")
app.add_typer(weights, name="weights")


def main() -> None:
    sys.exit(guard(app))
