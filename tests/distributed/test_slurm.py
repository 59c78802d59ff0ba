"""Jobs of a real SLURM, with two virtual nodes on this machine (skipped where it is not installed)."""

import os
import signal
import subprocess

import pytest
from one_machine_slurm import Slurm, missing
from torchruns import SMALL, same_end, train_command
from waiting import until

from atelier import checkpoints, run_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("slurm"),  # two such clusters would end one another's jobs, which have the same numbers
    pytest.mark.skipif(bool(missing()), reason=f"needs {', '.join(missing())}"),
]

SCRIPT = """#!/bin/bash
#SBATCH --ntasks-per-node=1 --time=20 --signal=USR1@90 --requeue --open-mode=append --output={folder}/%j.out
cd {folder}
export OMP_NUM_THREADS=1
srun --kill-on-bad-exit=1 bash -c 'echo $$ > $SLURM_JOB_ID.$SLURM_PROCID.pid; exec {command} "$@"' train "$@"
"""
ENDLESS = "trainer.max_steps=100000"
TWO_NODES = "--nodes=2"


class Jobs:
    """Submits small runs, and looks at them."""

    def __init__(self, slurm, folder):
        self.slurm, self.folder = slurm, folder
        self.script = folder / "job.sh"
        command = " ".join(train_command("trainer=slurm", *SMALL, "trainer.val_check_interval=10"))
        self.script.write_text(SCRIPT.format(folder=folder, command=command))

    def submit(self, nodes, *words):
        return self.slurm.submit(nodes, self.script, *words)

    def run(self, job):
        return self.folder / "outputs" / "dcgan-procedural" / f"slurm-{job}"

    def train(self, job, steps):
        """Wait until the job has trained so many steps."""
        record = self.run(job) / "metrics.csv"
        until(lambda: record.exists() and len(record.read_text().splitlines()) > steps)

    def process(self, job, rank):
        return int((self.folder / f"{job}.{rank}.pid").read_text())

    def said(self, job):
        return (self.folder / f"{job}.out").read_text()

    def requeued(self, job):
        """Wait until it is back in the queue, where SLURM lets it stay for two minutes; here it goes on at once."""
        until(lambda: self.slurm.facts(job)["Restarts"] == "1" and self.slurm.facts(job)["JobState"] == "PENDING")
        self.slurm.hurry(job)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slurm")
    with Slurm(folder / "cluster") as slurm:
        yield Jobs(slurm, folder)


def test_a_job_that_is_told_to_make_room_goes_on_where_it_stopped(jobs):
    """On two nodes, to the bit: as one that nothing disturbed."""
    undisturbed, told = (jobs.submit(TWO_NODES, "trainer.max_steps=60") for _ in range(2))
    jobs.train(told, steps=5)
    jobs.slurm.cancel(told, "--signal=USR1")
    jobs.requeued(told)
    interrupted = run_folder.facts(jobs.run(told))
    assert (interrupted["status"], interrupted["reason"]) == ("interrupted", f"stopped at step {interrupted['steps']}")
    for job in (undisturbed, told):
        assert jobs.slurm.ended(job)["JobState"] == "COMPLETED", jobs.said(job)
        assert jobs.said(job).count("finished     60 steps") == 1
    assert run_folder.facts(jobs.run(told))["resumed"] == [interrupted["steps"]]
    assert "goes back into the queue" in jobs.said(told)
    same_end(jobs.run(told), jobs.run(undisturbed))


def test_one_that_is_told_before_it_trains_is_not_lost(jobs):
    """It is back in the queue, and a job that was cancelled there stays away."""
    job = jobs.submit("--nodes=1", ENDLESS)
    until((jobs.run(job) / "train.log").exists)  # Hydra's first deed, seconds before training
    jobs.slurm.cancel(job, "--signal=USR1")
    jobs.requeued(job)
    jobs.train(job, steps=3)
    jobs.slurm.cancel(job)
    facts = jobs.slurm.ended(job)
    assert (facts["JobState"], facts["Restarts"]) == ("CANCELLED", "1"), jobs.said(job)
    until(lambda: run_folder.facts(jobs.run(job))["status"] != "running")
    record = run_folder.facts(jobs.run(job))
    assert record["status"] == "interrupted"
    saved = checkpoints.read(checkpoints.find(jobs.run(job)))
    assert saved["global_step"] == record["steps"] >= 3


def test_a_process_that_dies_ends_the_job(jobs):
    job = jobs.submit(TWO_NODES, ENDLESS)
    jobs.train(job, steps=3)
    os.kill(jobs.process(job, rank=1), signal.SIGKILL)
    facts = jobs.slurm.ended(job, within=60)
    assert (facts["JobState"], facts["Restarts"]) == ("FAILED", "0"), jobs.said(job)
    assert "task 1: Killed" in jobs.said(job)
    record = run_folder.facts(jobs.run(job))
    assert record["status"] == "failed"
    assert "another process has ended" in record["reason"]


def test_jobs_of_a_sweep_are_an_array_and_go_on_by_themselves(jobs):
    sweep, said = jobs.folder / "sweep", jobs.folder / "sweep.out"
    words = [
        "-m",
        "hydra/launcher=submitit_slurm",
        f"hydra.sweep.dir={sweep}",
        "seed=1,2",
        *SMALL,
        "trainer.max_steps=60",
    ]
    with said.open("wb") as out:
        driver = subprocess.Popen(
            train_command(*words), cwd=jobs.folder, env=jobs.slurm.environ, stdout=out, stderr=out
        )
    try:
        until(lambda: rows(sweep, seed=1) > 5 or driver.poll() is not None)
        assert driver.poll() is None, said.read_text()
        first = f"{jobs.slurm.jobs()[0]}_0"
        jobs.slurm.cancel(first, "--signal=USR2")  # as submitit asks for
        jobs.requeued(first)
        assert driver.wait(300) == 0, said.read_text()
    finally:
        driver.terminate()
        driver.wait(60)
    assert "2 of 2 jobs done" in said.read_text()
    told, undisturbed = (run_folder.facts(next(sweep.rglob(f"seed={seed}"))) for seed in (1, 2))
    assert told["status"] == undisturbed["status"] == "finished"
    assert len(told["resumed"]) == 1
    assert undisturbed["resumed"] == []


def rows(sweep, seed):
    return sum(len(record.read_text().splitlines()) for record in sweep.rglob(f"seed={seed}/metrics.csv"))
