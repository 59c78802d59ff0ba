"""What a GPU has trained draws the same pictures on a machine without one."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from accelerated import ACCELERATOR, DEVICE
from PIL import Image
from pytorch_lightning import Callback
from typer.testing import CliRunner

from atelier import run
from atelier.callbacks.samples import SampleGrid
from atelier.cli.main import app
from atelier.cli.trained import Trained

pytestmark = pytest.mark.gpu

SAMPLE = "from atelier.cli.main import main; main()"


class Enliven(Callback):
    """Before a checkpoint: pictures of a generator that has learnt nothing yet are all but grey."""

    def on_validation_start(self, trainer, task):
        for number, weights in enumerate(task.average.network.parameters()):
            if weights.dim() > 1:
                drawn = torch.randn(weights.shape, generator=torch.Generator().manual_seed(number))
                weights.data.copy_(0.2 * drawn)


@pytest.fixture(params=["dcgan", "biggan", "stylegan2"])
def trained(request, tiny, tmp_path):
    lively = [] if request.param == "stylegan2" else [Enliven()]  # whose layers bring their weights to size themselves
    run.fit(tiny(request.param, "metrics=none", "trainer.max_steps=3"), tmp_path / "run", {}, lively)
    return tmp_path / "run"


def pictures(folder):
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("[0-9]*.png"))]).astype(int)


def test_a_seed_means_the_same_pictures_without_a_gpu(trained, tmp_path):
    """Within two levels: convolutions take TF32 on the GPU."""
    words = ["sample", str(trained), "--count", "6", "--seed", "7", "--out"]
    result = CliRunner().invoke(app, [*words, str(tmp_path / "here")])
    assert result.exit_code == 0, result.output
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SAMPLE, *words, str(tmp_path / "there")]
    done = subprocess.run(command, env=hidden, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found, expected = pictures(tmp_path / "here"), pictures(tmp_path / "there")
    assert len(expected) == 6
    assert expected.std(0).mean() > 2, "the pictures are all alike"
    assert np.abs(found - expected).max() <= 2


def test_a_seed_means_the_same_latents(trained, monkeypatch):
    here = Trained(trained)
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        there = Trained(trained)
    assert here.task.device.type == DEVICE
    assert there.task.device.type == "cpu"
    (vectors, labels), (others, own) = (known.draw(7, range(5)) for known in (here, there))
    assert torch.equal(vectors, others)
    assert labels is own is None or torch.equal(labels, own)


def test_a_grid_keeps_the_random_numbers_of_training(small_config, tmp_path, device):
    """Those of the GPU, too, from which training draws latents."""
    run.fit(small_config(f"trainer.accelerator={ACCELERATOR}"), tmp_path / "run", {})
    task = Trained(tmp_path / "run").task.to(device)
    torch.manual_seed(3)
    expected = torch.randn(5, device=device)
    torch.manual_seed(3)
    SampleGrid(count=2).draw(task, task.device)
    assert torch.equal(torch.randn(5, device=device), expected)
