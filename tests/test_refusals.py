"""What would fail late, or quietly, and is refused before a run folder is made."""

import copy
import json

import pytest
import torch
from omegaconf import open_dict
from PIL import Image

from atelier import misfits, run
from atelier.config import build, check
from atelier.data.pairs import ContentStyle
from atelier.data.types import Images
from atelier.errors import ConfigError, UserError


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("seed=-1", "seed: must be between 0 and 4294967295, got -1"),
        ("trainer.val_check_interval=0", "trainer.val_check_interval: must be batches"),
        (
            "+trainer.accumulate_grad_batches=3",
            "trainer.val_check_interval: must be whole steps of trainer.accumulate_grad_batches=3, got 4",
        ),
        ("+trainer.max_time=8h", r"trainer.max_time: must be DD:HH:MM:SS \(in a file, in quotes\) .* got '8h'"),
        ("+trainer.max_time={second:8}", "trainer.max_time: must be DD:HH:MM:SS.* got {'second': 8}"),
        ("+trainer.max_time={hours:-1}", "trainer.max_time: must be .* and more than none, got {'hours': -1}"),
        ("trainer.precision=bf16-true", "trainer.precision: must be full or mixed"),
        ("trainer.num_sanity_val_steps=1", "trainer.num_sanity_val_steps: must be 0, got 1"),
        ("trainer.num_sanity_val_steps=null", "trainer.num_sanity_val_steps: must be 0, got 2"),
        ("trainer.limit_val_batches=0", "trainer.limit_val_batches: must be 1 or more"),
        ("trainer.limit_val_batches=0.5", "trainer.limit_val_batches: must be 1 or more, for 0.5 of 1 batches is none"),
        ("+trainer.limit_train_batches=1", "trainer.limit_train_batches: must be null, .* trainer.max_steps its end"),
        ("+trainer.overfit_batches=2", "trainer.overfit_batches: must be 0; .* got 2"),
        ("trainer.max_epochs=1", "trainer.max_epochs: must be -1, for training is one endless epoch, .* got 1"),
        ("+trainer.min_epochs=2", "trainer.min_epochs: must be null"),
        ("+trainer.min_steps=30", "trainer.min_steps: must be null"),
        ("+trainer.fast_dev_run=true", "trainer.fast_dev_run: must be false, .* trainer.max_steps=1 is a short run"),
        ("trainer.check_val_every_n_epoch=2", "trainer.check_val_every_n_epoch: must be null"),
        ("trainer.enable_checkpointing=true", "trainer.enable_checkpointing: must be false"),
        ("trainer.enable_checkpointing=null", "trainer.enable_checkpointing: must be false"),
        ("+trainer.accumulate_grad_batches=2", "trainer.accumulate_grad_batches: must be 1 where players take turns"),
        ("+trainer.gradient_clip_val=0.5", "trainer.gradient_clip_val: players .* one by one: model.clip_norm=0.5"),
        ("health.on_collapse=stop", "health.on_collapse: stop needs 16 held-out pictures .*, and there are 4: raise"),
    ],
)
def test_what_would_fail_late_is_refused_early(override, fault, small_config, tmp_path):
    with pytest.raises(ConfigError, match=fault):
        run.fit(small_config(override), tmp_path / "run", {})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        (["metrics.scores=[fid,intra_fid]"], "intra_fid needs classes: data.label chooses some"),
        (["metrics.scores=[precision_recall]", "metrics.neighbours=60"], "precision_recall needs 61 real images"),
    ],
)
def test_scores_that_the_pictures_do_not_allow_are_refused_before_the_training(override, fault, small_config, tmp_path):
    with pytest.raises(UserError, match=fault):
        run.fit(small_config("metrics=embedded", "metrics.count=70", *override), tmp_path / "run", {})
    assert not (tmp_path / "run").exists()


def test_values_that_are_lightnings_own_may_be_written_down(small_config, tmp_path):
    usual = [
        *("+trainer.limit_train_batches=1.0", "+trainer.overfit_batches=0.0", "trainer.max_epochs=null"),
        *("+trainer.min_epochs=null", "+trainer.min_steps=null", "+trainer.fast_dev_run=false"),
        *("trainer.check_val_every_n_epoch=1", "+trainer.accumulate_grad_batches=1", "+trainer.gradient_clip_val=null"),
        "trainer.limit_val_batches=1.0",
    ]
    run.fit(small_config(*usual), tmp_path, {})
    assert json.loads((tmp_path / "run.json").read_text())["steps"] == 8


def test_too_few_images_for_a_score_are_a_fault_of_the_config(composed):
    with pytest.raises(ConfigError, match=r"metrics\.count: must be >= 3 for kid, got 2"):
        check(composed("metrics.scores=[kid]", "metrics.count=2"))


def test_what_is_for_pictures_is_refused_where_there_are_points(composed, tmp_path):
    cfg = composed("model=points", "data=gaussians", "seamless=true", "trainer.accelerator=cpu")
    with pytest.raises(ConfigError) as refused:
        run.fit(cfg, tmp_path / "run", {})
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["metrics", "callbacks.samples", "seamless"]
    assert not (tmp_path / "run").exists()


def test_a_generator_of_another_shape_than_the_data_is_refused(small_config, tmp_path):
    with pytest.raises(ConfigError, match="model.generator: draws 3 x 32 x 32, but the data is 3 x 16 x 16"):
        run.fit(small_config("model.generator.image_size=32"), tmp_path / "run", {})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", ["dcgan", "r3gan", "stylegan2"])
@pytest.mark.parametrize("size", [8, 32])
def test_a_discriminator_of_another_shape_than_the_data_is_refused(model, size, small_config, tmp_path):
    text = r"model.discriminator: cannot judge the data, which is 3 x 16 x 16 \(channels x height x width\): .+"
    with pytest.raises(ConfigError, match=text) as refused:
        run.fit(small_config(f"model={model}", f"model.discriminator.image_size={size}"), tmp_path / "run", {})
    assert "\n" not in refused.value.faults[0]
    assert not (tmp_path / "run").exists()


def test_a_discriminator_that_judges_pictures_of_any_size_may(small_config, tmp_path):
    run.fit(small_config("model=sngan", "model.discriminator.image_size=32"), tmp_path, {})
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "finished"


@pytest.mark.parametrize("model", ["dcgan", "gan", "stylegan2"])
def test_a_discriminator_learns_nothing_from_the_picture_it_is_tried_with(model, small_config):
    """Neither statistics of batches nor vectors of spectral norms, no number is drawn, and all goes on in training."""
    task = build(small_config(f"model={model}", "model.discriminator.spectral_norm=true").model, "model")
    state, chance = copy.deepcopy(task.state_dict()), torch.get_rng_state()
    assert misfits._refusal(task, Images(torch.rand(1, 3, 16, 16, generator=torch.Generator()), None)) is None
    torch.testing.assert_close(task.state_dict(), state, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), chance)
    assert all(module.training for player in (task.generator, task.discriminator) for module in player.modules())


def test_crops_that_the_decoder_cannot_draw_whole(composed, tmp_path):
    cfg = composed("model=adain", "data.image_size=36", "data.content.count=10", "data.style.count=10")
    with pytest.raises(ConfigError, match="data.image_size: must be a multiple of 8, at least 16, .* got 36"):
        run.fit(cfg, tmp_path / "run", {})
    assert not (tmp_path / "run").exists()


FEW = ["data.content.count=10", "data.style.count=10", "data.batch_size=2"]
PAIR = ["data=image_pair", "data.content={folder}/wide.png", "data.style={folder}/wide.png", "data.image_size=64"]


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (["model=johnson", *PAIR], "data: this model needs data=content_style, whose styles it learns by heart"),
        (["model=adain", *PAIR], "data: this model needs data=content_style, or pictures .* of 8, .* got .64, 20"),
        (["model=wct", *PAIR], "data: this model needs data=content_style, or pictures .* of 16, at least 32, got"),
        (["model=wct", *FEW, "data.image_size=16"], "data.image_size: must be a multiple of 16, at least 32, .* 16"),
        (["model=sanet", *FEW, "data.image_size=16"], "data.image_size: must be a multiple of 16, at least 32, .* 16"),
        (["model=adain", *FEW, "data.image_size=8"], "data.image_size: must be a multiple of 8, at least 16, .* 8"),
        (["model=gatys", "data=content_style", *FEW], "data.batch_size: must be 1 for a model that paints one .* 2"),
        (["model=gatys", *PAIR, "trainer.max_steps=-1"], "trainer.max_steps: must be 1 or more .* scales .* got -1"),
    ],
)
def test_data_that_a_model_of_styles_cannot_learn_from(overrides, fault, composed, tmp_path):
    Image.new("RGB", (20, 64)).save(tmp_path / "wide.png")
    chosen = [override.format(folder=tmp_path) for override in overrides]
    with pytest.raises(ConfigError, match=fault) as refused:
        run.fit(composed(*chosen, "trainer.accelerator=cpu"), tmp_path / "run", {})
    assert len(refused.value.faults) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (
            ["model=cyclegan", *FEW, "metrics=none", "health=default"],
            "health: knows generators of latents, .*: health=none",
        ),
        (["model=adain", *FEW, "health=default"], "health: knows generators of latents, .*: health=none"),
        (
            ["model=cyclegan", *FEW, "metrics=none", "callbacks=default"],
            "callbacks.samples: is of other models: callbacks=translation",
        ),
        (["model=adain", *FEW, "callbacks=translation"], "callbacks.translated: is of other models: callbacks=style"),
        (["model=dcgan", "callbacks=style"], "callbacks.stylised: is of other models: callbacks=default"),
        (
            ["model=cut", *FEW, "metrics=none", "model.image_size=64"],
            r"model.image_size: must be data.image_size \(128\), got 64",
        ),
    ],
)
def test_what_looks_on_must_know_the_model(overrides, fault, composed, tmp_path):
    with pytest.raises(ConfigError, match=fault) as refused:
        run.fit(composed(*overrides, "trainer.accelerator=cpu"), tmp_path / "run", {})
    assert len(refused.value.faults) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", ["multi_style", "adain", "sanet", "wct"])
def test_what_cannot_tile_is_not_asked_to(model, composed, tmp_path):
    label = "picture" if model == "multi_style" else "null"
    cfg = composed(f"model={model}", *FEW, "data.image_size=32", f"data.label={label}", "seamless=true")
    with pytest.raises(ConfigError, match="seamless: this model draws nothing that tiles: seamless=false") as refused:
        run.fit(cfg, tmp_path / "run", {})
    assert len(refused.value.faults) == 1
    assert not (tmp_path / "run").exists()


def test_styles_are_counted_without_a_look_at_them(composed, monkeypatch, tmp_path):
    monkeypatch.setattr(ContentStyle, "style_pictures", None)
    with pytest.raises(ConfigError, match="data.style: has 10 pictures, but this model learns 1 by heart"):
        run.fit(composed("model=johnson", *FEW, "data.image_size=16"), tmp_path / "run", {})


def test_a_recipe_from_before_there_were_encoders_goes_on(small_config, tmp_path):
    cfg = small_config("trainer.max_steps=1")
    with open_dict(cfg):
        del cfg["encoder"]
    run.fit(cfg, tmp_path, {})
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "finished"
