"""The work of `atelier leaderboard`: every method over one grid, whatever becomes of a single one."""

import platform
import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from atelier.cli.board.grid import Grid
from atelier.cli.board.intervals import LEVEL, RESAMPLES
from atelier.cli.board.painting import paint, try_out
from atelier.cli.board.row import Row
from atelier.cli.board.scoring import Scorer
from atelier.cli.board.unfinished import BOARD, PICTURES, PLOT
from atelier.cli.devices import device
from atelier.cli.styling.method_run import gone_encoder_file
from atelier.cli.styling.methods import OPTIONS, heeded, is_one
from atelier.cli.styling.settings import Settings
from atelier.errors import RunError, UserError
from atelier.failures import describe, one_line, tell
from atelier.files import write_text
from atelier.run_folder import known_as
from atelier.strict_json import to_json
from atelier.wording import listed

INTERVAL = f"{LEVEL:.0%}, {RESAMPLES} draws of contents and styles with replacement, crossed, about the score"


def entrants(words: Sequence[str]) -> dict[str, str]:
    """Methods by their names on the board. Raises UserError for two of one name, or what no folder is called."""
    found: dict[str, str] = {}
    for word in words:
        name, method = _named(word)
        if not re.fullmatch(r"\w[\w.+=,-]*", name):
            raise UserError(f"METHOD: a name on the board must be letters, digits and -_.+=, only, got {name!r}")
        if name in found:
            raise UserError(f"METHOD: two are called {name!r}: NAME=METHOD gives one another name")
        found[name] = method
    return found


def refuse_unheeded(methods: dict[str, str], settings: Settings) -> None:
    """Raise UserError for an option that no method on the board would heed; what one heeds, others need not."""
    known = {name: word for name, word in methods.items() if is_one(word)}  # of others it is told that they are none
    for option in OPTIONS:
        asked = getattr(settings, option) is not None
        if asked and known and not any(_heeds(word, option, settings) for word in known.values()):
            who = f"{listed(known)} does not take it" if len(known) == 1 else f"none of {listed(known)} takes it"
            raise UserError(f"--{option.replace('_', '-')}: {who}")


class Contest:
    """Raises UserError for what no method could be scored on."""

    def __init__(
        self, content: Path, style: Path, size: int, measures: Sequence[str], settings: Settings, seed: int
    ) -> None:
        self.grid, self.settings, self.seed = Grid(content, style, size), settings, seed
        self.scorer = Scorer(measures, self.grid)
        self.rows: list[Row] = []
        self.failed: dict[str, str] = {}

    def hold(self, methods: dict[str, str], out: Path | None) -> int:
        """How many methods failed or pictures could not be read. Without `out` what is painted goes once it is scored.

        Raises UserError where all methods failed.
        """
        with nullcontext(out) if out else TemporaryDirectory() as folder:
            able = {
                name: word
                for name, word in methods.items()
                if self._try(name, lambda word: try_out(word, _heeded(word, self.settings), self.grid), word)
            }
            for name, word in able.items():  # made again each by itself, or their weights would add up
                self._try(name, self._score, name, word, Path(folder) / name)
            self.rows.sort(key=_rank)
            if out and self.rows:
                self._write(out)
        if not self.rows:
            raise UserError("METHOD: none could be scored")
        return len(self.failed) + len(self.grid.left_out)

    def record(self) -> dict[str, Any]:
        """Scores compare between boards of equal `card`, costs also where the `machine` is alike."""
        return {
            "card": {**self.grid.card(), "measures": self.scorer.card(), "interval": INTERVAL, "seed": self.seed},
            "machine": {
                "device": _device_name(),
                "threads": torch.get_num_threads(),
                "max_memory": self.settings.memory,
                "peak": "bytes that torch allocated" if device().type == "cuda" else "resident bytes, sampled",
            },
            "versions": {name: version(name) for name in ("torch", "torchmetrics", "atelier")},
            **self.grid.roots,
            "methods": {row.name: row.told for row in self.rows},
            "failed": self.failed,
            "left_out": self.grid.left_out,
        }

    def _try(self, name: str, act: Callable[..., object], *arguments: Any) -> bool:
        """Whether it could; if not, why is told. Bugs are raised."""
        try:
            act(*arguments)
        except Exception as error:
            if (reason := _reason(error)) is None:
                raise
            self.failed[name] = reason
            tell(f"{name}: {self.failed[name]}")
            return False
        return True

    def _score(self, name: str, word: str, folder: Path) -> None:
        painted = paint(word, _heeded(word, self.settings), self.grid, folder, self.seed)
        scores = self.scorer.scores(folder, painted.styles)
        whole = len(painted.styles) == len(self.grid.styles)
        self.rows.append(Row(name, scores, painted.cost, painted.styles, whole, painted.card))

    def _write(self, out: Path) -> None:
        from atelier.cli.board.pictures import picture_board
        from atelier.cli.board.plot import plot

        picture_board(self.grid, {row.name: out / row.name for row in self.rows}, out / PICTURES)
        plot(self.rows, out / PLOT)
        write_text(out / BOARD, to_json(self.record()))


def _heeded(word: str, settings: Settings) -> Settings:
    """What a method would not heed it refuses; and runs know their encoder's file themselves, while it is there."""
    settings = heeded(word, settings)
    if word == "gatys" or (word == "wct" and settings.encoder == "vgg19_slim"):  # the only one that it has
        return settings
    weights = settings.weights if word == "wct" or gone_encoder_file(Path(word)) else None
    return settings._replace(encoder=None, weights=weights)


def _heeds(word: str, option: str, settings: Settings) -> bool:
    """A run that is broken may; what is wrong with it is told in its turn."""
    try:
        return getattr(_heeded(word, settings), option) is not None
    except Exception as error:
        if _reason(error) is None:
            raise
        return True


def _named(word: str) -> tuple[str, str]:
    """`NAME=METHOD`; without a name, a run is called by its folder's. Folders of sweeps have a = in their own.

    Raises UserError for a name that could only be a path.
    """
    name, equals, method = word.partition("=")
    if equals and not Path(word).exists():
        if "/" not in name:
            return name, method
        if is_one(method):
            raise UserError(f"METHOD: a name on the board has no slash, got {name!r} for {method}")
    return known_as(Path(word)).name if Path(word).is_dir() else word.replace("/", "-"), word


def _reason(error: Exception) -> str | None:
    """None for a bug."""
    if isinstance(error, UserError | RunError | torch.OutOfMemoryError):
        return one_line(error)
    return describe(error)


def _rank(row: Row) -> tuple[bool, float, str]:
    """By the first measure; those of other styles last."""
    score = next(iter(row.scores.values()))
    return not row.whole, -score.value if score.higher_is_better else score.value, row.name


def _device_name() -> str:
    where = device()
    return torch.cuda.get_device_name(where) if where.type == "cuda" else platform.processor() or platform.machine()
