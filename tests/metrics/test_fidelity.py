import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close
from torchmetrics.functional.image import peak_signal_noise_ratio
from translating import coloured

from atelier.errors import UserError
from atelier.metrics import fidelity
from atelier.metrics.fidelity import Fidelity, Perceptual, enlarge
from atelier.metrics.style.encoders import EmbeddedEncoder
from atelier.metrics.style.pictures import LpipsDistance


def flat(*levels, size=8):
    return torch.tensor(levels, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, size, size)


def off(pixels, levels):
    """Every colour of picture i off by levels[i], whether that is up or down."""
    wide, by = pixels.int(), torch.tensor(levels).view(-1, 1, 1, 1)
    return torch.where(wide > 127, wide - by, wide + by).byte()


def prepared(pictures=100, perceptual=None, count=None, side=8):
    found = Fidelity(perceptual, None, count)
    found.expect(pictures, side)
    found.prepare(torch.device("cpu"))
    return found


def scored(content, result, target, **options):
    scores = prepared(**options)
    scores.update(content, result, target)
    return scores.compute()


def decibels(first, second):
    error = np.mean((first.numpy().astype(float) - second.numpy().astype(float)) ** 2)
    return 20 * math.log10(255) - 10 * math.log10(error)


def test_psnr_is_the_mean_of_the_pictures_own():
    target = coloured(3, 0)
    result = off(target, [1, 10, 50])
    found = scored(target, result, target)
    each = [20 * math.log10(255 / levels) for levels in (1, 10, 50)]
    assert found["psnr"] == pytest.approx(sum(each) / 3, rel=1e-12)
    assert found["rmse"] == pytest.approx((1 + 10 + 50) / 3, rel=1e-12)
    pooled = float(peak_signal_noise_ratio(result.float(), target.float(), data_range=255.0))
    assert abs(found["psnr"] - pooled) > 5  # which the worst picture rules


@pytest.mark.parametrize("seed", range(3))
def test_psnr_is_that_of_its_definition_and_of_torchmetrics(seed):
    target, result = coloured(1, seed), coloured(1, seed + 10)
    found = scored(target, result, target)["psnr"]
    assert found == pytest.approx(decibels(result[0], target[0]), rel=1e-9)
    theirs = peak_signal_noise_ratio(result.float(), target.float(), data_range=255.0)
    assert found == pytest.approx(float(theirs), rel=1e-5)


def test_equal_pictures_are_better_than_any_others_and_not_infinite():
    target = coloured(1, 0)
    nearly = target.clone()
    nearly[0, 1, 2, 3] += 1 if nearly[0, 1, 2, 3] < 255 else -1
    nearer, equal = (scored(target, result, target)["psnr"] for result in (nearly, target))
    assert equal == pytest.approx(nearer, rel=1e-12)
    assert equal == pytest.approx(20 * math.log10(255) + 10 * math.log10(target.numel()), rel=1e-12)
    assert scored(target, target, target)["rmse"] == 0


def test_ssim_of_flat_pictures_is_that_of_their_means():
    found = scored(flat(100), flat(200), flat(100))
    small = (0.01 * 255) ** 2
    assert found["ssim"] == pytest.approx((2 * 100 * 200 + small) / (100**2 + 200**2 + small), abs=1e-3)


def test_ssim_is_symmetric_and_one_of_a_picture_with_itself():
    first, second = coloured(2, 0, 16), coloured(2, 1, 16)
    there, back = (scored(target, result, target)["ssim"] for result, target in ((first, second), (second, first)))
    assert there == pytest.approx(back, abs=1e-6)
    assert there < 0.9
    assert scored(first, first, first)["ssim"] == pytest.approx(1, abs=1e-6)


def test_what_was_there_before_has_the_same_scores_under_its_own_name():
    target = coloured(3, 0)
    content, result = off(target, [20, 30, 40]), off(target, [1, 2, 3])
    found = scored(content, result, target)
    swapped = scored(result, content, target)
    for name in ("rmse", "psnr", "ssim"):
        assert found[f"input_{name}"] == swapped[name]
        assert found[name] == swapped[f"input_{name}"]
    assert found["psnr"] > found["input_psnr"] + 10
    assert found["rmse"] < found["input_rmse"]


@pytest.mark.parametrize("times", [2, 4])
def test_smaller_contents_are_enlarged_as_pillow_does_it(times):
    content, target = coloured(2, 0, 12), coloured(2, 1, 12 * times)
    theirs = [
        Image.fromarray(picture.permute(1, 2, 0).numpy()).resize((12 * times,) * 2, Image.Resampling.BICUBIC)
        for picture in content
    ]
    expected = torch.from_numpy(np.stack([np.asarray(picture) for picture in theirs])).permute(0, 3, 1, 2)
    ours = enlarge(content, 12 * times, 12 * times)
    assert_close(ours.int(), expected.int(), rtol=0, atol=1)  # Pillow rounds between rows and columns as well
    found = scored(content, target, target)
    by_hand = [decibels(*pair) for pair in zip(ours, target, strict=True)]
    assert found["input_psnr"] == pytest.approx(np.mean(by_hand), rel=1e-9)


def test_enlarging_overshoots_no_level_and_leaves_what_is_large_enough_alone():
    edge = torch.tensor([0, 255], dtype=torch.uint8).repeat_interleave(6).expand(1, 3, 12, 12).contiguous()
    larger = enlarge(edge, 24, 24)
    assert larger.dtype == torch.uint8
    assert larger[..., :11].max() < 20  # nothing wrapped around
    assert larger[..., 13:].min() > 235
    assert enlarge(edge, 12, 12) is edge


def test_scores_depend_on_neither_batches_nor_the_call_before():
    target, result = coloured(7, 0), coloured(7, 1)
    content = coloured(7, 2, 4)
    alone, scores = scored(content, result, target), prepared()
    scores.update(target, content.repeat(1, 1, 2, 2), result)
    assert scores.compute()["psnr"] != pytest.approx(alone["psnr"], rel=1e-3)
    for some in torch.arange(7).split(3):
        scores.update(content[some], result[some], target[some])
    assert scores.compute() == pytest.approx(alone, rel=1e-6)


def test_the_monitor_falls_where_psnr_rises():
    target = coloured(2, 0)
    better, worse = (scored(target, off(target, [levels] * 2), target) for levels in (3, 9))
    monitor = Fidelity.monitor
    assert better[monitor] < worse[monitor]
    assert better["psnr"] > worse["psnr"]


def test_the_embedded_network_compares_what_it_sees():
    target, result = coloured(2, 0, 32), coloured(2, 1, 32)
    found = scored(result, result, target, perceptual="embedded")
    encoder = EmbeddedEncoder()
    encoder.load(torch.device("cpu"))
    seen = [encoder.taps(images, ["relu4_1"])["relu4_1"] for images in (result, target)]
    assert found["embedded_content_distance"] == pytest.approx(float((seen[0] - seen[1]).square().mean()), rel=1e-4)
    assert found["input_embedded_content_distance"] == found["embedded_content_distance"] > 0


class Colours:
    """In place of LPIPS, whose weights are not everywhere."""

    architecture, digest = "alex", "1" * 64

    def fetch(self): ...

    def load(self, device): ...

    def __call__(self, first, second):
        return (first.float() - second.float()).abs().mean((1, 2, 3))


def test_lpips_is_of_the_results_and_of_the_contents(monkeypatch):
    both = LpipsDistance(Colours()), LpipsDistance(Colours())
    monkeypatch.setitem(fidelity.PERCEPTUAL, "alex", lambda weights: Perceptual(both, 31))
    target = coloured(2, 0, 32)
    found = scored(off(target, [20, 30]), off(target, [1, 2]), target, perceptual="alex", side=32)
    assert found["lpips"] == pytest.approx(1.5)
    assert found["input_lpips"] == pytest.approx(25)


@pytest.mark.parametrize(("network", "name", "smallest"), [("alex", "lpips", 31), ("vgg", "lpips_vgg", 16)])
def test_pictures_that_lpips_cannot_see_are_refused(network, name, smallest):
    Fidelity(network, None, None).expect(10, smallest)
    with pytest.raises(UserError, match=f"metrics.perceptual: {name} needs pictures of {smallest} pixels or more, got"):
        Fidelity(network, None, None).expect(10, smallest - 1)


def test_the_card_names_the_protocol_and_how_many_pictures():
    card = prepared(pictures=20, count=12, perceptual="embedded").card()
    expected = {"input": "uint8, rounded", "mean": "over pictures, of each picture's score", "pictures": 12}
    assert expected.items() <= card.items()
    assert [*card["measures"]] == ["rmse", "psnr", "ssim", "embedded_content_distance"]
    assert "data range 255" in card["measures"]["psnr"]["input"]
    assert prepared(pictures=5, count=12).card()["pictures"] == prepared(pictures=5).card()["pictures"] == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("alexnet", None, None), r"perceptual must be one of \['embedded', 'alex', 'vgg', 'squeeze', None\], got"),
        (("embedded", "file.pth", None), "weights must not be given with embedded"),
        ((None, "file.pth", None), "weights must not be given without perceptual"),
        ((None, None, 0), "count must be >= 1 or null, got 0"),
    ],
)
def test_what_means_nothing_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Fidelity(*arguments)
