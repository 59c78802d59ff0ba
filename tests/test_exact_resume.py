"""A run that was interrupted and went on ends bit for bit where an uninterrupted one does (CPU)."""

import os
import signal

import pytest
from omegaconf import OmegaConf
from pytorch_lightning import Callback
from same_run import LEARNT, equal

from atelier import checkpoints, run
from atelier.callbacks.health import Health
from atelier.callbacks.health.variety import Variety
from atelier.errors import Interrupted

STEPS = 12


class Kill(Callback):
    """Sends this process a signal in the course of a step, at the first of its batches."""

    def __init__(self, step, number):
        self.step, self.number = step, number

    def on_train_batch_start(self, trainer, task, batch, batch_idx):
        if batch_idx == (self.step - 1) * trainer.accumulate_grad_batches:
            os.kill(os.getpid(), self.number)


def compare(one, other):
    """Every tensor and number that training depends on."""
    first, second = (checkpoints.read(folder / "checkpoints" / "last.ckpt") for folder in (one, other))
    for part in LEARNT:
        equal(first[part], second[part], part)
    assert (one / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()


@pytest.mark.parametrize(
    ("model", "stop", "number"),
    [
        ("dcgan", 3, signal.SIGINT),  # between rows of the record and between validations
        ("wgan_gp", 7, signal.SIGTERM),  # between two turns of the generator
        ("wgan_gp", 8, signal.SIGINT),  # where a validation is due
        ("dcgan", 11, signal.SIGTERM),  # in the second epoch
    ],
)
def test_interrupted_and_resumed_is_uninterrupted(model, stop, number, small_config, tmp_path):
    cfg = small_config(f"model={model}", f"trainer.max_steps={STEPS}", "model.critic_steps=3", "schedule=linear")
    interrupt_and_resume(cfg, stop, number, tmp_path)


NARROW_STYLES = ["model.generator.max_width=8", "model.discriminator.max_width=8", "model.generator.latent_dim=8"]
FALLING = "{_target_: atelier.losses.terms.Eased, first: 5, last: 0.5, updates: 9}"
NO_NORM = "model.discriminator.norm=null"


@pytest.mark.parametrize(
    ("recipe", "remembered"),
    [
        (["augment=ada", "augment.target=0.01", "augment.ramp_images=50", "augment.every=2"], ["augment.probability"]),
        (["loss=lecam"], ["penalties.lecam.real_anchor"]),
        (
            ["model=stylegan2", *NARROW_STYLES, "model.generator_terms.path_length.every=2"],
            ["generator.mean_style", "generator_terms.path_length.mean"],
        ),
        (["model=biggan", "data.label=style"], ["class_counts"]),
        (["schedule=burn_in", "schedule.steps=9", "loss=r1", f"loss.penalties.r1.weight={FALLING}", NO_NORM], []),
        (["seamless=true", "augment=diffaugment"], []),
    ],
    ids=lambda value: value[0] if value else "",
)
def test_what_a_recipe_remembers_beside_its_weights_goes_on_too(recipe, remembered, small_config, tmp_path):
    cfg = small_config(f"trainer.max_steps={STEPS}", *recipe)
    straight = interrupt_and_resume(cfg, 7, signal.SIGINT, tmp_path)
    learnt = checkpoints.read(checkpoints.find(straight))["state_dict"]
    assert all(learnt[name].any() for name in remembered)  # had it stayed 0, this would have told nothing


@pytest.mark.parametrize("stop", [5, 7])
def test_health_goes_on_before_and_after_a_rollback(stop, small_config, tmp_path, monkeypatch):
    monkeypatch.setattr(Variety, "healthy", lambda *_: True)
    monkeypatch.setattr(Health, "_findings", lambda *given: {"collapse": "gone" if given[-1] in (4, 6) else None})
    cfg = small_config(
        *(f"trainer.max_steps={STEPS}", "trainer.val_check_interval=2", "data.validation=0.5", "model.critic_steps=1"),
        "health.on_collapse=rollback",
    )
    straight = interrupt_and_resume(cfg, stop, signal.SIGTERM, tmp_path)
    health = checkpoints.read(checkpoints.find(straight))["callbacks"]["Health"]
    assert health["rollbacks"] == 1


def test_points_go_on_as_pictures_do(composed, tmp_path):
    cfg = composed(
        *("experiment=grid", f"trainer.max_steps={STEPS}", "trainer.val_check_interval=4", "data.count=1000"),
        *("trainer.log_every_n_steps=2", "trainer.accelerator=cpu"),
    )
    interrupt_and_resume(cfg, 7, signal.SIGINT, tmp_path)


def interrupt_and_resume(cfg, stop, number, folder):
    """Compare such a run with one that was never stopped, and return the folder of the latter."""
    straight, broken = folder / "straight", folder / "broken"
    run.fit(cfg, straight, {})

    with pytest.raises(Interrupted, match=f"stopped at step {stop}"):
        run.fit(cfg, broken, {}, [Kill(stop, number)])
    assert checkpoints.read(checkpoints.find(broken))["global_step"] == stop
    cfg = OmegaConf.load(broken / "recipe.yaml")
    cfg.resume = str(broken)
    run.fit(cfg, broken, {})
    compare(straight, broken)
    return straight
