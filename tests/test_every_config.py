"""Every shipped config composes, and nothing is found wrong with it."""

import numpy as np
import pytest
from models import FAMILIES, LOSSES, STYLE_LOSSES, STYLISING, names
from PIL import Image

from atelier.config import check
from atelier.encoders import SLIM_FILE
from atelier.errors import ConfigError
from atelier.labels import presume


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def styled(composed, picture):
    """Composes the config of a model that stylises, with the pictures that it cannot do without."""
    pictures = {
        "gatys": [f"data.content={picture}", f"data.style={picture}"],
        "texture": [f"data.style={picture}"],
        "multi_style": ["data.label=picture"],
    }
    return lambda model, *overrides: composed(f"model={model}", *pictures.get(model, []), *overrides)


LABELS = {"acgan": ["data.label=style"], "cgan_pd": ["data.label=style"]}
"""What a model that cannot do without labels is told."""


@pytest.mark.parametrize("model", FAMILIES)
@pytest.mark.parametrize("size", [32, 64, 128, 256, 512])
def test_every_model_at_every_size(model, size, composed):
    check(presume(composed(f"model={model}", f"data.image_size={size}", *LABELS.get(model, []))))


@pytest.mark.parametrize("model", FAMILIES)
def test_every_model_names_the_nearest_sizes(model, composed):
    with pytest.raises(ConfigError, match=r"image_size: must be a power of two .*, got 48 \(nearest: 32 or 64\)"):
        check(presume(composed(f"model={model}", "data.image_size=48", *LABELS.get(model, []))))


@pytest.mark.parametrize("model", FAMILIES)
def test_every_model_takes_labels(model, composed):
    check(presume(composed(f"model={model}", "data.label=palette")))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("model", FAMILIES)
def test_every_loss_with_every_model(model, loss, composed):
    """A per-image penalty refuses batch norm, which is for the user to take out."""
    options = [f"model={model}", f"loss={loss}", "data.label=style"]
    if "norm" in composed(*options).model.discriminator:
        options.append("model.discriminator.norm=null")
    check(presume(composed(*options)))


@pytest.mark.parametrize("augment", names("augment"))
@pytest.mark.parametrize("model", FAMILIES)
def test_every_augmentation_with_every_model(model, augment, composed):
    check(presume(composed(f"model={model}", f"augment={augment}", "data.label=style")))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_with_points(loss, composed):
    check(composed("model=points", "data=gaussians", f"loss={loss}"))


@pytest.mark.parametrize("encoder", [encoder for encoder in names("encoder") if encoder != "none"])
@pytest.mark.parametrize("model", STYLISING)
def test_every_style_model_with_every_encoder(model, encoder, styled, tmp_path):
    path = tmp_path / "weights.pth"
    path.touch()  # read when it is first looked through
    own = [f"encoder.weights={path}"] if encoder == "vgg19_normalised" else []
    check(presume(styled(model, f"encoder={encoder}", *own)))


@pytest.mark.parametrize("loss", STYLE_LOSSES)
@pytest.mark.parametrize("model", STYLISING)
def test_every_style_loss_with_every_style_model(model, loss, styled):
    check(presume(styled(model, f"loss={loss}")))


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_pixels_are_learned_by_any_optimizer(optimizer, styled):
    check(styled("gatys", f"optimizer@model.optimizer={optimizer}"))


@pytest.mark.parametrize("model", ["adain", "sanet", "johnson"])
def test_a_term_is_switched_off_by_null(model, styled):
    cfg = styled(model, "model.terms.content=null")
    check(cfg)
    assert cfg.model.terms.style


@pytest.mark.parametrize("data", names("data"))
def test_every_data(data, composed, tmp_path, picture, paired):
    needed = {
        "folder": [f"data.root={tmp_path}"],
        "stream": [f"data.root={tmp_path}"],
        "gaussians": ["model=points"],
        "content_style": ["model=adain"],
        "image_pair": ["model=gatys", f"data.content={picture}", f"data.style={picture}"],
        "texture": ["model=texture", f"data.style={picture}"],
        "unpaired": ["model=cyclegan"],
        "paired": ["model=pix2pix", paired],
        "degraded": ["model=restorer"],
    }
    check(composed(f"data={data}", *needed.get(data, [])))


@pytest.mark.parametrize(
    "option",
    [f"{group}={name}" for group in ("schedule", "metrics", "trainer", "logger", "callbacks") for name in names(group)]
    + ["logger=[tensorboard,wandb]", "metrics=none"],
)
def test_every_option_of_the_other_groups(option, composed, tmp_path):
    (tmp_path / "weights.pth").touch()
    needed = {"metrics=backbone": [f"metrics.weights={tmp_path / 'weights.pth'}"], "callbacks=style": ["model=adain"]}
    needed |= {"metrics=fidelity": ["model=restorer"], "metrics=translation": ["model=cut"]}
    needed |= {"callbacks=translation": ["model=cyclegan"], "schedule=late_linear": ["model=cyclegan"]}
    check(composed(option, *needed.get(option, [])))


@pytest.mark.parametrize("experiment", names("experiment"))
def test_every_experiment(experiment, composed, tmp_path, request):
    needed = {"wikiart_wgan_gp_64": [f"data.root={tmp_path}"]}
    if experiment in ("adain_128", "sanet_128", "wct_128"):  # whose decoders begin with weights
        needed[experiment] = [f"encoder.weights={request.getfixturevalue('shared_data')}/weights/{SLIM_FILE}"]
    check(presume(composed(f"experiment={experiment}", *needed.get(experiment, []))))


@pytest.mark.parametrize(("model", "own"), [("dcgan", "NonSaturating"), ("wgan_gp", "Wasserstein"), ("sngan", "Hinge")])
def test_a_models_loss_is_its_own_until_the_command_line_says_otherwise(model, own, composed):
    assert composed(f"model={model}").model.objective._target_.endswith(own)
    assert composed(f"model={model}", "loss=least_squares").model.objective._target_.endswith("LeastSquares")


CLASSIFICATION = (
    "+model.discriminator_terms.classification={_target_: atelier.losses.classification.Classification, weight: 1}"
)
R1_TWICE = "+model.discriminator_terms.r1={_target_: atelier.losses.penalties.R1, weight: 1}"


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (["model.critic_steps=0"], r"model.critic_steps: must be >= 1, got 0"),
        (["model.critic_steps=many"], "model.critic_steps: expected int, got 'many'"),
        (["data.image_size=48"], r"image_size: must be a power of two >= 8, got 48 \(nearest: 32 or 64\)"),
        (["loss=wgan_gp"], r"norm must not be 'batch' with the penalty 'gradient_penalty'"),
        ([CLASSIFICATION], r"model: the term 'classification' needs a discriminator that can classify"),
        (
            ["loss=r1", R1_TWICE.replace("r1=", "adversarial=")],
            "model: penalties must have other names than 'adversarial'",
        ),
        (["loss=r1", R1_TWICE], "model.discriminator_terms: the loss has penalties of these names, too: r1"),
        (["model=gan", "seamless=true"], "seamless: must be false for a network without convolutions"),
        (["data=folder"], r"data.root: "),
        (["data=folder", "data.root=nowhere"], r"data.root: no such folder: 'nowhere'"),
        (["data=procedural", "data.label=colour"], "data.label: .*'style'.*'colour'"),
        (["metrics=inception", "metrics.weights=none.pth"], "metrics.weights: no such file: 'none.pth'"),
        (["+model.critic_stepz=2"], "model.critic_stepz: Gan takes no such argument; did you mean 'critic_steps'"),
        (["model.generator._target_=atelier.networks.dcgan.Generatr"], "did you mean '.*Generator'"),
    ],
)
def test_faults_are_found_before_anything_is_built(overrides, fault, composed):
    with pytest.raises(ConfigError, match=fault):
        check(composed(*overrides))


STYLE_WANTED = "this model wants the loss of a style transfer, such as loss=gram"


@pytest.mark.parametrize(
    ("model", "overrides", "fault"),
    [
        ("gatys", ["loss=hinge"], STYLE_WANTED),
        ("adain", ["loss=hinge"], STYLE_WANTED),
        ("adain", ["encoder=none"], r"encoder: expected Encoder"),
        ("adain", ["data=procedural"], r"data: gives Images, but ArbitraryStyle takes Pair; choose other data"),
        ("adain", ["encoder=vgg19_normalised"], r"encoder.weights: "),
        ("adain", ["encoder=vgg19_slim", "encoder.weights=nowhere"], r"weights: no such file: 'nowhere'"),
        ("adain", ["model.decoder.deepest=relu9_1"], r"deepest must be among .*got 'relu9_1'"),
        ("adain", ["+model.terms.style.taps.relu9_1=1"], r"model.terms: must be of taps among .*got \['relu9_1'\]"),
        ("adain", ["+model.terms.content.taps.relu3_1=1"], r"terms: a Goal must be of the tap relu4_1"),
        (
            "gatys",
            ["+model.objective.style.relu9_1=1"],
            r"model.objective.style: must be of taps among .*got 'relu9_1'",
        ),
        ("gatys", ["model.start=middle"], r"model.start: .*'content'.*'noise'.*'middle'"),
        ("wct", ["model.taps=[]"], r"model.taps: must be some of .*got \[\]"),
        ("multi_style", ["data.label=colour"], r"data.label: .*'picture'.*'colour'"),
    ],
)
def test_faults_of_style_models_are_one_clear_line_each(model, overrides, fault, styled):
    with pytest.raises(ConfigError, match=fault) as caught:
        check(presume(styled(model, *overrides)))
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    ("overrides", "fault"), [(["loss=gram"], "objective"), (["data=content_style"], "data: gives Pair")]
)
def test_gans_are_told_what_is_for_styles(overrides, fault, composed):
    with pytest.raises(ConfigError, match=fault):
        check(composed(*overrides))


def test_all_faults_come_in_one_message(composed):
    cfg = composed("model.critic_steps=x", "data.batch_size=y", "trainer.max_steps=z")
    with pytest.raises(ConfigError) as caught:
        check(cfg)
    assert len(caught.value.faults) == 3
