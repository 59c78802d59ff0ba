"""Where the tests of tests/gpu compute, and a tiny config of every shipped model."""

from models import FAMILIES, STYLISING, TRANSLATING

DEVICE, ACCELERATOR = "cuda", "gpu"

STEPS = [
    *("trainer.max_steps=4", "trainer.val_check_interval=2", "trainer.log_every_n_steps=1"),
    *(f"trainer.accelerator={ACCELERATOR}", "callbacks.progress=null"),
]
GAN = [
    *("data.count=120", "data.validation=0.2", "data.batch_size=4", "model.generator.width=4"),
    *("model.discriminator.width=4", "callbacks.samples.count=4"),
]
SCORED = ["metrics.count=20", "metrics.splits=2"]
"""For GANs of which scores are made at all."""
NARROW_STYLES = ["model.generator.max_width=8", "model.discriminator.max_width=8", "model.generator.latent_dim=8"]
PAIR = ["data.image_size=32", "data.batch_size=2", "data.content.count=20"]
NETWORK = ["model.network.width=4", "model.network.blocks=1"]
UNPAIRED = [
    *(
        "data.validation=0.2",
        "data.style.count=20",
        "model.generator.width=4",
        "model.generator.blocks=1",
        "model.discriminator.width=4",
    ),
    "model.discriminator.layers=1",
]
DAMAGED = [
    *("data=degraded", "data.image_size=32", "data.batch_size=2", "data.root.count=20", "model.generator.width=4"),
    *("model.discriminator.width=4", "model.discriminator.layers=1"),
]

SIZES = {"fastgan": 32}
"""Pixels of what is too deep for 16 of them."""

OWN = {
    "acgan": ["data.label=style"],
    "biggan": ["data.label=style"],
    "cgan_pd": ["data.label=style"],
    "stylegan2": [*NARROW_STYLES, "model.generator_terms.path_length.every=2"],
    "gatys": ["data.image_size=32", "data.content=PICTURE", "data.style=PICTURE"],
    "texture": ["data.image_size=32", "data.style=PICTURE"],
    "johnson": [*PAIR, *NETWORK, "data.style=PICTURE"],
    "multi_style": [*PAIR, *NETWORK, "data.style.count=4", "data.label=picture"],
    "adain": [*PAIR, "data.style.count=4"],
    "sanet": [*PAIR, "data.style.count=4"],
    "wct": [*PAIR, "data.style.count=4", "model.taps=[relu2_1,relu1_1]"],
    "cyclegan": [*PAIR, *UNPAIRED, "model.pool=3"],
    "cut": [*PAIR, *UNPAIRED, "model.taps=[pixels,down1]", "model.patches=8", "model.heads.width=4"],
    "pix2pix": [*DAMAGED, "degradation=sketch"],
    "restorer": [*DAMAGED, "degradation=super_resolution_x2"],
    "restorer_unet": [*DAMAGED, "degradation=inpainting"],
}
POINTS = ["experiment=grid", "data.count=1000"]

MODELS = [*FAMILIES, "points", *STYLISING, *TRANSLATING]


def words(model, picture):
    """What makes the model tiny; `picture` is a file, for those that cannot do without."""
    if model == "points":
        return [*POINTS, *STEPS]
    common = [*GAN, f"data.image_size={SIZES.get(model, 16)}"] if model in FAMILIES else []
    own = [word.replace("PICTURE", str(picture)) for word in OWN.get(model, [])]
    return [f"model={model}", *STEPS, *common, *own]
