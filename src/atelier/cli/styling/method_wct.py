"""`atelier stylize wct`: by the distilled VGG-19 and the decoders that were trained with it."""

from atelier import encoders
from atelier.cli.devices import device
from atelier.cli.styling.encoder_choice import ready, refuse_absent
from atelier.cli.styling.faults import told_of
from atelier.cli.styling.settings import Chosen, Settings
from atelier.errors import UserError
from atelier.networks.slim import LEVELS, SlimDecoder
from atelier.networks.transforms.wct import WCT
from atelier.stylize.levels import Levels
from atelier.tasks.level import Level


def wct(settings: Settings) -> Chosen:
    """Raises UserError for another encoder, and for a file that is not at hand or another network's."""
    if settings.encoder not in (None, "vgg19_slim"):
        raise UserError("--encoder: wct has trained decoders for vgg19_slim alone; `model=wct` trains others")
    path = encoders.slim_path(None if settings.weights is None else str(settings.weights))
    refuse_absent(path)
    levels = []
    with told_of(weights=path):
        for level in reversed(LEVELS):
            encoder = ready(encoders.vgg19_slim(str(path) if settings.weights else None, level))
            transform = WCT(f"relu{level}_1")
            levels.append(Level(encoder, transform, SlimDecoder.pretrained(path, level)).to(device()))
    return Chosen(Levels("wct", levels, settings.memory), {"encoder": "vgg19_slim"})
