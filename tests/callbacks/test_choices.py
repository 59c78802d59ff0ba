"""Which metrics fit which task and data."""

from types import SimpleNamespace

import pytest
from pytorch_lightning import LightningModule
from shrunk import Shrunk
from translating import CONTENTS, TARGETS, Data, Lighter, PairedPixels, unpaired

from atelier.callbacks.choices import KINDS, refuse_misfit, scoring_of
from atelier.config import check
from atelier.data.types import Images
from atelier.errors import ConfigError
from atelier.metrics.fidelity import Fidelity
from atelier.metrics.scores.catalogue import Options
from atelier.metrics.scoring import Scores
from atelier.metrics.translation import TranslationScores


class Drawing(LightningModule):
    def sample(self, count, generator=None): ...

    def numbered(self, seed, numbers, truncation=None): ...


OF = {
    Scores: lambda: Scores(Shrunk(), ["fid"], 10),
    TranslationScores: lambda: TranslationScores(Shrunk(), ["fid"], None, Options()),
    Fidelity: lambda: Fidelity(None, None, None),
}
PAIRED = Data(PairedPixels(CONTENTS, CONTENTS), TARGETS)
PICTURES = SimpleNamespace(batch=Images)
GENERATORS = "are of generators, and this model is none"
DOMAINS = "are of translations into the domain of other pictures, and there are none here"
COMPARISONS = "compare translations with their targets, and there are none here"


@pytest.mark.parametrize(
    ("metrics", "task", "data", "message"),
    [
        (Scores, Lighter(), PAIRED, f"metrics: {GENERATORS}: metrics=fidelity or metrics=translation"),
        (Scores, Lighter(), unpaired(), f"metrics: {GENERATORS}: metrics=translation"),
        (Scores, LightningModule(), unpaired(), f"metrics: {GENERATORS}: metrics=none"),
        (Fidelity, Lighter(), unpaired(), f"metrics: {COMPARISONS}: metrics=translation"),
        (Fidelity, Drawing(), PICTURES, f"metrics: {COMPARISONS}: metrics=embedded"),
        (TranslationScores, Drawing(), PICTURES, f"metrics: {DOMAINS}: metrics=embedded"),
        (TranslationScores, LightningModule(), unpaired(), f"metrics: {DOMAINS}: metrics=none"),
    ],
)
def test_metrics_of_something_else_are_refused_with_those_that_fit(metrics, task, data, message):
    with pytest.raises(ConfigError) as refused:
        refuse_misfit(scoring_of(OF[metrics](), 0), task, data)
    assert refused.value.faults == [message]


@pytest.mark.parametrize(
    ("metrics", "task", "data"),
    [
        (Scores, Drawing(), PICTURES),
        (TranslationScores, Lighter(), unpaired()),
        (TranslationScores, Lighter(), PAIRED),
        (Fidelity, Lighter(), PAIRED),
    ],
)
def test_metrics_that_fit_are_not_refused(metrics, task, data):
    refuse_misfit(scoring_of(OF[metrics](), 0), task, data)


def test_every_option_that_is_named_is_there(composed):
    for kind in KINDS.values():
        cfg = composed(f"metrics={kind.option}")
        check(cfg, rehearsed=["metrics"])
    assert composed("metrics=translation").metrics.scores[0] == "kid"
