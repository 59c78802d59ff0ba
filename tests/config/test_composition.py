"""What Hydra refuses to compose is told in one line that names the near miss."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from atelier.config import explain

FILES = {
    "train.yaml": "defaults: [_self_, {data: folder}, {model: dcgan}, {encoder: embedded}, {sweeper: elsewhere}, "
    "{logger: []}]\n"
    "seed: 0\nresume: null\n",
    "data/folder.yaml": "root: x\nimage_size: 64\n",
    "model/dcgan.yaml": "width: 64\n",
    "model/wgan_gp.yaml": "defaults: [dcgan]\n",
    "model/stray.yaml": "defaults: [dcgann]\n",
    "sweeper/elsewhere.yaml": "_target_: optuna.samplers.TPESampler\n",  # of another module than that
    "encoder/embedded.yaml": "_target_: atelier.encoders.embedded\n",
    "model/torn.yaml": "a: [1, 2\nb: 3\n",
    "logger/wandb.yaml": "wandb: {}\n",
}
MODELS = "(choices: dcgan, stray, torn, wgan_gp)"
EXPLAINED = {
    "model=wgan_pp": f"model=wgan_pp: no such model; did you mean 'wgan_gp'? {MODELS}",
    "model=qqqqq": f"model=qqqqq: no such model {MODELS}",
    "model=stray": f"model=dcgann: no such model, for which conf/model/stray.yaml asks; did you mean 'dcgan'? {MODELS}",
    "logger=[wandbb]": "logger=wandbb: no such logger; did you mean 'wandb'? (choices: wandb)",
    "data.image_sze=3": "data.image_sze: no such key; did you mean 'image_size'?",
    "data.zzz=3": "data.zzz: no such key; there are image_size, root",
    "daat=folder": "daat: no such key; did you mean 'data'?",
    "daat.root=x": "daat: no such key; did you mean 'data'?",
    "resume.path=x": "resume.path: no such key",
    "encoder.weights=x": "encoder.weights: no such key; "
    "vgg19, vgg19_estimated, vgg19_normalised, vgg19_slim take it, embedded does not",
    "encoder.level=x": "encoder.level: no such key; vgg19_estimated, vgg19_slim take it, embedded does not",
    "encoder.zzz=x": "encoder.zzz: no such key",
    "sweeper.zzz=x": "sweeper.zzz: no such key",
    "~data.roo": "~data.roo: no such key",
    "data.root=a=b": """data.root=a=b: not a valid override; write 'data.root="a=b"'""",
    "seed": "seed: not a valid override; write key=value",
    "seed=1,2": """seed=1,2: several values are a sweep, which -m makes of them; one value is 'seed=[1,2]' (a list) """
    """or 'seed="1,2"' (a text)""",
    "seed=range(1,3)": "seed=range(1,3): several values are a sweep, which -m makes of them",
    "+seed=1": "Could not append to config. An item is already at 'seed'.",
}


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("conf")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return root


def explained(conf: Path, override: str) -> str:
    with initialize_config_dir(str(conf), version_base="1.3"):
        try:
            compose("train", overrides=[override])
        except (HydraException, OmegaConfBaseException, MarkedYAMLError) as error:
            return explain(error)
    pytest.fail(f"{override} was composed")


@pytest.mark.parametrize("override", EXPLAINED)
def test_a_refusal_is_explained(conf: Path, override: str) -> None:
    assert explained(conf, override) == EXPLAINED[override]


def test_a_torn_file_is_named_with_its_line(conf: Path) -> None:
    assert explained(conf, "model=torn") == f"{conf}/model/torn.yaml, line 2: expected ',' or ']', but got ':'"


def test_anything_else_is_its_first_line() -> None:
    assert explain(ValueError("one\ntwo")) == "one"
