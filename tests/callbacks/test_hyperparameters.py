import pytest
import torch
from omegaconf import OmegaConf

from atelier import checkpoints, run


def trained(cfg, folder):
    run.fit(cfg, folder, {})
    return checkpoints.read(checkpoints.find(folder))


@pytest.fixture
def resumed(small_config, tmp_path):
    """Makes a run of 4 steps, and the checkpoint of 4 more of them with another config."""

    def resume(*overrides, **changes):
        trained(small_config("trainer.max_steps=4", *overrides), tmp_path)
        cfg = OmegaConf.load(tmp_path / "recipe.yaml")
        for key, value in {"resume": str(tmp_path), "trainer.max_steps": 8, **changes}.items():
            OmegaConf.update(cfg, key, value)
        return trained(cfg, tmp_path)

    return resume


@pytest.mark.parametrize(("schedule", "share"), [("constant", 1), ("linear", 0), ("cosine", 0)])
def test_learning_rates_and_betas_can_be_changed_when_a_run_goes_on(schedule, share, resumed):
    new = {"model.generator_optimizer.lr": 0.02, "model.generator_optimizer.betas": [0.1, 0.2]}
    content = resumed(f"schedule={schedule}", **new)
    generator = content["optimizer_states"][1]["param_groups"][0]
    assert (generator["initial_lr"], tuple(generator["betas"])) == (0.02, (0.1, 0.2))
    assert generator["lr"] == pytest.approx(0.02 * share, abs=1e-12)
    assert [schedule["base_lrs"] for schedule in content["lr_schedulers"]] == [[2e-4], [0.02]]


def test_a_longer_run_has_the_longer_schedules_rate_from_its_first_step_on(small_config, tmp_path, monkeypatch):
    cfg = small_config("trainer.max_steps=4", "schedule=linear")
    trained(cfg, tmp_path)
    cfg.resume, cfg.trainer.max_steps = str(tmp_path), 8
    rates, step = [], torch.optim.Adam.step

    def heard(optimizer, *arguments, **options):
        rates.append(optimizer.param_groups[0]["lr"])
        return step(optimizer, *arguments, **options)

    monkeypatch.setattr(torch.optim.Adam, "step", heard)
    trained(cfg, tmp_path)
    assert rates == pytest.approx([2e-4 * share / 8 for share in (4, 4, 3, 3, 2, 2, 1, 1)])


@pytest.mark.parametrize(
    "former",
    [
        {"_target_": "atelier.tasks.schedules.cosine", "steps": 4},
        {"_target_": "torch.optim.lr_scheduler.StepLR", "step_size": 1},
    ],
)
def test_another_schedule_goes_on_from_the_same_step(former, small_config, tmp_path):
    cfg = small_config("trainer.max_steps=4")
    cfg.schedule = {"_partial_": True, **former}
    trained(cfg, tmp_path)
    cfg.schedule = {"_partial_": True, "_target_": "atelier.tasks.schedules.linear", "steps": 8}
    cfg.resume, cfg.trainer.max_steps = str(tmp_path), 6
    content = trained(cfg, tmp_path)
    assert [schedule["last_epoch"] for schedule in content["lr_schedulers"]] == [6, 6]
    for optimizer in content["optimizer_states"]:
        assert optimizer["param_groups"][0]["lr"] == pytest.approx(2e-4 * (1 - 6 / 8))


def test_a_changed_rate_moves_the_weights_from_the_first_step_on(resumed, small_config, tmp_path):
    still = resumed(**{"model.generator_optimizer.lr": 0.0})
    weights = {name: value for name, value in still["state_dict"].items() if name.startswith("generator.")}
    first = checkpoints.read(tmp_path / "checkpoints" / "previous.ckpt")["state_dict"]
    assert all(
        torch.equal(value, first[name])
        for name, value in weights.items()
        if "running" not in name and "num" not in name
    )
