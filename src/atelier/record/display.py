"""How a run looks from outside while it trains: a bar on a terminal, now and then a line everywhere else."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from atelier.record.console import handlers_follow


@dataclass
class Standing:
    """Where a run is."""

    step: int = 0
    last_step: int = -1
    """-1: it goes on until it is stopped."""
    images_per_second: float = 0.0
    seconds_left: float | None = None
    validating: bool = False
    terms: dict[str, float] = field(default_factory=dict)
    """By `player/term`."""
    scores: dict[str, float] = field(default_factory=dict)
    """By `val/name`."""
    best: tuple[str, float, int] | None = None
    """Name, value and step of the best score so far."""


class Display(Protocol):
    interval: float
    """Seconds between two looks, at least. What it costs is one drawing per interval."""

    def start(self) -> None: ...

    def show(self, standing: Standing) -> None: ...

    def stop(self) -> None:
        """Leave the last state on the screen. Safe to call twice."""
        ...


def display(console: Console) -> Display:
    return Bar(console) if console.is_terminal else Lines(console)


class Bar:
    """A bar, the losses player by player, and the scores."""

    interval = 0.25

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False)
        self._shown = ExitStack()

    def start(self) -> None:
        self._shown.enter_context(handlers_follow(self._live))

    def show(self, standing: Standing) -> None:
        self._live.update(picture(standing), refresh=True)

    def stop(self) -> None:
        self._shown.close()


class Lines:
    """A line every half minute and at every validation, for log files."""

    interval = 30.0

    def __init__(self, console: Console) -> None:
        self._console = console

    def start(self) -> None: ...

    def show(self, standing: Standing) -> None:
        if standing.validating:  # the line comes when there are scores
            return
        parts = [_progress(standing), _speed(standing), *_left(standing)]
        parts += [f"{name} {_brief(value)}" for name, value in standing.terms.items()]
        parts += [_score(name, value, standing) for name, value in standing.scores.items()]
        self._console.print(" | ".join(parts), highlight=False, markup=False, soft_wrap=True)

    def stop(self) -> None: ...


def picture(standing: Standing) -> RenderableType:
    """What the bar shows, one line per player and one for the scores below the bar itself."""
    head = Table.grid(expand=True, padding=(0, 2, 0, 0))
    head.add_column(ratio=1)
    endless = standing.last_step < 0
    bar = ProgressBar(total=None if endless else standing.last_step, completed=standing.step, pulse=False)
    state = "validating" if standing.validating else _speed(standing)
    head.add_row(bar, _progress(standing), f"[cyan]{state}", *_left(standing))
    body = Table.grid(padding=(0, 2, 0, 0))
    for player, terms in _by_player(standing.terms).items():
        body.add_row(Text(player, "dim"), _line([f"{name} {_brief(value)}" for name, value in terms.items()]))
    if standing.scores:
        scores = [_score(name, value, standing) for name, value in standing.scores.items()]
        body.add_row(Text("val", "dim"), _line([score.removeprefix("val/") for score in scores]))
    return Group(head, body)


def _line(parts: list[str]) -> Text:
    return Text("   ".join(parts), no_wrap=True, overflow="ellipsis")


def _by_player(terms: dict[str, float]) -> dict[str, dict[str, float]]:
    players: dict[str, dict[str, float]] = {}
    for key, value in terms.items():
        player, _, term = key.rpartition("/")
        players.setdefault(player, {})[term] = value
    return players


def _progress(standing: Standing) -> str:
    return f"step {standing.step:,}" + (f" / {standing.last_step:,}" if standing.last_step >= 0 else "")


def _speed(standing: Standing) -> str:
    speed = standing.images_per_second
    return f"{speed:,.0f} images/s" if speed >= 10 else f"{speed:.1f} images/s"


def _left(standing: Standing) -> list[str]:
    return [] if standing.seconds_left is None else [f"{duration(standing.seconds_left)} left"]


def _score(name: str, value: float, standing: Standing) -> str:
    text = f"{name} {_brief(value)}"
    if standing.best and standing.best[0] == name:
        text += f" (best {_brief(standing.best[1])} at step {standing.best[2]:,})"
    return text


def _brief(value: float) -> str:
    return f"{value:.4g}"


def duration(seconds: float) -> str:
    """`4 s`, `3:07 min` or `2:05 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
