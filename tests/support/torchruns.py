"""Small runs by torchrun's agents, each of which stands for a machine."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import torch
from one_machine_slurm import free_ports
from process_recipes import RECIPES, STEPS
from waiting import until

from atelier import checkpoints

TRAIN = str(Path(__file__).parents[2] / "train.py")
SMALL = [*STEPS, *RECIPES["batch_norm"]]


def train_command(*words):
    return [sys.executable, TRAIN, *words]


def endpoint():
    """Where nobody else's agents meet."""
    return f"localhost:{free_ports(1)[0]}"


def agent_command(endpoint, *words, machines=1, processes=1, options=()):
    """Of torchrun on one of so many machines."""
    meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint={endpoint}", "--rdzv-id=test", *options]
    torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nnodes={machines}", f"--nproc-per-node={processes}"]
    return [*torchrun, *meeting, TRAIN, "trainer=torchrun", *SMALL, *words]


class Agents:
    """One agent for each command, in a folder."""

    def __init__(self, folder, commands, **environ):
        self.out = [folder / f"agent{number}.out" for number in range(len(commands))]
        environ = {**os.environ, "OMP_NUM_THREADS": "1", **environ}
        self.agents = []
        for command, out in zip(commands, self.out, strict=True):
            with out.open("wb") as file:
                self.agents.append(subprocess.Popen(command, cwd=folder, stdout=file, stderr=file, env=environ))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for agent in self.agents:
            agent.terminate()  # torchrun then ends its processes
            agent.wait(60)

    def wait(self):
        """The exit codes of all."""
        return [agent.wait(300) for agent in self.agents]

    def until(self, holds):
        """Wait for what the agents bring about."""

        def ended():
            return any(agent.poll() is not None for agent in self.agents)

        until(lambda: holds() or ended())
        assert holds(), self.said()

    def said(self):
        return "\n".join(out.read_text() for out in self.out)

    def kill(self, rank):
        """Kill one process of the first agent."""
        os.kill(process_of(self.agents[0].pid, rank), signal.SIGKILL)


def process_of(agent, rank):
    """The number of the process `rank` that an agent has started."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            parent = int(re.search(r"PPid:\s+(\d+)", status.read_text())[1])
            environ = (status.parent / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if parent == agent and f"RANK={rank}".encode() in environ:
            return int(status.parent.name)
    raise AssertionError(f"no process {rank}")


def same_end(run, other):
    """Both folders have the same record and the same weights, to the bit."""
    assert (run / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()
    first, second = (checkpoints.read(checkpoints.find(folder))["state_dict"] for folder in (run, other))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
