"""As test_exact_resume, on a GPU: to the bit with `+trainer.deterministic=true`, where torch has such kernels."""

import signal

import pytest
import torch
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


REFLECTING = {
    "cyclegan": ["+model.generator_optimizer.eps=1e-3", "+model.discriminator_optimizer.eps=1e-3"],
    "adain": ["+model.optimizer.eps=1e-3"],
}
"""Models whose networks pad by reflection; Adam would make steps of gradients that are nothing but rounding."""


@pytest.mark.parametrize("model", REFLECTING)
def test_what_pads_by_reflection_goes_on_up_to_rounding(model, tiny, tmp_path, monkeypatch):
    """Of reflections torch adds up the gradient in an order that may change."""
    monkeypatch.setattr(exact_resume, "compare", close)
    steps = ["trainer.max_steps=12", "trainer.val_check_interval=4", "+trainer.deterministic=warn", "metrics=none"]
    cfg = tiny(model, *steps, *REFLECTING[model])
    exact_resume.interrupt_and_resume(cfg, 7, signal.SIGINT, tmp_path)


def close(one, other):
    first, second = (checkpoints.read(folder / "checkpoints" / "last.ckpt")["state_dict"] for folder in (one, other))
    torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-4)
    rows, others = (table.read(folder / "metrics.csv") for folder in (one, other))
    assert len(rows) == len(others)
    for row, own in zip(rows, others, strict=True):
        assert row == pytest.approx(own, rel=1e-2, abs=1e-4)


def test_a_gpu_goes_on_where_a_cpu_stopped(small_config, tmp_path):
    """Other draws and another rounding, but the weights, the optimisers and the count of steps are those."""
    folder = tmp_path / "run"
    run.fit(small_config("trainer.max_steps=4"), folder, {})
    go_on = [f"trainer.accelerator={ACCELERATOR}", "trainer.max_steps=8", f"resume={folder}"]
    run.fit(small_config(*go_on), folder, {})
    assert [row["step"] for row in table.read(folder / "metrics.csv")] == [2, 4, 6, 8]
    assert checkpoints.read(checkpoints.find(folder))["global_step"] == 8
