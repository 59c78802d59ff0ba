from itertools import combinations

import pytest
import torch
from torch.nn.functional import interpolate

from atelier.errors import UserError
from atelier.metrics.extractors.base import Features
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.perceptual import Lpips
from atelier.metrics.scores.catalogue import SCORES
from atelier.metrics.scores.diversity import LpipsDiversity
from atelier.metrics.scoring import Scores

CPU = torch.device("cpu")
OF_ALEXNET = SCORES["lpips_diversity"]


@pytest.fixture(scope="module")
def lpips(tmp_path_factory):
    """Of AlexNet's shape and random weights: no file of the real ones is to be had everywhere."""
    from torchvision.models import alexnet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = alexnet()
    path = tmp_path_factory.mktemp("lpips") / "alexnet.pth"
    torch.save({f"features.{name}": value for name, value in network.features.state_dict().items()}, path)
    return Lpips("alex", str(path))


class Pictures:
    key, labels = "some", None

    def __len__(self):
        return 4

    def batches(self, size):
        yield pictures(4, seed=9)


class Published(EmbeddedExtractor):
    of_the_literature = True


@pytest.fixture
def prepare(lpips, monkeypatch, tmp_path):
    """Makes scores that are ready for images."""
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path))
    monkeypatch.setitem(SCORES, "lpips_diversity", lambda options: LpipsDiversity(lpips))

    def make(count=10, extractor=None):
        scores = Scores(extractor or EmbeddedExtractor(), ["fid", "lpips_diversity"], count)
        scores.prepare(Pictures(), CPU)
        return scores

    return make


def pictures(count, seed=0, size=(40, 48)):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=generator) * 255
    return interpolate(coarse, size, mode="bicubic").clamp(0, 255).byte()


def show(scores, images, batch=64):
    numbers = torch.arange(len(images))
    for some in numbers.split(batch):
        scores.update(images[some], some)
    return scores.compute()["lpips_diversity"]


def test_it_is_the_mean_over_all_pairs(prepare, lpips):
    images = pictures(10)
    found = show(prepare(), images)
    pairs = [float(lpips(images[[i]], images[[j]])) for i, j in combinations(range(10), 2)]
    assert found == pytest.approx(sum(pairs) / len(pairs), rel=1e-4)
    assert max(pairs) > 1.2 * min(pairs) > 0


def test_it_depends_on_neither_batches_nor_order_nor_the_call_before(prepare):
    scores, images = prepare(), pictures(10)
    alone = show(scores, images)
    assert show(scores, images, batch=3) == pytest.approx(alone, rel=1e-9)
    assert show(scores, images.flip(0), batch=9) == pytest.approx(alone, rel=1e-9)


def test_a_generator_that_has_collapsed_has_none(prepare):
    one = pictures(1)
    assert show(prepare(), one.expand(10, -1, -1, -1)) == pytest.approx(0, abs=1e-9)


def test_the_further_apart_the_images_the_more_there_is(prepare):
    one, others = pictures(1).float(), pictures(10, seed=1).float()
    mixed = [(one + share * (others - one)).round().byte() for share in (0.1, 0.3, 0.6, 1)]
    found = [show(prepare(), images) for images in mixed]
    assert found == sorted(found)
    assert found[-1] > 3 * found[0] > 0


def test_images_of_one_size_may_come_as_a_list(prepare):
    images = pictures(10)
    scores = prepare()
    scores.update([*images], torch.arange(10))
    assert scores.compute()["lpips_diversity"] == pytest.approx(show(prepare(), images), rel=1e-9)


def test_images_of_several_sizes_are_refused_in_one_batch_and_in_two(prepare):
    message = "lpips_diversity compares images of one size, got 48 x 40 and 64 x 40"
    wide = pictures(1, size=(40, 64))
    with pytest.raises(UserError, match=message):
        prepare().update([pictures(1)[0], wide[0]], torch.arange(2))
    scores = prepare()
    scores.update(pictures(1), torch.tensor([0]))
    with pytest.raises(UserError, match=message):
        scores.update(wide, torch.tensor([1]))


def test_the_smallest_images_are_those_that_the_network_can_see(prepare):
    assert show(prepare(), pictures(2, size=(31, 31))) > 0
    with pytest.raises(UserError, match="needs images of 31 pixels or more, got 64 x 30"):
        prepare().update(pictures(2, size=(30, 64)), torch.arange(2))


def test_its_name_is_its_own_under_every_extractor(prepare):
    for extractor in (EmbeddedExtractor(), Published()):
        scores = prepare(extractor=extractor)
        scores.update(pictures(10), torch.arange(10))
        assert set(scores.compute()) - {"fid", "embedded_frechet_distance"} == {"lpips_diversity"}


def test_the_extractor_has_no_part_in_it(prepare):
    class Blind(EmbeddedExtractor):
        def extract(self, images):
            return Features(torch.zeros(len(images), 160), None)

    images = pictures(10)
    assert show(prepare(extractor=Blind()), images) == show(prepare(), images)


def test_a_trainings_precision_changes_nothing(prepare):
    images = pictures(10)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = show(prepare(), images)
    assert found == show(prepare(), images)


def test_the_card_says_which_network_looked(prepare, lpips):
    card = prepare().card()
    assert card["lpips_backbone"] == "alex"
    assert card["lpips_sha256"] == lpips.digest
    assert card["extractor"] == "embedded"


def test_memory_is_that_of_one_image(prepare):
    scores = prepare(200)

    def held():
        accumulator = scores._accumulators[scores._evidence[1]]
        return sum(part.numel() for part in accumulator.metric_state.values())

    sizes = []
    for start in range(0, 200, 50):
        scores.update(pictures(50, seed=start), torch.arange(start, start + 50))
        sizes.append(held())
    assert len(set(sizes)) == 1


def test_missing_weights_are_known_before_the_training(monkeypatch, tmp_path):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    monkeypatch.setitem(SCORES, "lpips_diversity", OF_ALEXNET)
    (tmp_path / "alexnet-owt-7be5be79.pth").write_bytes(b"not it")
    with pytest.raises(UserError, match="alexnet: .* is not the published file"):
        Scores(EmbeddedExtractor(), ["fid", "lpips_diversity"], 10).fetch()
