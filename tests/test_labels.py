"""A number of classes is found in the data, kept with the run, and counted on from then on."""

import json

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from atelier import labels, run
from atelier.cli.audited_features import Comparison
from atelier.cli.scoring.runs import score_run
from atelier.config import check
from atelier.errors import ConfigError, UserError


@pytest.fixture(scope="module")
def labelled(tmp_path_factory, request):
    from hydra import compose, initialize_config_dir

    folder = tmp_path_factory.mktemp("run")
    with initialize_config_dir(str(request.config.rootpath / "conf"), version_base="1.3"):
        cfg = compose(
            "train",
            [
                *("data.image_size=16", "data.count=60", "data.batch_size=8", "data.label=style"),
                *("model.generator.width=4", "model.discriminator.width=4", "trainer.max_steps=3"),
                *("callbacks.samples.count=4", "trainer.accelerator=cpu", "metrics=none", "run_dir=unused"),
            ],
        )
    run.fit(cfg, folder, {"model": "dcgan"})
    return folder


def test_the_classes_are_found_and_written_down(labelled):
    names = json.loads((labelled / "run.json").read_text())["classes"]
    assert len(names) == OmegaConf.load(labelled / "config.yaml").classes == 8
    assert "cubism" in names


def test_the_trained_task_draws_what_it_is_asked_for(labelled):
    task, _, _ = run.load(labelled)
    assert task.class_counts.sum() == 3 * 8
    latents = torch.randn(1, task.latent_dim).expand(8, -1)
    images = task.synthesize(task.styles(latents, torch.arange(8)), torch.arange(8))
    assert len(images.flatten(1).unique(dim=0)) == 8
    again = [task.sample(5, torch.Generator().manual_seed(1)) for _ in range(2)]
    torch.testing.assert_close(*again, rtol=0, atol=0)


def test_samples_have_the_classes_of_the_data(labelled):
    task, _, _ = run.load(labelled)
    task.class_counts.copy_(torch.tensor([0, 3, 0, 0, 1, 0, 0, 0]))
    drawn = []
    task.average.network.forward = lambda latents, labels: drawn.append(labels) or torch.zeros(len(latents), 3, 1, 1)
    task.sample(4000, torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn[0], minlength=8) / 4000
    torch.testing.assert_close(shares, torch.tensor([0, 0.75, 0, 0, 0.25, 0, 0, 0]), atol=0.02, rtol=0)


def test_classes_that_the_data_no_longer_has_are_refused(labelled, tmp_path):
    cfg = OmegaConf.load(labelled / "recipe.yaml")
    cfg.data.label = "palette"
    with pytest.raises(ConfigError, match=r"classes: got 8, but data.label=palette has 5"):
        run.fit(cfg, tmp_path / "other", {})
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (["b", "c", "z"], r"numbers would mean others: a no longer there, z new$"),
        (["b", "a", "c"], "they come in another order"),
        (["a", "b"], "c no longer there$"),
        ([], "a, b, c no longer there"),
    ],
)
def test_a_class_is_known_by_its_number_and_must_keep_it(found, told):
    with pytest.raises(UserError, match=told):
        labels.refuse_others(found, ["a", "b", "c"])
    labels.refuse_others(["a", "b", "c"], ["a", "b", "c"])
    for nothing in (None, []):
        labels.refuse_others(found, nothing)


def test_a_folder_whose_classes_were_renamed_is_no_longer_the_runs(composed, tmp_path):
    """Neither to go on with, nor to score or to audit: class 0 is another then."""
    for name in "abc":
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(20):
            noise = np.random.default_rng(number).integers(0, 255, (16, 16, 3), np.uint8)
            Image.fromarray(noise).save(tmp_path / "pictures" / name / f"{number}.png")
    cfg = composed(
        *("model=cgan_pd", "data=folder", f"data.root={tmp_path / 'pictures'}", "data.label=class"),
        *("data.image_size=16", "data.batch_size=4", "model.generator.width=4", "model.discriminator.width=4"),
        *("trainer.max_steps=2", "callbacks.samples.count=4", "trainer.accelerator=cpu"),
        *("metrics.count=8", "metrics.splits=2"),
    )
    folder = tmp_path / "run"
    run.fit(cfg, folder, {})
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (tmp_path / "pictures" / "a").rename(tmp_path / "pictures" / "z")
    cfg = OmegaConf.load(folder / "recipe.yaml")
    cfg.resume, cfg.trainer.max_steps = str(folder), 4
    for goes_on in (
        lambda: run.fit(cfg, folder, {}),
        lambda: score_run(folder, None, None, None),
        lambda: Comparison(folder, None, 0),
    ):
        with pytest.raises(UserError, match="the classes are not those .*: a no longer there, z new"):
            goes_on()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_classes_without_labels_are_refused(composed):
    with pytest.raises(ConfigError, match="classes: got 5, but the batches carry no labels: set data.label"):
        labels.presume(composed("classes=5"))


@pytest.mark.parametrize("model", ["acgan", "cgan_pd"])
def test_a_conditional_model_asks_for_labels_before_anything_is_built(model, composed):
    with pytest.raises(ConfigError, match=r"classes: must be >= 1.*set data.label"):
        check(labels.presume(composed(f"model={model}")))
    check(labels.presume(composed(f"model={model}", "data.label=style")))
