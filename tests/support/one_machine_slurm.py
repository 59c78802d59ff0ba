"""A SLURM of a test's own: munge, slurmctld, and two virtual nodes of slurmd, on loopback, in a folder."""

import os
import platform
import shutil
import socket
import subprocess
from pathlib import Path

from waiting import until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "scancel")
PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
NODES = ("n1", "n2")

CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=1000 State=UNKNOWN\n"

SACCT = """#!/bin/bash
# Enough of `sacct -o JobID,State,NodeList --parsable2 -j X -j Y` for submitit: accounting needs a database.
echo "JobID|State|NodeList"
while [ $# -gt 0 ]; do
    [ "$1" = -j ] && scontrol show job -o "$2" 2>/dev/null | while read -r line; do
        field() { sed -n "s/.* $1=\\([^ ]*\\).*/\\1/p" <<<" $line"; }
        id=$(field JobId) array=$(field ArrayJobId) task=$(field ArrayTaskId)
        echo "${array:+${array}_$task}|$(field JobState)|$(field NodeList)" | sed "s/^|/$id|/"
    done
    shift
done
"""


def missing() -> list[str]:
    """What a SLURM needs and this machine lacks: programs (of Debian's slurmctld, slurmd and munge), and rights."""
    programs = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    return programs if os.geteuid() == 0 else [*programs, "root"]


class Slurm:
    """Runs while entered. Jobs get `environ`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            **os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{PATH}", "SLURM_CONF": f"{folder / 'slurm.conf'}",
            "MUNGE_SOCKET": f"{folder / 'munge' / 'socket'}",
            "MASTER_ADDR": "127.0.0.1",  # or the first node's name, which no machine has here
        }  # fmt: skip
        self._daemons: list[subprocess.Popen] = []

    def __enter__(self) -> "Slurm":
        self._configure()
        munge = self.folder / "munge"
        try:
            self._daemon(
                *("munged", "--foreground", "--force", "--key-file", munge / "key", "--socket", munge / "socket"),
                *("--pid-file", munge / "pid", "--log-file", munge / "log", "--seed-file", munge / "seed"),
            )
            until(lambda: (munge / "socket").exists(), "munge", 60)
            self._daemon("slurmctld", "-D", "-c")
            for name in NODES:
                self._daemon("slurmd", "-D", "-N", name)
            until(lambda: self._output("sinfo", "-h", "-t", "idle", "-o", "%D") == "2", "the nodes", 60)
        except BaseException:  # Ctrl-C, too: no daemon outlives the test, and it is raised again
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["scancel", "--full", "-u", "root"], env=self.environ, capture_output=True, timeout=60)
        until(lambda: not self._output("squeue", "-h"), "the last jobs' end", 60)
        self._end()

    def submit(self, *words: object) -> str:
        """The number of the job, by sbatch's options, its script and the script's arguments."""
        return self._output("sbatch", "--parsable", *words)

    def hurry(self, job: str) -> None:
        """Start a job that SLURM has put off, when its nodes have forgotten that it was just ended."""
        self._output("scontrol", "update", f"JobId={job}", "StartTime=now+10")

    def jobs(self) -> list[str]:
        """The numbers of the jobs that wait or run; of an array, its own."""
        return sorted({*self._output("squeue", "-h", "-o", "%F").split()}, key=int)

    def facts(self, job: str) -> dict[str, str]:
        """What SLURM says of a job: JobState, Restarts, ExitCode."""
        words = self._output("scontrol", "show", "job", "-o", job).split()
        return {key: value for key, _, value in (word.partition("=") for word in words)}

    def ended(self, job: str, within: float = 300.0) -> dict[str, str]:
        """The facts of a job that is over."""
        over = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")
        until(lambda: self.facts(job)["JobState"] in over, f"job {job}", within)
        return self.facts(job)

    def cancel(self, job: str, *words: str) -> None:
        self._output("scancel", *words, job)

    def _configure(self) -> None:
        for name in ("state", "bin", "munge", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        key = self.folder / "munge" / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        sacct = self.folder / "bin" / "sacct"
        sacct.write_text(SACCT)
        sacct.chmod(0o755)
        host = platform.node()
        ports = free_ports(1 + len(NODES))
        nodes = "".join(NODE.format(name=name, host=host, port=ports.pop()) for name in NODES)
        head, _, partition = CONF.format(host=host, port=ports.pop(), folder=self.folder).rpartition("PartitionName")
        (self.folder / "slurm.conf").write_text(f"{head}{nodes}PartitionName{partition}")

    def _daemon(self, name: str, *words: object) -> None:
        command = [shutil.which(name, path=PATH), *map(str, words)]
        with (self.folder / f"{name}.out").open("ab") as out:
            self._daemons.append(subprocess.Popen(command, env=self.environ, stdout=out, stderr=out))

    def _end(self) -> None:
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in reversed(self._daemons):
            daemon.wait(60)

    def _output(self, *words: object) -> str:
        command = subprocess.run([*map(str, words)], env=self.environ, capture_output=True, text=True, timeout=60)
        return command.stdout.strip()


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
