"""As test_exact_resume, of models that translate and restore."""

import importlib.util
import signal
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback

from atelier import checkpoints, run

spec = importlib.util.spec_from_file_location("exact_resume", Path(__file__).with_name("test_exact_resume.py"))
exact_resume = importlib.util.module_from_spec(spec)
spec.loader.exec_module(exact_resume)

OFTEN = [
    *("trainer.max_steps=12", "trainer.val_check_interval=4", "trainer.log_every_n_steps=2"),
    *("trainer.accelerator=cpu", "metrics=none", "data.image_size=32"),
]
UNPAIRED = [
    *("data.batch_size=2", "data.content.count=10", "data.style.count=10"),
    *("model.generator.width=4", "model.generator.blocks=1"),
]
PAIRED = ["data=degraded", "data.batch_size=2", "data.root.count=10", "model.generator.width=4"]
JUDGE = ["model.discriminator.width=4", "model.discriminator.layers=1"]

RECIPES = {
    "cyclegan": [*UNPAIRED, "model.pool=4", "schedule=late_linear"],
    "cut": [*UNPAIRED, "model.taps=[pixels,down1]", "model.patches=8", "model.heads.width=4"],
    "pix2pix": [*PAIRED, "degradation=sketch"],  # drops units
    "restorer": [*PAIRED, "degradation=super_resolution_x2"],
    "restorer_unet": [*PAIRED, "degradation=inpainting", "loss=lecam", "model.terms.perceptual=null"],
}


@pytest.mark.parametrize(
    ("model", "stop", "number"),
    [
        ("cut", 8, signal.SIGINT),  # where a validation is due
        ("pix2pix", 7, signal.SIGINT),
        ("restorer", 11, signal.SIGTERM),  # in the third epoch
        ("restorer_unet", 5, signal.SIGINT),
    ],
)
def test_translation_goes_on_as_if_nothing_had_been(model, stop, number, composed, tmp_path):
    cfg = composed(f"model={model}", *OFTEN, *RECIPES[model], *JUDGE)
    exact_resume.interrupt_and_resume(cfg, stop, number, tmp_path)


@pytest.mark.parametrize(
    ("stop", "number"), [(1, signal.SIGINT), (7, signal.SIGTERM)], ids=["while the pool fills", "while it exchanges"]
)
def test_the_pool_goes_on_too(stop, number, composed, tmp_path):
    """With a pool of 4 and two pictures a step, the first two steps fill it, and the others exchange some."""
    cfg = composed("model=cyclegan", *OFTEN, *RECIPES["cyclegan"], *JUDGE)
    straight = exact_resume.interrupt_and_resume(cfg, stop, number, tmp_path)
    last, broken = (checkpoints.read(checkpoints.find(folder)) for folder in (straight, tmp_path / "broken"))
    for way in ("to_style", "to_content"):
        assert last["state_dict"][f"pools.{way}._extra_state"][0] == 24
        assert torch.equal(*(content["state_dict"][f"pools.{way}.images"] for content in (last, broken)))


def test_pools_exchange_before_and_after_that_interruption(composed, tmp_path):
    """Had they not, the test above would have told nothing."""
    found = {}

    class Look(Callback):
        def on_train_batch_end(self, trainer, task, *_):
            found[trainer.global_step] = {way: pool.images.clone() for way, pool in task.pools.items()}

    cfg = composed("model=cyclegan", *OFTEN, *RECIPES["cyclegan"], *JUDGE)
    run.fit(cfg, tmp_path / "run", {}, [Look()])
    for way in ("to_style", "to_content"):
        assert not torch.equal(found[2][way], found[7][way])
        assert not torch.equal(found[7][way], found[12][way])
