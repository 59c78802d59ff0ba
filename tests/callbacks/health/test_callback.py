"""Runs that are well, that collapse, that never begin to vary; and what is told of each."""

import os
import re
import signal

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from pytorch_lightning import Callback

from atelier import checkpoints, run
from atelier.callbacks.health import Health
from atelier.errors import Interrupted
from atelier.metrics.features import Coordinates


def test_a_healthy_run_is_measured_and_left_alone(fit, gan, column, told, tmp_path):
    fit(gan())
    assert told() == []
    assert column("diversity") == dict.fromkeys(range(2, 13, 2), pytest.approx(1, abs=0.2))
    assert all(share < 0.1 for share in column("duplicates").values())
    assert all(0.7 < share <= 1 for share in column("recall").values())
    assert column("discriminator_gradient").keys() == {4, 8, 12}
    assert not (tmp_path / "checkpoints").exists()


def test_what_is_measured_is_written_in_no_more_digits_than_float32_has(fit, gan, column):
    fit(gan(penalty=3.0))
    for name in ("diversity", "duplicates", "recall", "logit_gap", "overfitting", "discriminator_penalties"):
        assert column(name)
        assert all(str(value) == str(np.float32(value)) for value in column(name).values())


def test_a_collapse_is_told_once_with_a_way_out(fit, gan, told):
    fit(gan({5: 0.0}))
    (line,) = told()
    assert line.startswith(
        "health: at step 8 the samples have collapsed (diversity 0.00 of the real pictures', 100% doubles, recall 0.00)"
    )
    assert "; try a smaller model.generator_optimizer.lr, or loss=wgan_gp or augment=diffaugment in a new run" in line
    assert "health.on_collapse=rollback" in line


def test_a_relapse_at_a_single_validation_is_none(fit, gan, told):
    fit(gan({3: 0.0, 5: 1.0, 9: 0.0, 11: 1.0}))
    assert told() == []


def test_samples_that_never_varied_are_young_until_they_should_have(fit, gan, told):
    fit(gan({1: 0.01, 11: 0.2}))  # by the end they have begun to
    assert told() == []
    fit(gan({1: 0.01}), "late", grace=6)
    (line,) = told()
    assert line.startswith("health: at step 8 the samples have collapsed (diversity 0.01")


@pytest.mark.parametrize("on_collapse", ["warn", "stop", "rollback"])
@pytest.mark.parametrize("grace", [5000, 12])
def test_that_samples_never_varied_is_told_at_the_end_and_not_acted_on(on_collapse, grace, fit, gan, told, tmp_path):
    fit(gan({1: 0.01}), on_collapse=on_collapse, grace=grace)  # from step 12 on it is one look, which is not believed
    (line,) = told()
    assert line.startswith(
        "health: at step 12 the samples have not begun to vary (diversity 0.01 of the real pictures', 100% doubles"
    )
    assert "the run was too short for that, or has failed" in line
    assert f"resume={tmp_path} trainer.max_steps=24, and then a smaller model.generator_optimizer.lr" in line


def test_samples_that_varied_once_have_begun_to(fit, gan, told):
    fit(gan({11: 0.01}))
    assert told() == []


def test_where_recall_can_be_expected_its_loss_is_a_collapse(fit, gan, told):
    fit(gan({5: 0.3}))
    assert told() == []
    fit(gan({5: 0.3}), "asked", least_recall=0.7)
    assert "the samples have collapsed" in told()[0]


@pytest.mark.parametrize("healthy", [3, 5])
def test_where_there_was_recall_its_loss_is_a_collapse(healthy, fit, gan, column, told):
    """Samples that vary as much as real ones, but elsewhere: only recall tells, once enough was seen of it."""

    class Astray(gan):
        def sample(self, *arguments, **options):
            return super().sample(*arguments, **options) + 100 * (self.width - 1)

    fit(Astray({2 * healthy + 1: 1.5}), steps=2 * healthy + 6)
    assert min(column("diversity").values()) > 0.8
    assert list(column("recall").values())[healthy:] == [0, 0, 0]
    if healthy < 5:
        assert told() == []
        return
    (line,) = told()
    assert line.startswith("health: at step 14 the samples have collapsed (diversity ")
    assert re.search(r"0% doubles, recall 0\.00, usually (0\.[89]\d|1\.00)\)", line)


def test_a_task_without_a_discriminator_to_ask_has_gradients_only(fit, gan, column, told):
    class Quiet(gan):
        logits = None

        def __getattribute__(self, name):
            if name == "logits":
                raise AttributeError(name)
            return super().__getattribute__(name)

    fit(Quiet({5: 0.0}))
    assert told() == []
    assert column("discriminator_gradient").keys() == {4, 8, 12}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"on_collapse": "cry"}, r"on_collapse must be one of \['warn', 'stop', 'rollback'\], got 'cry'"),
        ({"count": 15}, "count must be >= 16, got 15"),
        ({"grace": -1}, "grace must be >= 0, got -1"),
        ({"least_recall": 2}, r"least_recall must be in \[0, 1\], got 2"),
    ],
)
def test_values_that_mean_nothing_are_refused(option, message):
    with pytest.raises(ValueError, match=message):
        Health(Coordinates(), **option)


class Scale(Callback):
    """Multiplies the weights of a GAN's generators before some steps: by 0, they are constant."""

    def __init__(self, factors):
        self.factors = factors

    @torch.no_grad()
    def on_train_batch_start(self, trainer, task, *_):
        for weights in [*task.generator.parameters(), *task.average.parameters()]:
            weights.mul_(self.factors.get(trainer.global_step + 1, 1))


class Kill(Callback):
    def __init__(self, step):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step - 1:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def interrupted(composed, tmp_path, told):
    """Trains once straight on and once with a pause after step `stop`. Returns what is told: straight on, then resumed.

    Weights are those of `factors`; all that was learnt, remembered and recorded must be the same to the bit.
    """

    def fit(factors, stop, *overrides):
        cfg = composed(
            "data=gaussians", "model=points", "metrics=none", "health=points", "~callbacks", "data.batch_size=16",
            "health.count=32", "health.least_recall=0", "model.generator_optimizer.lr=1e-7", "trainer.max_steps=16",
            "trainer.val_check_interval=4", "trainer.log_every_n_steps=3", "trainer.accelerator=cpu", *overrides,
        )  # fmt: skip
        straight, broken = tmp_path / "straight", tmp_path / "broken"
        run.fit(cfg, straight, {}, [Scale(factors)])
        once = told()
        with pytest.raises(Interrupted):
            run.fit(cfg, broken, {}, [Scale(factors), Kill(stop)])
        before = told()
        cfg = OmegaConf.load(broken / "recipe.yaml")
        cfg.resume = str(broken)
        run.fit(cfg, broken, {}, [Scale({step: factor for step, factor in factors.items() if step > stop})])
        one, other = (checkpoints.read(folder / "checkpoints" / "last.ckpt") for folder in (straight, broken))
        for part in ("state_dict", "optimizer_states", "lr_schedulers"):
            torch.testing.assert_close(one[part], other[part], rtol=0, atol=0)
        assert str(one["callbacks"]["Health"]) == str(other["callbacks"]["Health"])
        assert (straight / "metrics.csv").read_bytes() == (broken / "metrics.csv").read_bytes()
        return once, told()[len(before) :]

    return fit


@pytest.mark.parametrize("stop", [7, 11])  # before the rollback, and after it
def test_a_run_that_rolled_back_is_resumed_exactly(stop, interrupted):
    once, _ = interrupted({1: 3, 5: 0}, stop, "health.on_collapse=rollback", "schedule=linear")
    assert any("went back to the weights of step 4, rollback 1 of 3" in line for line in once)


def test_an_interrupted_run_is_told_of_samples_that_never_varied_at_its_own_end(interrupted):
    for lines in interrupted({1: 0}, 11):
        assert [line.partition(" (")[0] for line in lines] == [
            "health: at step 16 the samples have not begun to vary",
        ]
