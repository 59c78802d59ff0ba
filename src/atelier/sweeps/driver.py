"""Between a sweeper, which chooses jobs, and a launcher, which runs them: the ledger says what is left to do."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

from atelier.errors import RunError, UserError
from atelier.failures import DONE, FAILED, tell
from atelier.sweeps.callback import Jobs
from atelier.sweeps.ledger import OVER, Job, Ledger, place
from atelier.sweeps.names import distinct, of_the_job, varying
from atelier.sweeps.reasons import gist
from atelier.wording import listed

RETRY = ("failed",)

LAUNCHERS = ("submitit", "joblib", "ray")
"""Whose errors say that a job's process was lost."""


class Driver:
    """Runs jobs of one sweep, each once: done ones never again, failed ones where `retry=failed` is said."""

    def __init__(self, launcher: Launcher, config: DictConfig) -> None:
        self.launcher = launcher
        self.ledger = Ledger(Path(config.hydra.sweep.dir))
        self.retry = _retry(OmegaConf.select(config, "retry"))
        self.arguments = _arguments(config)
        self._numbered = 0

    def plan(self, jobs: Sequence[Sequence[str]], **facts: Any) -> None:
        self.ledger.add(jobs, arguments=self.arguments, **facts)

    def run(self, jobs: Sequence[Sequence[str]]) -> list[JobReturn]:
        """Run what is left of the planned `jobs`, each a list of overrides; returns what the launcher brought back.

        One that is named twice is run once.
        """
        standing = [self.ledger.job(overrides) for overrides in distinct(jobs)]
        left = [job for job in standing if self._is_left(job)]
        self._tell(standing, left)
        if not left:
            return []
        sweep = Jobs.sweep
        told = len(sweep.outcomes) if sweep else 0
        try:
            found = [*self.launcher.launch([job.overrides for job in left], initial_job_idx=self._numbered)]
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in LAUNCHERS:
                raise
            again = f"{self.ledger.folder} has what was done; the same command goes on"
            raise RunError(f"a job's process was lost: {gist(error)}; {again}") from error
        self._numbered += len(left)
        if sweep and len(sweep.outcomes) == told:
            sweep.receive(found)
        return found

    def _is_left(self, job: Job) -> bool:
        return job.status not in (*OVER, "running") and (job.status != "failed" or self.retry)

    def _tell(self, standing: Sequence[Job], left: Sequence[Job]) -> None:
        """Say what is not done now and why; it counts as what it came to."""
        outcomes = []
        for job, words in zip(standing, varying([job.overrides for job in standing]), strict=True):
            if job in left:
                continue
            if job.status == "failed":
                tell(f"job {' '.join(words)}: failed before, so it waits for retry=failed: {gist(job.reason)}")
            if job.status == "running":
                tell(f"job {' '.join(words)}: {place(job.owner)} is at it")
            outcomes.append(DONE if job.status in OVER else job.code or FAILED)
        if done := outcomes.count(DONE):
            tell(f"{done} of {len(standing)} jobs were done before")
        if Jobs.sweep:
            Jobs.sweep.outcomes += outcomes


def announce(ledger: Ledger, count: int) -> None:
    """The first word of a sweep: where it is, and how one goes on with it whatever happens."""
    folder = shlex.quote(str(ledger.folder))
    tell(f"{count} jobs in {folder}; python train.py resume={folder} goes on with them")


def _retry(value: object) -> bool:
    if value not in (None, *RETRY):
        raise UserError(f"retry: must be null or {listed(RETRY)}, got {value!r}")
    return value is not None


def _arguments(config: DictConfig) -> list[str]:
    """What of the command line goes on with this sweep, wherever its folder is."""
    given = config.hydra.overrides
    hydras = [word for word in given.hydra if not word.startswith(("hydra.mode=", "hydra.sweep.dir="))]
    return [*of_the_job(given.task), *hydras]
