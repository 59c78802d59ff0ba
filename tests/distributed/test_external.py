"""Processes that torchrun or SLURM has started: what they are told, and which of them speaks."""

import os

import pytest

from atelier.distributed import external
from atelier.errors import Interrupted, LostProcesses, UserError
from atelier.launch import guard

NAMES = ("TORCHELASTIC_RUN_ID", "RANK", "WORLD_SIZE")
JOB = ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_NTASKS_PER_NODE", "SLURM_JOB_NAME")


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in (*NAMES, *JOB):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(external, "PATIENCE", 0)


@pytest.fixture
def by_torchrun(monkeypatch):
    return lambda rank, world=2: setenv(monkeypatch, TORCHELASTIC_RUN_ID="x", RANK=rank, WORLD_SIZE=world)


@pytest.fixture
def by_slurm(monkeypatch):
    job = {"SLURM_JOB_ID": 7, "SLURM_STEP_ID": 0, "SLURM_NTASKS_PER_NODE": 2, "SLURM_JOB_NAME": "bash"}
    return lambda rank, world=2: setenv(monkeypatch, SLURM_PROCID=rank, SLURM_NTASKS=world, **job)


def setenv(monkeypatch, **values):
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))


def test_alone_nothing_is_asked_for():
    assert external.start() is None
    assert external.is_first()
    assert external.arguments(["model=dcgan"]) == ["model=dcgan"]


def test_who_started_it(by_slurm, by_torchrun, monkeypatch):
    by_slurm(3, world=4)
    assert external.start() == ("SLURM", 3, 4)
    by_torchrun(1, world=2)  # which srun may have started
    assert external.start() == ("torchrun", 1, 2)
    by_torchrun(0, world=1)
    assert external.start() is None


def test_a_script_of_slurm_is_no_process_of_many(by_slurm, monkeypatch):
    by_slurm(0, world=2)
    monkeypatch.delenv("SLURM_STEP_ID")
    assert external.start() is None


@pytest.mark.parametrize("words", [["model=dcgan"], ["resume=auto"], ["trainer=slurm"], ["resume=null"]])
def test_torchrun_needs_a_folder_in_common(by_torchrun, words):
    by_torchrun(0)
    with pytest.raises(UserError, match="^run_dir: started by torchrun, the processes need run_dir=FOLDER in common$"):
        external.arguments(words)


@pytest.mark.parametrize("words", [["run_dir=x"], ["resume=outputs/x"]])
def test_only_the_first_has_hydra_write(by_torchrun, words):
    by_torchrun(0)
    assert external.arguments(words) == words
    by_torchrun(1)
    assert external.arguments(words) == [*words, "hydra.output_subdir=null", "hydra/job_logging=none"]


def test_restarts_that_would_fail_are_refused_at_the_start(by_torchrun, monkeypatch):
    by_torchrun(0)
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    with pytest.raises(UserError, match="--max-restarts needs TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"):
        external.arguments(["run_dir=x"])
    for name, value in {"MAX_RESTARTS": "0", "USE_AGENT_STORE": "False"}.items():
        with monkeypatch.context() as patch:
            patch.setenv(f"TORCHELASTIC_{name}", value)
            assert external.arguments(["run_dir=x"]) == ["run_dir=x"]


def test_slurm_names_the_folder(by_slurm, monkeypatch):
    by_slurm(0)
    assert external.arguments(["trainer=slurm"]) == ["trainer=slurm"]
    with pytest.raises(UserError, match="started by SLURM, .* \\(or trainer=slurm, which names one by the job\\)"):
        external.arguments(["trainer=ddp"])
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE")
    with pytest.raises(UserError, match="--ntasks is not enough"):
        external.arguments(["trainer=slurm"])


def test_outside_of_a_job_slurm_is_refused():
    with pytest.raises(UserError, match=r"trainer=slurm: this is no job of SLURM"):
        external.arguments(["trainer=slurm"])
    for word in ("--cfg", "-m", "run_dir=x"):
        assert external.arguments(["trainer=slurm", word]) == ["trainer=slurm", word]


def test_a_sweep_is_started_once(by_torchrun):
    by_torchrun(0)
    with pytest.raises(UserError, match="started by torchrun; a sweep's jobs start their own processes"):
        external.arguments(["-m", "seed=1,2", "run_dir=x"])
    with pytest.raises(UserError, match="tasks_per_node: must be 1"):
        external.settle(in_a_sweep=True)


@pytest.mark.parametrize(("world", "name"), [(2, "atelier"), (1, "interactive")])
def test_lightning_sees_slurm_where_it_has_started_several(by_slurm, monkeypatch, world, name):
    from lightning_fabric.plugins.environments import SLURMEnvironment

    by_slurm(0, world)
    external.settle()
    assert os.environ["SLURM_JOB_NAME"] == name
    assert SLURMEnvironment.detect() is (world > 1)


@pytest.mark.parametrize(
    ("trainer", "environ"),
    [
        ("slurm", {"SLURM_NTASKS_PER_NODE": "4", "SLURM_NNODES": "2"}),
        ("torchrun", {"LOCAL_WORLD_SIZE": "4", "GROUP_WORLD_SIZE": "2"}),
    ],
)
def test_how_many_there_are_is_read_from_the_launcher(composed, monkeypatch, trainer, environ):
    """Again in a run that goes on, whose recipe keeps the question and not the answer."""
    for name in environ:
        monkeypatch.delenv(name, raising=False)
    cfg = composed(f"trainer={trainer}")
    assert (cfg.trainer.devices, cfg.trainer.num_nodes, cfg.resume) == (1, 1, "auto")
    setenv(monkeypatch, **environ)
    assert (cfg.trainer.devices, cfg.trainer.num_nodes) == (4, 2)


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "first", "other"),
    [
        (Interrupted("stopped at step 3"), (130, "stopped at step 3\n"), (0, "")),
        (UserError("seed: bad"), (2, "UserError: seed: bad\n"), (2, "UserError: process 1: seed: bad\n")),
        (LostProcesses("gone"), (1, "LostProcesses: gone\n"), (1, "LostProcesses: gone\n")),
    ],
)
def test_the_first_speaks(by_torchrun, capsys, error, first, other):
    """Another's exit code counts as a failure, which would have the launcher end the first."""
    for rank, expected in enumerate((first, other)):
        by_torchrun(rank)
        assert (guard(raising(error)), capsys.readouterr().err) == expected
