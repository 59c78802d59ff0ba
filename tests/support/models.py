"""Which of the shipped models are what."""

from pathlib import Path

CONF = Path(__file__).parents[2] / "conf"

STYLISING = ("gatys", "texture", "johnson", "multi_style", "adain", "sanet", "wct")
TRANSLATING = ("pix2pix", "cyclegan", "cut", "restorer", "restorer_unet")

FAMILIES = sorted({path.stem for path in (CONF / "model").glob("*.yaml")} - {"points", *STYLISING, *TRANSLATING})
"""Of GANs for pictures."""


def names(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


STYLE_LOSSES = ("gram", "moments", "wasserstein", "sliced")
LOSSES = [loss for loss in names("loss") if loss not in STYLE_LOSSES]
