"""`atelier stylize gatys`: a picture whose pixels are learned, each anew."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from atelier.cli.devices import device
from atelier.cli.styling.encoder_choice import EMBEDDED_INSTEAD, encoder_of, file_of, ready
from atelier.cli.styling.faults import told_of
from atelier.cli.styling.settings import Chosen, Settings
from atelier.cli.trained import given
from atelier.errors import UserError
from atelier.losses.content import ContentDistance
from atelier.losses.style import Gram, MeanDeviation, StyleDistance, Wasserstein
from atelier.losses.style_sliced import Sliced
from atelier.stylize.gatys import PixelSearch
from atelier.tasks.adversarial import OptimizerFactory
from atelier.tasks.picture_objective import PictureObjective
from atelier.wording import did_you_mean, listed

STYLE_TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STEPS, STYLE_WEIGHT, VARIATION_WEIGHT = 300, 100.0, 0.02
HISTORY = 20
"""Steps that L-BFGS remembers: two gradients' worth each, beside some ten that it works with."""

DISTANCES: dict[str, Callable[[], StyleDistance[Any]]] = {
    "gram": Gram,
    "moments": MeanDeviation,
    "wasserstein": Wasserstein,
    "sliced": Sliced,
}
"""As the options of `loss` are called."""


def gatys(settings: Settings) -> Chosen:
    """Raises UserError for an encoder whose weights are not at hand, and for a distance or a weight that is none."""
    for option in ("style_weight", "variation_weight"):
        weight = getattr(settings, option)
        if weight is not None and not 0 <= weight < math.inf:
            raise UserError(f"--{option.replace('_', '-')}: must be a finite number, at least 0, got {weight}")
    encoder, distance = _encoder(settings), settings.distance or "gram"
    if distance not in DISTANCES:
        guess = did_you_mean(distance, DISTANCES)
        raise UserError(f"--distance: must be one of {listed(DISTANCES)}, got {distance!r}{guess}")
    style_weight = STYLE_WEIGHT if settings.style_weight is None else settings.style_weight
    variation_weight = VARIATION_WEIGHT if settings.variation_weight is None else settings.variation_weight
    objective = PictureObjective(
        encoder,
        ContentDistance(),
        DISTANCES[distance](),
        content={"relu4_2": 1.0},
        style={tap: 1 / len(STYLE_TAPS) for tap in STYLE_TAPS},
        style_weight=style_weight,
        variation_weight=variation_weight,
    ).to(device())
    optimizer, kept = _optimizer(distance)
    steps = settings.steps or STEPS
    method = PixelSearch(objective, optimizer, steps, None, settings.memory, kept, told=settings.told)
    unusual = given(
        distance=settings.distance, style_weight=settings.style_weight, variation_weight=settings.variation_weight
    )
    note = {"encoder": encoder.name, "steps": steps, **unusual}
    return Chosen(method, note, steps=steps, draws=distance == "sliced")


def _encoder(settings: Settings) -> Any:
    encoder = encoder_of(settings)
    whose = "; --encoder says whose weights they are" if settings.encoder is None else ""
    hint = EMBEDDED_INSTEAD if settings.weights is None else whose
    try:
        with told_of(hint, weights=file_of(encoder, settings)):
            return ready(encoder)
    except UserError as error:
        if settings.weights is not None or str(error).startswith("--"):
            raise
        raise UserError(f"--encoder: {error}{EMBEDDED_INSTEAD}") from error  # of a download that failed


def _optimizer(distance: str) -> tuple[OptimizerFactory, int]:
    """What learns the pixels, and how many gradients' worth it remembers.

    Sliced distances draw their directions anew at every look, by which no line can be searched.
    """
    if distance == "sliced":
        return partial(torch.optim.Adam, lr=0.05), 2
    search = partial(torch.optim.LBFGS, max_iter=1, max_eval=25, history_size=HISTORY, line_search_fn="strong_wolfe")
    return search, 2 * HISTORY + 10
