"""As test_exact_resume, on a GPU: to the bit with `+trainer.deterministic=true`, where torch has such kernels."""

import signal

import pytest
from accelerated import ACCELERATOR, NARROW_STYLES
from beside import module

from atelier import checkpoints, run
from atelier.record import table

pytestmark = pytest.mark.gpu

exact_resume = module("test_exact_resume.py")

STRICT = [f"trainer.accelerator={ACCELERATOR}", "+trainer.deterministic=true", "trainer.max_steps=12"]
ADA = ["augment=ada", "augment.target=0.01", "augment.ramp_images=50", "augment.every=2"]
STYLES = ["model=stylegan2", *NARROW_STYLES, "model.generator_terms.path_length.every=2"]
SCALER = "MixedPrecision"
"""What Lightning calls the gradients' scale in a checkpoint."""


@pytest.mark.parametrize(
    ("recipe", "stop"),
    [
        (["model=wgan_gp", "model.critic_steps=3", "schedule=linear"], 7),
        (["model=r3gan"], 5),
        ([*STYLES, *ADA], 7),
    ],
    ids=["wgan_gp", "r3gan", "stylegan2"],
)
def test_interrupted_and_resumed_is_uninterrupted(recipe, stop, small_config, tmp_path):
    exact_resume.interrupt_and_resume(small_config(*STRICT, *recipe), stop, signal.SIGINT, tmp_path)


def test_the_scale_of_half_precisions_gradients_goes_on_too(small_config, tmp_path):
    cfg = small_config(*STRICT, "model=dcgan", "trainer.precision=16-mixed")
    exact_resume.interrupt_and_resume(cfg, 7, signal.SIGINT, tmp_path)
    straight, broken = (checkpoints.read(checkpoints.find(tmp_path / name)) for name in ("straight", "broken"))
    assert straight[SCALER]["scale"] > 1
    assert broken[SCALER] == straight[SCALER]


@pytest.mark.parametrize(
    ("model", "own"),
    [
        ("cyclegan", []),
        ("cut", []),
        ("johnson", []),
        ("johnson", ["model.network.upsampling=bilinear"]),
        ("adain", []),
        ("adain", ["model.decoder.upsampling=bilinear"]),
        ("sanet", []),
    ],
    ids=lambda part: part if isinstance(part, str) else ",".join(part),
)
def test_so_is_what_pads_by_reflection(model, own, tiny, tmp_path):
    """Of which torch's own gradient is not deterministic."""
    steps = ["trainer.max_steps=12", "trainer.val_check_interval=4", "metrics=none"]
    exact_resume.interrupt_and_resume(tiny(model, *STRICT, *steps, *own), 7, signal.SIGINT, tmp_path)


def test_a_gpu_goes_on_where_a_cpu_stopped(small_config, tmp_path):
    """Other draws and another rounding, but the weights, the optimisers and the count of steps are those."""
    folder = tmp_path / "run"
    run.fit(small_config("trainer.max_steps=4"), folder, {})
    go_on = [f"trainer.accelerator={ACCELERATOR}", "trainer.max_steps=8", f"resume={folder}"]
    run.fit(small_config(*go_on), folder, {})
    assert [row["step"] for row in table.read(folder / "metrics.csv")] == [2, 4, 6, 8]
    assert checkpoints.read(checkpoints.find(folder))["global_step"] == 8
