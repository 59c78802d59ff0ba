import json

import pytest
import torch
from omegaconf import OmegaConf
from stylising import paint
from typer.testing import CliRunner

from atelier.cli.main import app

SMALL = [
    "data.image_size=16", "data.count=300", "data.validation=0.2", "model.generator.width=4",
    "model.generator.latent_dim=12", "model.discriminator.width=4", "metrics=none", "trainer.accelerator=cpu",
]  # fmt: skip


@pytest.fixture(scope="session")
def make_run(request):
    """Makes a run folder as if it had been trained: with weights by chance, of a size that makes images differ."""
    from hydra import compose, initialize_config_dir

    from atelier.config import build

    def make(folder, *overrides, size=0.2):
        with initialize_config_dir(str(request.config.rootpath / "conf"), version_base="1.3"):
            cfg = compose("train", ["run_dir=unused", *SMALL, *overrides])
        (folder / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True))
        torch.manual_seed(0)
        task = build(cfg.model, "model")
        for weights in task.average.network.parameters():
            if size and weights.dim() > 1:
                weights.data.normal_(0, size)
        if task.classes:
            task.class_counts.copy_(torch.arange(task.classes))
        (folder / "checkpoints").mkdir()
        torch.save({"state_dict": task.state_dict(), "global_step": 40}, folder / "checkpoints" / "last.ckpt")
        return folder

    return make


@pytest.fixture(scope="session")
def plain(make_run, tmp_path_factory):
    """A run without labels, whose generator has one layer of styles: the latents."""
    return make_run(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def labelled(make_run, tmp_path_factory):
    """A run of three classes; none of the pictures that it was shown was of the first."""
    folder = make_run(tmp_path_factory.mktemp("labelled"), "data.label=palette", "classes=3")
    (folder / "run.json").write_text('{"classes": ["dawn", "noon", "dusk/late"]}')
    return folder


@pytest.fixture(scope="session")
def styled(make_run, tmp_path_factory):
    """A run whose generator has six layers of styles."""
    return make_run(
        tmp_path_factory.mktemp("styled"),
        *("model=stylegan2", "loss=non_saturating", "model.generator.max_width=8", "model.discriminator.max_width=8"),
        "model.generator.mapping_layers=2",
        size=None,  # its layers bring their weights to size themselves
    )


STYLING = ["data=content_style", "data.image_size=32", "encoder=embedded", "metrics=none", "trainer.accelerator=cpu"]


@pytest.fixture(scope="session")
def make_style_run(request, tmp_path_factory):
    """Makes a run folder as if it had been trained: with weights by chance."""
    from hydra import compose, initialize_config_dir

    from atelier.config import build

    def make(name, *overrides, **facts):
        folder = tmp_path_factory.mktemp("runs") / name
        (folder / "checkpoints").mkdir(parents=True)
        with initialize_config_dir(str(request.config.rootpath / "conf"), version_base="1.3"):
            cfg = compose("train", ["run_dir=unused", *STYLING, *overrides])
        (folder / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True))
        (folder / "run.json").write_text(json.dumps(facts))
        torch.manual_seed(0)
        task = build(cfg.model, "model")
        for weights in task.parameters():
            if weights.dim() > 1:  # or all that it draws would be grey
                weights.data.normal_(0, (2 / weights[0].numel()) ** 0.5)
        state = task.state_dict()
        for step, checkpoint in ((40, "last"), (20, "early")):
            torch.save({"state_dict": state, "global_step": step}, folder / "checkpoints" / f"{checkpoint}.ckpt")
        return folder

    return make


@pytest.fixture(scope="session")
def adain(make_style_run):
    return make_style_run("adain", "model=adain")


@pytest.fixture
def photo(tmp_path):
    return paint(tmp_path / "photo.png")


@pytest.fixture
def painting(tmp_path):
    return paint(tmp_path / "painting.png", 40, 40, seed=1)


@pytest.fixture
def stylize(tmp_path, monkeypatch):
    monkeypatch.setattr("atelier.cli.styling.stylizing.STYLE_SIZE", 32)

    def run(*words):
        return CliRunner().invoke(app, ["stylize", *map(str, words), "--out", str(tmp_path / "out")])

    return run


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture(scope="session")
def learned(make_style_run):
    small = ["model.network.width=4", "model.network.blocks=1", "model.network.styles=2"]
    return make_style_run("learned", "model=johnson", *small, classes=["dawn", "noon"])
