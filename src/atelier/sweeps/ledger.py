"""A sweep's ledger: its jobs, and of each one how every try at it went.

`sweep.json` is written by the process that runs the sweep, before jobs start. `jobs/<key>.<number>.json` is one try at
a job, created exclusively and from then on written by the process that trains it alone. So there is nothing to lock,
on one machine or on many that share a file system, and whatever is killed leaves whole files.
"""

import errno
import math
import os
import shlex
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from atelier.command_line import MULTIRUN
from atelier.errors import RunError, UserError
from atelier.files import PARTIAL, write_text
from atelier.run_folder import RECORD
from atelier.strict_json import mapping, record_in, to_json
from atelier.sweeps.names import key, of_the_job, quote
from atelier.sweeps.owner import PATIENCE, age, lives, owner

PLAN = "sweep.json"
TRIES = "jobs"

NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems without hard links say."""

Status = Literal["done", "pruned", "failed", "interrupted", "running", "pending"]
OVER: tuple[Status, ...] = ("done", "pruned")
"""What is never done again."""


class Taken(RunError):  # noqa: N818  # its name is told, before its text
    """Another process is at the job, and its folder belongs to that one."""


class Job(NamedTuple):
    """How a job stands. `score` is infinite where the job made none; `folder` is relative to the sweep's."""

    overrides: list[str]
    status: Status
    score: float = math.inf
    reason: str | None = None
    code: int = 0
    folder: str | None = None
    tries: int = 0
    owner: dict[str, Any] = {}  # noqa: RUF012  # never changed


class Ledger:
    """Of the sweep in `folder`. Reading never fails on account of a process that writes at the same time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def plan(self) -> dict[str, Any]:
        """What `sweep.json` says. Raises UserError where it cannot be read."""
        path = self.folder / PLAN
        return record_in(path, f"{path}:") if path.is_file() else {}

    def add(self, jobs: Iterable[Sequence[str]], **facts: Any) -> None:
        """Plan jobs, beside those that are planned already, and sweep up what killed processes left half written."""
        _forget_halves(self.folder)
        former = self.plan
        planned = {key(job): of_the_job(job) for job in [*former.get("jobs", []), *jobs]}
        started = former.get("started", datetime.now(UTC).isoformat(timespec="seconds"))
        plan = {"started": started, **former, **facts, "jobs": [*planned.values()]}
        _replace(self.folder / PLAN, plan)

    def jobs(self) -> list[Job]:
        """All of them: the planned ones in their order, then those which another kind of sweeper has run."""
        planned = self.plan.get("jobs", [])
        tried = (_read(path)["overrides"] for path in sorted((self.folder / TRIES).glob("[!.]*.json")))
        found = {key(overrides): overrides for overrides in [*planned, *tried] if overrides is not None}
        return [self.job(overrides) for overrides in found.values()]

    def job(self, overrides: Sequence[str]) -> Job:
        """How a job stands by its last try; one whose folder is gone has never been tried."""
        wanted = of_the_job(overrides)
        tries = self._tries(wanted)
        if not tries:
            return Job(wanted, "pending")
        last = _read(tries[-1])
        status: Status = last["status"]
        if status == "running" and not lives(last["owner"], tries[-1]):
            status = "interrupted"
        if status in OVER and not (self.folder / last["folder"] / RECORD).exists():
            status = "pending"
        score = math.inf if last["score"] is None else last["score"]
        return Job(
            wanted, status, score, last["reason"], last["code"], last["folder"], len(tries), last["owner"]
        )  # fmt: skip

    def begin(self, overrides: Sequence[str], run: Path) -> "Try":
        """A new try at a job. Raises Taken where another process is at it."""
        wanted = of_the_job(overrides)
        job = self.job(wanted)
        number = job.tries + 1
        path = self.folder / TRIES / f"{key(wanted)}.{number:03}.json"
        facts = {"overrides": wanted, "folder": _below(run, self.folder), "owner": owner(), "started": time.time()}
        if job.status == "running" or not _create(path, {**facts, **_state("running")}):
            raise Taken(f"another process is at it already: {place(self.job(wanted).owner)}")
        return Try(path, facts)

    def _tries(self, overrides: Sequence[str]) -> list[Path]:
        return sorted((self.folder / TRIES).glob(f"{key(overrides)}.[0-9]*.json"))


class Try:
    """One try at a job, and its file."""

    def __init__(self, path: Path, facts: dict[str, Any]) -> None:
        self.path, self.facts = path, facts

    def end(self, status: Status, score: float = math.inf, reason: str | None = None, code: int = 0) -> None:
        with suppress(OSError):  # a full disk: how the job ended is told all the same
            _replace(self.path, {**self.facts, **_state(status, score, reason, code)})


def place(process: dict[str, Any]) -> str:
    """A process in words; of one that a try's file does not name, for it is torn or in the making, nothing is known."""
    return f"process {process['pid']} on {process['host']}" if process else "an unknown process"


def is_sweep(folder: Path) -> bool:
    return (folder / PLAN).is_file()


def arguments(folder: Path, given: Sequence[str]) -> list[str]:
    """The command line on which the sweep in `folder` goes on.

    `given` may add `retry=failed`, and how Hydra starts jobs. Raises UserError for an override that would make other
    jobs of it.
    """
    more = [word for word in given if word not in MULTIRUN and not word.startswith("resume=")]
    if others := of_the_job(more):
        raise UserError(f"resume: {folder} is a sweep, whose jobs stay as they are; leave out {shlex.join(others)}")
    planned = Ledger(folder).plan["arguments"]
    replaced = {_name(word) for word in more}
    anew = {_name(word) for word in more if word not in planned} & {"hydra/launcher", "hydra/sweeper"}
    gone = tuple(f"{group.replace('/', '.')}." for group in anew)  # options of another launcher
    stays = [word for word in planned if _name(word) not in replaced and not _name(word).startswith(gone)]
    return ["-m", *stays, *more, f"hydra.sweep.dir={quote(str(folder))}"]


def _name(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]


def _state(status: Status, score: float = math.inf, reason: str | None = None, code: int = 0) -> dict[str, Any]:
    return {"status": status, "score": score if math.isfinite(score) else None, "reason": reason, "code": code}


def _replace(path: Path, content: dict[str, Any]) -> None:
    write_text(path, to_json(content) + "\n")


def _create(path: Path, content: dict[str, Any]) -> bool:
    """Write a new file, unless there is one; of several processes, one succeeds. It is whole from the first moment."""
    whole = path.with_name(f".{uuid4().hex}{PARTIAL}")
    try:
        _replace(whole, content)
        os.link(whole, path)
    except FileExistsError:
        return path.samefile(whole)  # a network file system may have lost the answer that it was made
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return _create_in_place(path, whole.read_bytes())
    finally:
        whole.unlink(missing_ok=True)
    return True


def _create_in_place(path: Path, content: bytes) -> bool:
    """The same for file systems without hard links, where a kill may leave an empty file."""
    try:
        file = path.open("xb")
    except FileExistsError:
        return False
    try:
        with file:
            file.write(content)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        return mapping(path.read_text())
    except ValueError:  # seen, or killed, in the moment of its making
        return {"overrides": None, "folder": None, "owner": {}, **_state("running")}


def _forget_halves(sweep: Path) -> None:
    """What a living process is writing is younger."""
    for half in (half for folder in (sweep, sweep / TRIES) for half in folder.glob(f".*{PARTIAL}")):
        with suppress(OSError):  # one that was gone, or that belongs to somebody else
            if age(half) > PATIENCE:
                half.unlink()


def _below(run: Path, sweep: Path) -> str:
    """A path that stays right when the sweep's folder is moved."""
    run, sweep = run.absolute(), sweep.absolute()
    return str(run.relative_to(sweep) if run.is_relative_to(sweep) else run)
