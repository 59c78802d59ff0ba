"""Every shipped config of what translates and restores composes, and nothing is found wrong with it."""

import pytest
from models import CONF, LOSSES, TRANSLATING, names
from omegaconf import OmegaConf

from atelier import run
from atelier.config import check
from atelier.errors import ConfigError
from atelier.labels import presume


@pytest.fixture
def translating(composed, paired):
    """Composes the config of a model that translates, with the pictures that it cannot do without."""

    def compose(model, *overrides):
        makes_pairs = any(option.startswith(("data=", "data.root=")) for option in overrides)
        own = [paired] if model == "pix2pix" and not makes_pairs else []
        return composed(f"model={model}", *own, *overrides)

    return compose


@pytest.mark.parametrize("model", TRANSLATING)
@pytest.mark.parametrize("size", [64, 128, 256])
def test_every_translating_model_at_every_size(model, size, translating):
    check(presume(translating(model, f"data.image_size={size}")))


@pytest.mark.parametrize("model", TRANSLATING)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_with_every_translating_model(model, loss, translating):
    check(presume(translating(model, f"loss={loss}")))


@pytest.mark.parametrize("augment", names("augment"))
@pytest.mark.parametrize("model", TRANSLATING)
def test_every_augmentation_with_every_translating_model(model, augment, translating):
    """A discriminator of pairs refuses it, and sees pictures alone for the asking."""
    alone = ["model.discriminator.inputs=3"] if model == "pix2pix" else []
    check(presume(translating(model, f"augment={augment}", *alone)))


@pytest.mark.parametrize("degradation", names("degradation"))
@pytest.mark.parametrize("model", ["pix2pix", "restorer", "restorer_unet"])
def test_every_degradation_with_every_model_of_pairs(model, degradation, translating):
    check(presume(translating(model, "data=degraded", f"degradation={degradation}")))


ENLARGED = [name for name in names("degradation") if OmegaConf.load(CONF / "degradation" / f"{name}.yaml").scale > 1]


@pytest.mark.parametrize("degradation", ENLARGED)
def test_a_network_that_does_not_enlarge_is_told_in_one_line(degradation, translating, tmp_path):
    """When pictures are at hand, for their sizes are those of the data."""
    cfg = translating("restorer_unet", f"degradation={degradation}", "data.image_size=32", "data.root.count=10")
    cfg.model.generator.width = cfg.model.discriminator.width = 4
    drawn = 32 // cfg.degradation.scale
    with pytest.raises(ConfigError, match=f"model.generator: draws pictures of {drawn} .* targets have 32") as caught:
        run.fit(cfg, tmp_path / "run", {})
    assert len(caught.value.faults) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", ["pix2pix", "cut"])
def test_pictures_too_small_for_the_discriminator_are_refused_before_anything_is_run(model, translating, tmp_path):
    """Its three layers leave 16 pixels not one place to judge."""
    folder, few = tmp_path / "run", ["data.content.count=10", "data.style.count=10", "model.generator.blocks=1"]
    options = ["data=degraded", "data.root.count=10"] if model == "pix2pix" else few
    cfg = translating(model, *options, "data.image_size=16", "metrics=none", "trainer.accelerator=cpu")
    cfg.model.generator.width = cfg.model.discriminator.width = 4
    if model == "cut":
        cfg.model.taps = ["pixels", "down1"]
    with pytest.raises(ConfigError, match="image_size: must be at least 24, for this model's discriminator, got 16"):
        run.fit(cfg, folder, {})
    assert not folder.exists()
    cfg.model.terms.adversarial = None  # then nobody judges
    cfg.trainer.max_steps = 1
    run.fit(cfg, folder, {})


def test_degradations_that_enlarge_are_known():
    assert ENLARGED == ["super_resolution_x2", "super_resolution_x4"]


TERMS = {
    "pix2pix": ["adversarial", "reconstruction"],
    "cyclegan": ["adversarial", "cycle", "identity"],
    "cut": ["adversarial", "contrastive", "identity"],
    "restorer": ["adversarial", "perceptual", "reconstruction"],
    "restorer_unet": ["adversarial", "perceptual", "reconstruction"],
}


@pytest.mark.parametrize(("model", "term"), [(model, term) for model, terms in TERMS.items() for term in terms])
def test_each_term_of_a_translating_model_is_switched_off_by_null(model, term, translating):
    cfg = translating(model, f"model.terms.{term}=null")
    check(cfg)
    assert {name for name, node in cfg.model.terms.items() if node} == {*TERMS[model]} - {term}


@pytest.mark.parametrize("model", TRANSLATING)
def test_some_term_is_left(model, translating):
    with pytest.raises(ConfigError, match="model: terms must have one at least of every step .*got none") as caught:
        check(translating(model, *(f"model.terms.{term}=null" for term in TERMS[model])))
    assert len(caught.value.faults) == 1


CLASSIFICATION = "+loss.penalties.classification={_target_: atelier.losses.classification.Classification, weight: 1}"
CYCLE = "+model.terms.cycle={_target_: atelier.losses.translation.Cycle, weight: 10}"


@pytest.mark.parametrize(
    ("model", "overrides", "fault"),
    [
        ("cyclegan", ["data=degraded"], "data: gives Paired, but CycleGan takes Pair; choose other data"),
        ("cut", ["data=procedural"], "data: gives Images, but Cut takes Pair; choose other data"),
        ("pix2pix", ["data=unpaired"], "data: gives Pair, but PairedTranslation takes Paired; choose other data"),
        ("pix2pix", ["data=paired"], "data.root: must be a folder of side-by-side pictures, or data.content and data."),
        ("pix2pix", [CYCLE], "terms.cycle must be null: it reads pictures translated back, and a PairedTranslation"),
        ("cut", [CYCLE], "terms.cycle must be null: it reads pictures translated back, and a Cut has none"),
        ("pix2pix", ["augment=ada"], "discriminator.inputs must be 3 with an augmentation, .*, got 6"),
        ("cut", ["model.taps=[pixels,deep]"], r"taps: must be among the generator's \['pixels', .*, got \['deep'\]"),
        ("cut", ["model.patches=1"], "model.patches: must be >= 2, got 1"),
        ("cyclegan", ["model.pool=-1"], "size must be >= 0, got -1"),
        ("cyclegan", [CLASSIFICATION], "model: the term 'classification' needs a discriminator that can classify"),
        ("cyclegan", ["+model.discriminator.inputs=6"], "discriminator.inputs must be 3 where there are no pairs"),
        (
            "restorer",
            ["degradation=super_resolution_x2", "+model.discriminator.inputs=6"],
            "model: discriminator.inputs must be 3 where pictures are enlarged, got 6",
        ),
        ("restorer", ["encoder=none"], "encoder: expected Encoder or null"),
        ("restorer", ["+model.terms.perceptual.taps.relu9_1=1"], r"terms: must be of taps among .*, got \['relu9_1'\]"),
        ("restorer_unet", ["data.image_size=100"], r"data.image_size: must be a power of two >= 8, got 100"),
        ("restorer", ["loss=wgan_gp", "+model.discriminator.norm=batch"], "norm must not be 'batch' with the penalty"),
    ],
)
def test_faults_of_translating_models_are_one_clear_line_each(model, overrides, fault, translating):
    with pytest.raises(ConfigError, match=fault) as caught:
        check(presume(translating(model, *overrides)))
    assert len(caught.value.faults) == 1
