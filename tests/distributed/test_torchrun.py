"""Machines that torchrun brings together train as one would."""

import subprocess
import uuid

import pytest
from torchruns import SMALL, Agents, agent_command, endpoint, same_end, train_command

from atelier import checkpoints, run_folder

WORDS = ["run_dir=run", "trainer.max_steps=40", "trainer.val_check_interval=10"]
FIRST, SECOND, DEVICE = "10.77.0.1", "10.77.0.2", "machine"
"""What a machine that has a network of its own is called there."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """The run of one machine with two processes, one of which is killed on the way: torchrun starts them again."""
    folder = tmp_path_factory.mktemp("one")
    run = folder / "run"
    command = agent_command(endpoint(), *WORDS, processes=2, options=["--max-restarts=1"])
    with Agents(folder, [command], TORCH_DISABLE_SHARE_RDZV_TCP_STORE="1") as agents:
        agents.until((run / "checkpoints" / checkpoints.LAST).exists)
        agents.kill(rank=1)
        assert agents.wait() == [0], agents.said()
    assert run_folder.facts(run)["resumed"][0] >= 10
    return run


def test_two_machines_train_like_one(one, tmp_path):
    """To the bit, although that one was interrupted; and of two processes one alone writes and speaks."""
    with Agents(tmp_path, [agent_command(endpoint(), *WORDS, machines=2)] * 2) as agents:
        assert agents.wait() == [0, 0], agents.said()
    same_end(tmp_path / "run", one)
    assert run_folder.facts(tmp_path / "run")["resumed"] == []
    assert agents.said().count("finished     40 steps") == 1
    assert "" in [out.read_text() for out in agents.out], agents.said()


def test_processes_that_would_each_train_all_of_it_alone_are_refused(tmp_path):
    """A config for one process, that torchrun starts twice: as a new run, and as one that goes on."""
    alone = [*train_command(*SMALL, *WORDS, "trainer.max_steps=10"), "trainer.accelerator=cpu"]
    assert subprocess.run(alone, cwd=tmp_path, capture_output=True, timeout=300).returncode == 0
    fault = "torchrun has started 2 processes, and this config is for 1: trainer=torchrun"
    for words in (["run_dir=other", "trainer=default"], ["trainer=default", "resume=run"]):
        (tmp_path / words[-1].replace("=", "-")).mkdir()
        command = agent_command(endpoint(), *WORDS, *words, processes=2)
        with Agents(tmp_path, [command]) as agents:
            assert agents.wait() != [0]
        assert fault in agents.said()
        assert agents.said().count(fault) == 1
    assert not (tmp_path / "other").exists()
    with Agents(tmp_path, [agent_command(endpoint(), "resume=run", "trainer.max_steps=20", processes=2)]) as agents:
        assert agents.wait() == [0], agents.said()
    assert (run_folder.facts(tmp_path / "run")["processes"], run_folder.facts(tmp_path / "run")["steps"]) == (2, 20)


def test_two_machines_with_networks_of_their_own_train_like_one(one, tmp_path, networks):
    commands = [
        ["ip", "netns", "exec", name, *agent_command(f"{FIRST}:29517", *WORDS, machines=2, options=options)]
        for name, options in zip(
            networks,
            (
                [f"--local-addr={FIRST}", "--rdzv-conf=is_host=true"],
                [f"--local-addr={SECOND}", "--rdzv-conf=is_host=false"],
            ),
            strict=True,
        )
    ]
    with Agents(tmp_path, commands, GLOO_SOCKET_IFNAME=DEVICE) as agents:
        assert agents.wait() == [0, 0], agents.said()
    same_end(tmp_path / "run", one)


@pytest.fixture
def networks():
    """The names of two network namespaces, joined by a cable."""
    names = [f"machine-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    first, second = names
    try:
        commands = [
            *(f"netns add {name}" for name in names),
            f"link add {DEVICE} netns {first} type veth peer name {DEVICE} netns {second}",
            *(
                f"-n {name} addr add {address}/24 dev {DEVICE}"
                for name, address in zip(names, (FIRST, SECOND), strict=True)
            ),
            *(f"-n {name} link set {device} up" for name in names for device in ("lo", DEVICE)),
        ]
        for command in commands:
            if reason := refusal(command):
                pytest.skip(f"no network namespaces here: {reason}")
        yield names
    finally:
        for name in names:
            refusal(f"netns del {name}")


def refusal(command):
    try:
        return subprocess.run(["ip", *command.split()], capture_output=True, text=True, timeout=60).stderr.strip()
    except FileNotFoundError as error:
        return str(error)
