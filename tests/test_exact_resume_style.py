"""As test_exact_resume, of models that stylise."""

import importlib.util
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atelier import checkpoints, run
from atelier.record import table

spec = importlib.util.spec_from_file_location("exact_resume", Path(__file__).with_name("test_exact_resume.py"))
exact_resume = importlib.util.module_from_spec(spec)
spec.loader.exec_module(exact_resume)

OFTEN = ["trainer.val_check_interval=4", "trainer.log_every_n_steps=2", "trainer.accelerator=cpu"]
PAIRS = ["data.image_size=16", "data.batch_size=2", "data.content.count=10"]
NETWORK = ["model.network.width=4", "model.network.blocks=1"]
SHALLOW = [
    *("+model.transform.tap=relu2_1", "model.decoder.deepest=relu2_1"),
    *("~model.terms.content.taps.relu4_1", "+model.terms.content.taps.relu2_1=1.0"),
]


@pytest.fixture
def pictures(tmp_path):
    """Two of other shapes, as options."""
    chance = np.random.default_rng(0)
    paths = {"content": (20, 32), "style": (24, 18)}
    for name, size in paths.items():
        pixels = np.kron(chance.integers(0, 256, (size[0] // 2, size[1] // 2, 3)), np.ones((2, 2, 1)))
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{name}.png")
    return [f"data.{name}={tmp_path / name}.png" for name in paths]


@pytest.mark.parametrize(
    ("recipe", "stop", "number"),
    [
        (["model=adain", *SHALLOW, "schedule=linear"], 7, signal.SIGTERM),
        (["model=adain", *SHALLOW, "loss=sliced"], 8, signal.SIGINT),  # draws directions; a validation is due
        (["model=multi_style", "data.label=picture", *NETWORK, "schedule=linear"], 7, signal.SIGINT),
        (["model=johnson", *NETWORK], 3, signal.SIGTERM),
        (["model=johnson", *NETWORK, "+trainer.accumulate_grad_batches=2"], 5, signal.SIGTERM),
        (["model=johnson", *NETWORK, "+trainer.accumulate_grad_batches=2"], 6, signal.SIGTERM),  # a validation is due
        (["model=wct", "model.taps=[relu2_1,relu1_1]"], 5, signal.SIGINT),
    ],
    ids=lambda value: "-".join(value[:1]) if isinstance(value, list) else "",
)
def test_networks_go_on_as_if_nothing_had_been(recipe, stop, number, pictures, composed, tmp_path):
    styles = pictures[1] if "model=johnson" in recipe else "data.style.count=5"
    cfg = composed(*recipe[:1], *PAIRS, styles, *recipe[1:], *OFTEN, "trainer.max_steps=12")
    exact_resume.interrupt_and_resume(cfg, stop, number, tmp_path)


@pytest.mark.parametrize("stop", [2, 4, 7, 8], ids=["first", "change", "second", "another change"])
@pytest.mark.parametrize("optimizer", [["lbfgs"], ["adam", "model.optimizer.lr=0.02"]], ids=lambda words: words[0])
def test_a_picture_goes_on_within_a_scale_and_at_a_change_of_scales(optimizer, stop, pictures, composed, tmp_path):
    """Of 12 steps at three scales, which change after 4 and after 8."""
    cfg = composed(
        *("model=gatys", *pictures, "data.image_size=64", "model.start=noise", *OFTEN, "trainer.max_steps=12"),
        *(f"optimizer@model.optimizer={optimizer[0]}", *optimizer[1:]),
    )
    straight = exact_resume.interrupt_and_resume(cfg, stop, signal.SIGINT, tmp_path)
    state = checkpoints.read(checkpoints.find(straight))["state_dict"]
    assert state["extent"].tolist() == [40, 64]


def test_a_finished_picture_that_goes_on_for_longer_stays_at_its_scale(pictures, composed, tmp_path):
    """Of 12 steps, the fifth would be one at half the size."""
    options = ["model=gatys", *pictures, "data.image_size=64", "model.scales=2", *OFTEN, "trainer.val_check_interval=2"]
    run.fit(composed(*options, "trainer.max_steps=4"), tmp_path / "run", {})
    run.fit(composed(*options, "trainer.max_steps=12", f"resume={tmp_path / 'run'}"), tmp_path / "run", {})
    task, _, content = run.load(tmp_path / "run")
    assert content["global_step"] == 12
    assert task.reached == 1
    assert max(task.extent.tolist()) == 64
    terms = [row["picture/content"] + row["picture/style"] for row in table.read(tmp_path / "run" / "metrics.csv")]
    assert terms[-1] < terms[1]  # of the sixth pair of steps, and of the second: before and after the former end
