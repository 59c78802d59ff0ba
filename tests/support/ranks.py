"""Several processes as torchrun would start them: `together(CASE, …)`; this file is what each of them runs."""

import hashlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__)


def together(case, *words, processes=2):
    """What the function `case` of this file returned in each process, by rank. Fails where one of them did."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "MASTER_ADDR": "localhost", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes)}
    environment |= {"TORCHELASTIC_RUN_ID": "test", "GROUP_RANK": "0", "LOCAL_WORLD_SIZE": str(processes)}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(HERE.parent), *sys.path])}
    started = [
        subprocess.Popen(
            [sys.executable, str(HERE), case, *map(str, words)],
            env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    ended = [process.communicate(timeout=300) for process in started]
    for process, (_, told) in zip(started, ended, strict=True):
        assert process.returncode == 0, told
    return [json.loads(printed.splitlines()[-1]) for printed, _ in ended]


def digest(task):
    """Of everything that a task has learnt."""
    found = hashlib.sha256()
    for _, values in sorted(task.state_dict().items()):
        found.update(values.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def trained(config, folder, callbacks=()):
    """Fit a config's file into a folder, which all processes share."""
    from omegaconf import OmegaConf

    from atelier import run

    run.fit(OmegaConf.load(config), Path(folder), {}, callbacks)


def equal_replicas(*configs):
    """How often the processes' weights were compared, and in how many places they differed, by config."""
    return {Path(config).stem: _compared(config) for config in configs}


def _compared(config):
    import torch.distributed as dist
    from pytorch_lightning import Callback

    class Compare(Callback):
        times, apart = 0, 0

        def on_train_start(self, trainer, task):
            for optimizer in trainer.optimizers:
                optimizer.register_step_post_hook(lambda *_: self.compare(task))

        def on_train_batch_end(self, trainer, task, *_):
            self.compare(task)  # averages, counts and pools as well

        def compare(self, task):
            found = [None] * dist.get_world_size()
            dist.all_gather_object(found, digest(task))
            self.times += 1
            self.apart += len({*found}) > 1

    compare = Compare()
    trained(config, Path(config).with_suffix(".run"), [compare])
    return compare.times, compare.apart


def whole_batches(*configs):
    """Fit in double precision, with the draws that one process alone would make."""
    import torch
    from pytorch_lightning import Callback
    from whole_batch import WholeBatch

    from atelier import fitting

    class Draw(Callback):
        """In training alone, for networks begin alike anyway."""

        def on_train_start(self, trainer, task):
            encoder = getattr(task, "encoder", None)
            if encoder is not None:
                encoder.network.to(torch.float64)  # read when it is first looked through, in single precision

        def on_train_batch_start(self, trainer, task, batch, number):
            if number == 0:
                self.mode = WholeBatch(trainer.datamodule.batch_size, trainer.global_rank, trainer.world_size)
            self.mode.__enter__()

        def on_train_batch_end(self, *_):
            self.mode.__exit__(None, None, None)

    fitting.refuse_unsupported = lambda cfg: None
    for config in configs:
        trained(config, Path(config).with_suffix(f".{os.environ['WORLD_SIZE']}"), [Draw()])
    return len(configs)


if __name__ == "__main__":
    case, *words = sys.argv[1:]
    print(json.dumps(globals()[case](*words)))  # noqa: T201
