"""What a method's scores and costs are, and of which weights."""

import json
from pathlib import Path

import pytest
import torch
from boards import contest, run

from atelier.cli.board.contest import Contest, entrants
from atelier.cli.board.grid import Grid
from atelier.cli.board.scoring import Scorer
from atelier.cli.board.usage import Usage
from atelier.cli.digests import digest
from atelier.cli.scoring import transfers
from atelier.cli.styling.methods import method_of
from atelier.cli.styling.settings import Settings
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.style.artfid import ArtFid

CPU = torch.device("cpu")


class NoLpips:
    """The mean difference of pixels, in the place of LPIPS, whose weights are a download."""

    architecture, digest = "alex", "none"

    def fetch(self):
        pass

    def load(self, device):
        pass

    def __call__(self, first, second):
        return (first.float() - second.float()).abs().mean((1, 2, 3)) / 255


def test_artfid_is_drawn_with_both_of_its_factors(pictures, adain, monkeypatch, tmp_path):
    monkeypatch.setitem(transfers.MEASURES, "artfid_embedded", lambda have: ArtFid(EmbeddedExtractor(), NoLpips()))
    made = contest(pictures, [adain], tmp_path / "out", ["artfid_embedded"])
    whole, distance = made.rows[0].scores.values()
    words = ["--content", pictures[0], "--style", pictures[1], "--fake", tmp_path / "out" / "adain", "--size", 80]
    expected = json.loads(run("score", *words, "--measures", "artfid_embedded", "--json").stdout)["scores"]
    assert {"artfid_embedded": whole.value, "artfid_embedded_frechet_distance": distance.value} == expected
    assert whole.low < whole.value < whole.high
    lost = whole.drawn / (1 + distance.drawn) - 1
    assert float(lost.mean()) == pytest.approx(whole.value / (1 + distance.value) - 1, rel=0.05)


def test_a_scorer_starts_anew_with_every_method(pictures, held):
    scorer = Scorer(["ssim"], Grid(*pictures, 80))
    found = [scorer.scores(held[0] / name, ["night", "wave"])["ssim"].value for name in ("adain", "gatys", "adain")]
    assert found[0] == found[2] != found[1]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_usage_sees_what_a_block_holds_and_what_went_before_it():
    usage = Usage(CPU)
    weights = torch.ones(8 << 20)  # 32 MiB
    taken = []
    with usage.watched(taken):
        work = torch.ones(4 << 20)
    assert len(taken) == 1
    assert 44 << 20 < usage.peak < 60 << 20
    del work, weights


def test_a_digest_is_that_of_the_weights(adain, make_style_run):
    first, again = (digest(method_of(str(adain), Settings(2 << 30)).method.modules) for _ in range(2))
    assert first == again
    method = method_of(str(adain), Settings(2 << 30)).method
    next(iter(method.levels[0].decoder.parameters())).data[0] += 1
    changed = digest(method.modules)
    method = method_of(str(adain), Settings(2 << 30)).method
    next(iter(method.levels[0].encoder.network.parameters())).data[0] += 1
    assert len({first, changed, digest(method.modules)}) == 3


def test_published_weights_enter_by_name(pictures, shared_data):
    weights = shared_data / "weights" / "wct16x_all.safetensors"
    made = Contest(*pictures, 80, ["ssim"], Settings(2 << 30, weights=weights), 0)
    made.hold(entrants(["wct"]), None)
    assert made.rows[0].card["encoder"] == "vgg19_slim"
    assert -1 < made.rows[0].scores["ssim"].value < 0.95
