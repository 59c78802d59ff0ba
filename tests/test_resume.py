import json
from functools import partial
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from atelier import resume
from atelier.errors import UserError
from atelier.resume import DEVICES, quote, run_folder
from atelier.run_folder import RunFolder

CONF = Path(__file__).parents[1] / "conf"
SCHEDULE = {"_target_": "atelier.tasks.schedules.linear", "_partial_": True, "steps": 8, "flat": 0.2}


arguments = partial(resume.arguments, conf=CONF)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "model=dcgan,seed=1" / "run"
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(
        OmegaConf.to_yaml({"seed": 1, "schedule": SCHEDULE, "logger": {"tensorboard": {"name": "own"}}})
    )
    choices = {"model": "dcgan", "data": "procedural", "schedule": "late_linear"}
    (folder / "run.json").write_text(json.dumps({"choices": choices}))
    return folder


def test_other_command_lines_are_left_alone():
    for given in ([], ["model=dcgan"], ["-m", "seed=1,2"], ["resume=null"]):
        assert arguments(given) == given


def test_the_recipe_takes_the_place_of_conf(run):
    found = arguments(["trainer.max_steps=20", f"resume={run}"])
    assert found[:4] == ["--config-path", str(run), "--config-name", "recipe"]
    assert found[4:] == [
        "trainer.max_steps=20",
        f"resume='{run}'",
        f"hydra.run.dir='{run}'",
        "hydra.output_subdir=null",
    ]


def test_paths_of_the_recipe_lead_where_they_led_when_it_began(run, tmp_path, monkeypatch):
    recipe = {"data": {"root": "it's here", "size": "${seed}"}, "parts": [{"root": "it's here"}], "seed": 1}
    (run / "recipe.yaml").write_text(OmegaConf.to_yaml(recipe))
    (run / "run.json").write_text(json.dumps({"choices": {}, "folder": str(tmp_path)}))
    (tmp_path / "it's here").mkdir()
    assert went_on(run)["data"] == {"root": str(tmp_path / "it's here"), "size": "${seed}"}
    assert went_on(run, "data.root=other")["data"]["root"] == "other"
    monkeypatch.chdir(tmp_path)
    assert went_on(run)["data"]["root"] == "it's here"


def test_a_group_may_be_repeated_but_not_changed(run):
    assert "model=dcgan" not in arguments([f"resume={run}", "model=dcgan"])
    with pytest.raises(UserError, match="model=wgan_gp: .* is a run of model=dcgan"):
        arguments([f"resume={run}", "model=wgan_gp"])


def went_on(run, *given):
    """The config of the run that goes on, as Hydra makes it of the run's recipe and the command line."""
    words = arguments([f"resume={run}", *given])[4:]
    with initialize_config_dir(str(run), version_base="1.3"):
        cfg = compose("recipe", [word for word in words if not word.startswith(("resume=", "hydra."))])
    return OmegaConf.to_container(cfg, resolve=False)


@pytest.mark.parametrize("name", ["constant", "linear", "cosine", "burn_in"])
def test_a_run_goes_on_with_another_schedule_as_conf_has_it(name, run, composed):
    conf = OmegaConf.to_container(composed(f"schedule={name}").schedule, resolve=False)
    assert went_on(run, f"schedule={name}")["schedule"] == conf


def test_keys_of_the_schedule_that_the_run_has_stay(run):
    assert went_on(run, "schedule=late_linear")["schedule"] == SCHEDULE
    assert went_on(run, "schedule.flat=0.9", "schedule=late_linear")["schedule"]["flat"] == 0.9
    assert went_on(run, "schedule.steps=5", "schedule=linear")["schedule"]["steps"] == 5


@pytest.mark.parametrize("choices", [{"schedule": "linear"}, {}], ids=["another", "exchanged before"])
def test_a_schedule_of_another_name_takes_the_place_of_one_with_the_same_keys(choices, run, composed):
    (run / "run.json").write_text(json.dumps({"choices": choices}))
    conf = OmegaConf.to_container(composed("schedule=late_linear").schedule, resolve=False)
    assert went_on(run, "schedule=late_linear")["schedule"] == conf
    assert went_on(run, "schedule=late_linear", "schedule.flat=0.9")["schedule"] == conf | {"flat": 0.9}


def test_loggers_come_and_go_and_those_that_stay_are_as_they_were(run, composed):
    wandb = OmegaConf.to_container(composed("logger=wandb").logger.wandb, resolve=False)
    assert went_on(run, "logger=[]")["logger"] == {}
    assert went_on(run, "logger=wandb")["logger"] == {"wandb": wandb}
    both = went_on(run, "logger=[tensorboard,wandb]", "logger.wandb.project=mine")["logger"]
    assert both == {"tensorboard": {"name": "own"}, "wandb": wandb | {"project": "mine"}}


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("schedule=liner", "schedule=liner: no such schedule; did you mean 'linear'"),
        ("schedule=[linear]", "no such schedule"),
        ("logger=wandbb", r"did you mean 'wandb'\? \(choices: tensorboard, wandb\)"),
        ("logger=wandb,tensorboard", "a run goes on with one of them"),
    ],
)
def test_what_conf_does_not_have_is_refused(word, text, run):
    with pytest.raises(UserError, match=text):
        arguments([f"resume={run}", word])


@pytest.mark.parametrize(
    ("key", "value", "gone"),
    [
        ("trainer.max_steps", 9, set()),
        ("schedule.steps", 500, set()),
        ("schedule", {"_target_": "atelier.tasks.schedules.constant", "_partial_": True}, {"schedule"}),
        ("logger", {"wandb": {}}, {"logger"}),
    ],
)
def test_the_record_of_a_run_forgets_what_was_exchanged_and_no_more(key, value, gone, composed, tmp_path):
    choices = {"model": "dcgan", "schedule": "linear", "logger": "tensorboard"}
    cfg, folder = composed("schedule=linear", "logger=tensorboard"), RunFolder(tmp_path)
    folder.begin(cfg, choices, None)
    OmegaConf.update(cfg, key, value, merge=False)
    folder.begin(cfg, {}, 4)
    assert folder.record["choices"].items() == {item for item in choices.items() if item[0] not in gone}


def test_the_record_knows_the_schedule_that_a_run_went_on_with(composed, tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    folder.begin(composed("schedule=linear"), {"schedule": "linear"}, None)
    monkeypatch.setattr("sys.argv", ["train.py", "resume=RUN", "schedule=late_linear"])
    folder.begin(composed("schedule=late_linear"), {}, 4)
    assert folder.record["choices"] == {"schedule": "late_linear"}
    monkeypatch.setattr("sys.argv", ["train.py", "resume=RUN", "schedule.flat=0.3"])
    folder.begin(composed("schedule=late_linear", "schedule.flat=0.3"), {}, 8)
    assert folder.record["choices"] == {"schedule": "late_linear"}


@pytest.mark.parametrize("trainer", [*DEVICES])
def test_a_run_goes_on_with_the_devices_of_any_trainer(trainer, run, composed):
    """As the config of that trainer has them, and whatever it was made with; a device that is named comes after."""
    found = arguments([f"resume={run}", "trainer.devices=3", f"trainer={trainer}"])
    words = [word for word in found if word.lstrip("+").startswith("trainer")]
    assert words == [*DEVICES[trainer], "trainer.devices=3"]
    made = {} if trainer == "default" else {"strategy": {"_target_": "atelier.distributed.turns.InTurns"}}
    cfg = OmegaConf.to_container(composed(f"trainer={trainer}").trainer, resolve=False)
    went_on = OmegaConf.to_container(composed(*DEVICES[trainer]).trainer, resolve=False)
    assert {"strategy": "auto", "num_nodes": 1, **cfg} == went_on
    assert made.items() <= cfg.items()


@pytest.mark.parametrize("key", ["run_dir", "hydra.run.dir", "++run_dir"])
def test_a_run_goes_on_in_its_own_folder(key, run):
    with pytest.raises(UserError, match=f"a run goes on in its own folder, .*; leave {key.lstrip('+')} out"):
        arguments([f"resume={run}", f"{key}={run.parent / 'other'}"])
    for same in (quote(str(run)), f"{quote(str(run / '..' / run.name))}", "null"):
        assert arguments([f"resume={run}", f"{key}={same}"]) == arguments([f"resume={run}"])


def test_a_checkpoint_means_its_run(run):
    checkpoint = run / "checkpoints" / "previous.ckpt"
    with pytest.raises(UserError, match="no such checkpoint"):
        run_folder(checkpoint)
    checkpoint.parent.mkdir()
    checkpoint.touch()
    assert run_folder(checkpoint) == run


def test_what_cannot_be_resumed_is_said(run, tmp_path):
    with pytest.raises(UserError, match=r"resume: .* is no run folder"):
        arguments([f"resume={tmp_path}"])
    with pytest.raises(UserError, match="leave -m out"):
        arguments(["-m", f"resume={run}"])


@pytest.mark.parametrize("name", ["plain", "model=dcgan,loss=hinge/seed=1", "it's", "a b", "back\\slash", "${x}"])
def test_quoting_survives_hydras_grammar(name):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    override = OverridesParser.create().parse_override(f"resume={quote(name)}")
    assert override.value() == name
