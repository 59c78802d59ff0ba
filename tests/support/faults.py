"""Misfortunes that befall a run at a chosen moment. Every run here is a process of its own, forked from this one."""

import multiprocessing
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, reduce, wraps
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import torch
from blows import Blow
from omegaconf import DictConfig
from same_run import nothing_left

from atelier import resume
from atelier.auto_resume import going_on
from atelier.failures import DONE
from atelier.files import cache_root
from atelier.launch import guard
from atelier.run import fit
from atelier.run_folder import facts

STEPS = 8
SMALL = [
    *(f"trainer.max_steps={STEPS}", "trainer.val_check_interval=3", "schedule=linear", "callbacks.progress=null"),
    *("metrics=embedded", "metrics.count=8", "metrics.splits=2"),
]
"""A run with scores, a grid and a checkpoint at steps 3, 6 and 8, and with rows at even steps, too."""

FORK = multiprocessing.get_context("fork")
PATIENCE = 120
"""Seconds after which a run hangs."""


@dataclass(frozen=True)
class Fault:
    """A blow to a run, at the `call`-th call of what stands at `place`, `module:name.name`.

    `moment` is `before` or `after` a function. Of `replacing`, through which all whole files are written, it is `empty`
    (the file beside the old one is there), `half` (so much of it is), `written` (all of it is) or `renamed`.
    """

    blow: Blow
    place: str
    call: int = 1
    moment: str = "before"
    since: str | None = None
    """A place: calls are counted from its own first call on."""


@dataclass(frozen=True)
class Outcome:
    code: int
    hits: int
    """How often the fault happened."""
    told: str
    """On standard output and standard error."""


def suffer(cfg: DictConfig, run: Path, fault: Fault) -> Outcome:
    """Such a run goes on, or begins, and is hit; it says so where it can."""
    outcome = live(partial(_go_on, cfg, run), run, fault)
    assert outcome.hits == 1, outcome.told
    assert outcome.code == fault.blow.code, outcome.told
    assert "Traceback" not in outcome.told, outcome.told
    if (run / "run.json").exists():
        assert facts(run)["status"] in fault.blow.status, (fault, facts(run), outcome.told)
    return outcome


def ends_well(cfg: DictConfig, run: Path) -> None:
    """It goes on, or begins anew where it had no checkpoint yet, and leaves nothing behind."""
    if any(run.glob("checkpoints/*.ckpt")):
        resume.run_folder(run)  # raises where that is no run to go on with
    outcome = live(partial(_go_on, cfg, run), run)
    assert outcome.code == DONE, outcome.told
    nothing_left(run, cache_root())


def _go_on(cfg: DictConfig, run: Path) -> None:
    fit(going_on(cfg, run, []), run, {"model": "dcgan"})


def live(work: Callable[[], object], run: Path, fault: Fault | None = None) -> Outcome:
    """What becomes of `work` in a process of its own that `fault` hits, when that and all its helpers have ended."""
    (hits, hit), (told, tell) = os.pipe(), os.pipe()
    process = FORK.Process(target=_live, args=(work, run, fault, hit, tell))
    process.start()
    os.close(hit)
    os.close(tell)
    text = _read(told, process).decode()  # its helpers hold the other end
    process.join(PATIENCE)
    assert process.exitcode is not None
    return Outcome(process.exitcode, len(_read(hits, process)), text)


def _live(work: Callable[[], object], run: Path, fault: Fault | None, hit: int, tell: int) -> None:
    os.setsid()
    os.dup2(tell, 1)
    os.dup2(tell, 2)
    sys.stdout = sys.stderr = open(tell, "w", buffering=1, closefd=False)  # noqa: SIM115  # to the end
    torch.set_num_threads(1)  # threads of the pool did not come along
    if fault:
        inject(fault, run, lambda: os.write(hit, b"!"))
    try:
        code = guard(work)
    except BaseException:  # what guard lets pass, as the interpreter would tell it at the end of a process
        traceback.print_exc()
        code = 1
    sys.exit(code)


def _read(pipe: int, process: multiprocessing.Process) -> bytes:
    """Until nobody holds the other end."""
    found = b""
    with open(pipe, "rb", buffering=0) as source:  # it is no path
        while select.select([source], [], [], PATIENCE)[0]:
            if not (part := source.read(65536)):
                return found
            found += part
    os.killpg(process.pid, signal.SIGKILL)
    raise AssertionError(f"it hangs, after saying:\n{found.decode()}")


def inject(fault: Fault, run: Path, happens: Callable[[], object]) -> None:
    """For the rest of this process's life. `happens` is called before the blow, which may be the end of it."""
    begun, calls = [fault.since is None], count(1)

    def due() -> bool:
        return begun[0] and next(calls) == fault.call

    def strike() -> None:
        happens()
        fault.blow.strike(run)

    def begin() -> bool:
        begun[0] = True
        return False

    if fault.since:
        _replace(fault.since, lambda original: _calls(original, fault, begin, strike))
    wrap = _files if fault.place.endswith(":replacing") else _calls
    _replace(fault.place, lambda original: wrap(original, fault, due, strike))


def _replace(place: str, wrap: Callable[[Any], Any]) -> None:
    module, _, name = place.partition(":")
    *way, last = name.split(".")
    owner = reduce(getattr, way, import_module(module))
    setattr(owner, last, wrap(getattr(owner, last)))


def _calls(original, fault, due, strike):
    @wraps(original)
    def function(*args, **kwargs):
        hit = due()
        if hit and fault.moment == "before":
            strike()
        result = original(*args, **kwargs)
        if hit and fault.moment == "after":
            strike()
        return result

    return function


def _files(original, fault, due, strike):
    @contextmanager
    def replacing(path):
        moment = fault.moment if due() else None
        with original(path) as partial:
            if moment == "empty":
                strike()
            yield partial
            if moment == "half":
                os.truncate(partial, partial.stat().st_size // 2)
            if moment in ("half", "written"):
                strike()
        if moment == "renamed":
            strike()

    return replacing
