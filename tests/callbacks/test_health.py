"""Tasks that fall ill on cue, and those that do not."""

import copy
import logging
import os
import signal

import pytest
import torch
from omegaconf import OmegaConf
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from torch.utils.data import DataLoader

from atelier import checkpoints, run
from atelier.callbacks.health import Health
from atelier.callbacks.health.overfitting import overfitting
from atelier.callbacks.health.variety import variety
from atelier.callbacks.record import Record
from atelier.data.types import Images
from atelier.errors import Interrupted, RunError
from atelier.metrics.features import Coordinates, EmbeddedFeatures
from atelier.record import table
from atelier.record.csv import CsvRecord


def points(count, seed):
    return torch.randn(count, 2, 1, 1, generator=torch.Generator().manual_seed(seed))


class Points:
    def __init__(self, images):
        self.all = images

    def __len__(self):
        return len(self.all)

    def batch(self, indices, flips):
        return Images(self.all[indices], torch.zeros(len(indices)))


class Data(LightningDataModule):
    def __init__(self):
        super().__init__()
        self.train_pixels, self.held_out = Points(points(64, 1)), points(64, 2)

    def train_dataloader(self):
        return DataLoader([Images(points(4, seed), torch.zeros(4)) for seed in range(40)], batch_size=None)

    def val_dataloader(self):
        return DataLoader([Images(part, torch.zeros(len(part))) for part in self.held_out.split(40)], batch_size=None)


class Gan(LightningModule):
    """Its samples vary by `width`, which training sets to what `cue` says for a step; gradients are `slope`."""

    classes = None

    def __init__(self, cue=None, slope=lambda step: 1.0, penalty=None, judge=None):
        super().__init__()
        self.automatic_optimization = False
        self.discriminator, self.generator = torch.nn.Linear(2, 1), torch.nn.Linear(2, 2)
        self.register_buffer("width", torch.ones(()))
        self.cue, self.slope, self.penalty = cue or {}, slope, penalty
        self.judge = judge or (lambda images: images.sum((1, 2, 3)))

    def configure_optimizers(self):
        return [torch.optim.Adam(self.discriminator.parameters(), lr=0.01)]

    def training_step(self, batch, batch_idx):
        step, optimizer = self.global_step + 1, self.optimizers()
        self.width.fill_(self.cue.get(step, self.width.item()))
        optimizer.zero_grad()
        logits = self.discriminator(batch.image.flatten(1)).mean() + 3
        self.manual_backward(logits * self.slope(step))
        optimizer.step()
        terms = {"discriminator/adversarial": logits.detach()}
        return terms | ({"discriminator/r1": torch.tensor(self.penalty)} if self.penalty is not None else {})

    def validation_step(self, batch, batch_idx): ...

    def sample(self, count, generator=None, labels=None):
        return torch.randn(count, 2, 1, 1, generator=generator) * self.width

    def logits(self, batch):
        return self.judge(batch.image)


class Diary(Callback):
    """The learnt state at the end of each validation, after health has acted."""

    def __init__(self):
        self.entries = {}

    def on_validation_end(self, trainer, task):
        optimizer = copy.deepcopy(trainer.optimizers[0].state_dict()["state"])
        self.entries[trainer.global_step] = (copy.deepcopy(task.state_dict()), optimizer)


def fit(folder, task, steps=12, every=4, data=None, diary=None, **options):
    torch.manual_seed(0)
    health = Health(Coordinates(), **{"count": 64, **options})
    trainer = Trainer(
        accelerator="cpu", max_steps=steps, max_epochs=-1, val_check_interval=2, check_val_every_n_epoch=None,
        log_every_n_steps=every, num_sanity_val_steps=0, logger=CsvRecord(folder),
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
        callbacks=[Record(), health, diary or Diary()], default_root_dir=str(folder),
        plugins=[checkpoints.WholeCheckpoints()],
    )  # fmt: skip
    trainer.fit(task, datamodule=data or Data())
    return health


def column(folder, name):
    return {row["step"]: row[f"health/{name}"] for row in table.read(folder / "metrics.csv") if f"health/{name}" in row}


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.WARNING, logger="atelier")
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_healthy_run_is_measured_and_left_alone(tmp_path, told):
    fit(tmp_path, Gan())
    assert told() == []
    assert column(tmp_path, "diversity") == dict.fromkeys(range(2, 13, 2), pytest.approx(1, abs=0.2))
    assert all(share < 0.1 for share in column(tmp_path, "duplicates").values())
    assert all(0.7 < share <= 1 for share in column(tmp_path, "recall").values())
    assert column(tmp_path, "discriminator_gradient").keys() == {4, 8, 12}
    assert not (tmp_path / "checkpoints").exists()


def test_a_collapse_is_told_once_with_a_way_out(tmp_path, told):
    fit(tmp_path, Gan({5: 0.0}))
    (line,) = told()
    assert line.startswith(
        "health: at step 8 the samples have collapsed (diversity 0.00 of the real pictures', 100% doubles, recall 0.00)"
    )
    assert "try loss=wgan_gp or augment=diffaugment" in line
    assert "health.on_collapse=rollback" in line


def test_a_relapse_at_a_single_validation_is_none(tmp_path, told):
    fit(tmp_path, Gan({3: 0.0, 5: 1.0, 9: 0.0, 11: 1.0}))
    assert told() == []


def test_samples_that_never_varied_are_young_until_they_should_have(tmp_path, told):
    fit(tmp_path / "young", Gan({1: 0.01}))
    assert told() == []
    fit(tmp_path / "late", Gan({1: 0.01}), grace=6)
    (line,) = told()
    assert line.startswith("health: at step 8 the samples have collapsed (diversity 0.01")


def test_where_recall_can_be_expected_its_loss_is_a_collapse(tmp_path, told):
    fit(tmp_path / "unasked", Gan({5: 0.3}))
    assert told() == []
    fit(tmp_path / "asked", Gan({5: 0.3}), least_recall=0.7)
    assert "the samples have collapsed" in told()[0]


def test_stop_ends_the_run_and_leaves_the_last_healthy_state(tmp_path, told):
    diary = Diary()
    with pytest.raises(RunError, match=r"step 8: the samples have collapsed; .*resume=.*healthy\.ckpt goes on from it"):
        fit(tmp_path, Gan({5: 0.0}), on_collapse="stop", diary=diary)
    assert [*diary.entries] == [2, 4, 6]  # what comes after health, the checkpoint, never saw the collapsed state
    kept = checkpoints.read(tmp_path / "checkpoints" / "healthy.ckpt")
    assert kept["global_step"] == 4
    torch.testing.assert_close(kept["state_dict"], dict(diary.entries[4][0]), rtol=0, atol=0)
    assert "rollback" not in told()[0]


def test_rollback_restores_bit_for_bit_while_steps_go_on(tmp_path, told):
    diary, task = Diary(), Gan({5: 0.0})
    fit(tmp_path, task, on_collapse="rollback", diary=diary)
    (before, moments), (after, moments_after) = diary.entries[4], diary.entries[8]
    torch.testing.assert_close(after, before, rtol=0, atol=0)
    torch.testing.assert_close(moments_after, moments, rtol=0, atol=0)
    assert not torch.equal(diary.entries[6][0]["discriminator.weight"], before["discriminator.weight"])
    assert not torch.equal(diary.entries[10][0]["discriminator.weight"], before["discriminator.weight"])
    assert [*diary.entries] == [2, 4, 6, 8, 10, 12]
    assert told()[1:] == ["health: at step 8 went back to the weights of step 4, rollback 1 of 3"]


def test_the_fourth_rollback_is_none(tmp_path, told):
    cue = dict.fromkeys([5, 9, 13, 17], 0.0)
    with pytest.raises(RunError, match="step 20: the samples have collapsed again after 3 rollbacks"):
        fit(tmp_path, Gan(cue), steps=24, on_collapse="rollback")
    assert [line.rpartition(", ")[2] for line in told()[1:]] == [f"rollback {number} of 3" for number in (1, 2, 3)]


@pytest.mark.parametrize("act", ["stop", "rollback"])
def test_without_a_healthy_state_there_is_none_to_go_back_to(tmp_path, act):
    with pytest.raises(RunError, match="step 4: the samples have collapsed, and there is no healthy state"):
        fit(tmp_path, Gan({1: 0.0}), on_collapse=act, grace=0)


def test_learning_rates_stay_those_of_the_present_step(tmp_path):
    class Slower(Gan):
        def on_train_batch_start(self, batch, batch_idx):
            self.optimizers().param_groups[0]["lr"] = self.rate = 0.01 / (1 + self.global_step)

    class Look(Diary):
        def on_validation_end(self, trainer, task):
            self.entries[trainer.global_step] = (trainer.optimizers[0].param_groups[0]["lr"], task.rate)

    look = Look()
    fit(tmp_path, Slower({5: 0.0}), on_collapse="rollback", diary=look)
    assert look.entries[8] == (0.01 / 8, 0.01 / 8)


def remembers(images):
    """5 for training pictures, 0 for all others."""
    return 5.0 * (images[:, None] == points(64, 1)).flatten(2).all(2).any(1)


def generalises(images):
    """5 for real pictures, those held out as well."""
    return remembers(images) + 5.0 * (images[:, None] == points(64, 2)).flatten(2).all(2).any(1)


def test_a_discriminator_that_remembers_is_told_once(tmp_path, told):
    fit(tmp_path, Gan(judge=remembers))
    (line,) = told()
    assert line.startswith("health: at step 4 the discriminator knows the training pictures by heart: held-out ones")
    assert "look 100% as generated" in line
    assert "try augment=diffaugment" in line
    assert column(tmp_path, "overfitting") == dict.fromkeys(range(2, 13, 2), 1.0)
    assert column(tmp_path, "logit_gap") == dict.fromkeys(range(2, 13, 2), 5.0)


def test_a_discriminator_that_generalises_is_not(tmp_path, told):
    fit(tmp_path, Gan(judge=generalises))
    assert told() == []
    assert column(tmp_path, "overfitting") == dict.fromkeys(range(2, 13, 2), 0.0)


def test_the_overfitting_ratio_is_that_of_the_paper():
    training, held_out, fake = torch.tensor([4.0, 6.0]), torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])
    found = overfitting(training, held_out, fake)
    torch.testing.assert_close(found.gap, 3.0)
    torch.testing.assert_close(found.ratio, 3 / 4)
    torch.testing.assert_close(found.error, 2**0.5)  # each mean has variance 2 / 2
    assert not found.certain  # 3 is not more than three times 1.4
    assert overfitting(fake, held_out, training).ratio == 0


def test_a_gradient_that_vanishes_is_told_once(tmp_path, told):
    fit(tmp_path, Gan(slope=lambda step: 1.0 if step < 6 else 0.0), steps=14, every=2)
    (line,) = told()
    assert line.startswith("health: at step 8 the discriminator's gradient has vanished (norm 0.0e+00)")
    assert "try loss=hinge" in line


def test_a_gradient_that_explodes_is_told_once(tmp_path, told):
    fit(tmp_path, Gan(slope=lambda step: 1.0 if step < 16 else 1e4), steps=20, every=1)
    (line,) = told()
    assert line.startswith("health: at step 17 the discriminator's gradient explodes (norm 1.")
    assert "model.discriminator_optimizer.lr" in line


def test_a_gradient_that_grows_tenfold_is_no_matter(tmp_path, told):
    fit(tmp_path, Gan(slope=lambda step: 1.0 if step < 16 else 10), steps=20, every=1)
    assert told() == []


def test_norms_are_those_of_the_gradients_at_logged_steps(tmp_path):
    class Slope(Gan):
        def on_before_optimizer_step(self, optimizer):
            squares = sum(p.grad.double().square().sum() for p in self.discriminator.parameters())
            self.norms = {**getattr(self, "norms", {}), self.global_step + 1: float(squares.sqrt())}

    task = Slope()
    fit(tmp_path, task)
    measured = column(tmp_path, "discriminator_gradient")
    assert measured == {step: pytest.approx(task.norms[step], rel=1e-5) for step in (4, 8, 12)}


def test_penalties_that_swamp_the_objective_are_told_once(tmp_path, told):
    fit(tmp_path, Gan(penalty=1000.0), steps=14, every=1)
    (line,) = told()
    assert line.startswith("health: at step 11 the discriminator minimises its penalties and little else (99.")
    assert "loss.penalties" in line
    assert column(tmp_path, "discriminator_penalties").keys() == set(range(1, 15))


def test_penalties_as_large_as_the_objective_are_no_matter(tmp_path, told):
    fit(tmp_path, Gan(penalty=3.0), steps=14, every=1)
    assert told() == []
    assert all(0.2 < share < 0.8 for share in column(tmp_path, "discriminator_penalties").values())


def test_variety_of_real_pictures_is_one_and_of_few_less():
    real, other = points(400, 1).flatten(1), points(400, 2).flatten(1)
    same = variety(real, other)
    assert (same.diversity, same.duplicates) == (pytest.approx(1, abs=0.05), pytest.approx(0.01, abs=0.02))
    assert same.recall > 0.9
    doubled = variety(real, other[:200].repeat(2, 1))
    assert (doubled.diversity, doubled.duplicates) == (pytest.approx(1, abs=0.1), 1)
    assert variety(real, 0.1 * other).diversity == pytest.approx(0.1, abs=0.02)


def test_too_few_held_out_pictures_tell_nothing_of_variety(tmp_path, told):
    data = Data()
    data.held_out = data.held_out[:15]
    fit(tmp_path, Gan({5: 0.0}, judge=remembers), data=data)
    assert told() == []
    assert not any("health/diversity" in row for row in table.read(tmp_path / "metrics.csv"))


def test_a_task_without_a_discriminator_to_ask_has_gradients_only(tmp_path, told):
    class Quiet(Gan):
        logits = None

        def __getattribute__(self, name):
            if name == "logits":
                raise AttributeError(name)
            return super().__getattribute__(name)

    fit(tmp_path, Quiet({5: 0.0}))
    assert told() == []
    assert column(tmp_path, "discriminator_gradient").keys() == {4, 8, 12}


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


def test_embedded_features_are_those_of_the_network_whatever_the_batch():
    images = torch.rand(70, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    features = EmbeddedFeatures()
    together = features(images)
    assert together.shape == (70, 160)
    torch.testing.assert_close(together[66:], features(images[66:]))
    assert variety(together[:32], together[32:64]).diversity == pytest.approx(1, abs=0.2)


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


@pytest.mark.parametrize("stop", [7, 11])  # before the rollback, and after it
def test_a_run_that_rolled_back_is_resumed_exactly(stop, composed, tmp_path, told):
    cfg = composed(
        "data=gaussians", "model=points", "metrics=none", "health=points", "~callbacks", "data.batch_size=16",
        "health.on_collapse=rollback", "health.count=32", "health.least_recall=0", "schedule=linear",
        "model.generator_optimizer.lr=1e-7", "trainer.max_steps=16", "trainer.val_check_interval=4",
        "trainer.log_every_n_steps=3", "trainer.accelerator=cpu",
    )  # fmt: skip
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    run.fit(cfg, straight, {}, [Scale({1: 3, 5: 0})])
    assert any("went back to the weights of step 4, rollback 1 of 3" in line for line in told())

    with pytest.raises(Interrupted):
        run.fit(cfg, broken, {}, [Scale({1: 3, 5: 0}), Kill(stop)])
    cfg = OmegaConf.load(broken / "recipe.yaml")
    cfg.resume = str(broken)
    run.fit(cfg, broken, {}, [Scale({})])
    one, other = (checkpoints.read(folder / "checkpoints" / "last.ckpt") for folder in (straight, broken))
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        torch.testing.assert_close(one[part], other[part], rtol=0, atol=0)
    assert (straight / "metrics.csv").read_bytes() == (broken / "metrics.csv").read_bytes()
