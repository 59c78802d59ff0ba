"""`atelier score` of stylised pictures, each against its content and its style."""

import hashlib

import pytest
import torch
from scored import images, names, score
from torchmetrics.functional.image import structural_similarity_index_measure

from atelier import weights
from atelier.cli.scoring.transfers import MEASURES
from atelier.errors import UserError
from atelier.metrics.style.encoders import EmbeddedEncoder
from atelier.metrics.style.features import ContentDistance

CPU = torch.device("cpu")
OFFLINE = [
    "embedded_style_distance", "embedded_content_distance", "embedded_cfsd", "ssim", "colour_histogram_distance",
]  # fmt: skip


@pytest.fixture
def transfer(paint):
    """Two contents in each of two styles: `fake` may be painted anew."""
    content, style = (
        paint("content", ["cat.png", "dog.png"], (90, 70)),
        paint("style", ["wave.png", "night.png"], seed=1),
    )
    fake = paint("fake", [f"{one}_stylized_{two}.png" for one in ("cat", "dog") for two in ("night", "wave")], seed=2)
    return ["--content", content, "--style", style, "--fake", fake, "--size", 80]


def test_scores_of_style_transfer_are_those_of_each_picture_and_its_parents(transfer):
    found = score(*transfer)
    assert [*found["scores"]] == OFFLINE
    content, style, fake = (images(folder, 80) for folder in transfer[1:6:2])
    content, style = content[[0, 0, 1, 1]], style[[0, 1, 0, 1]]
    measure = ContentDistance(EmbeddedEncoder())
    measure.load(CPU)
    measure.update(content, style, fake)
    assert found["scores"]["embedded_content_distance"] == pytest.approx(
        measure.compute()["embedded_content_distance"], rel=1e-5
    )
    similarity = structural_similarity_index_measure(fake.float(), content.float(), data_range=255.0)
    assert found["scores"]["ssim"] == pytest.approx(float(similarity), rel=1e-5)


def test_its_card_has_the_protocol_of_every_measure_and_what_was_compared(transfer):
    card = score(*transfer)["card"]
    assert [*card["measures"]] == OFFLINE
    assert card["measures"]["embedded_cfsd"]["taps"] == ["relu3_1"]
    assert (card["resize"], card["generated_images"]) == ("all to 80 x 80, Lanczos", 4)
    assert len({card["content_key"], card["style_key"], card["fake_key"]}) == 3
    assert card["style"] == str(transfer[3])


def test_what_was_left_as_it_was_has_kept_all_its_content(paint):
    """And a copy of the style all of its style: with the same names in all folders, there is no grid."""
    content, style = paint("content", names(3), (90, 70)), paint("style", names(3), seed=1)
    found = score("--content", content, "--style", style, "--fake", content, "--size", 96)["scores"]
    assert found["embedded_content_distance"] == found["embedded_cfsd"] == 0
    assert found["ssim"] == pytest.approx(1, abs=1e-5)
    assert min(found["embedded_style_distance"], found["colour_histogram_distance"]) > 0
    found = score("--content", content, "--style", style, "--fake", style, "--size", 96)["scores"]
    assert found["embedded_style_distance"] == found["colour_histogram_distance"] == 0
    assert min(found["embedded_content_distance"], found["embedded_cfsd"]) > 0


def test_measures_are_chosen_by_the_names_of_their_scores(transfer, alexnet):
    found = score(*transfer, "--measures", "artfid_embedded, lpips")
    assert [*found["scores"]] == ["artfid_embedded", "artfid_embedded_frechet_distance", "lpips"]
    whole, distance, lost = found["scores"].values()
    assert whole == pytest.approx((1 + lost) * (1 + distance), rel=1e-6)
    digest = hashlib.sha256(alexnet.read_bytes()).hexdigest()
    assert found["card"]["measures"]["lpips"]["weights_sha256"] == digest


def test_every_measure_has_the_name_that_it_is_chosen_by():
    for name, make in MEASURES.items():
        assert make(lambda network, *arguments: network(*arguments)).name == name


def test_weights_that_are_missing_are_told_of_before_any_picture_is_read(transfer, monkeypatch, tmp_path):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    weights.path_of("vgg19").write_bytes(b"not it")
    (transfer[5] / "cat_stylized_wave.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="vgg19: .* is not the published file"):
        score(*transfer, "--measures", "ssim,cfsd")


def test_what_of_a_transfer_cannot_be_scored_is_named(transfer, paint):
    with pytest.raises(
        UserError, match=r"--measures: there is no 'lpip'; there are artfid, .*; did you mean 'lpips'\?"
    ):
        score(*transfer, "--measures", "ssim,lpip")
    with pytest.raises(UserError, match="--measures: must be some of artfid,"):
        score(*transfer, "--measures", ",")
    (transfer[3] / "wave.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"--style: .*style/wave\.png cannot be used \(not an image\)"):
        score(*transfer)
    paint("fake", ["cow_stylized_wave.png"])
    with pytest.raises(UserError, match=r"cow_stylized_wave\.png has no content and style"):
        score(*transfer)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "--real, or --content and --style: one of the two must be given beside --fake, and not both"),
        ("--real x --content x --style x", "--real, or --content and --style: .* not both"),
        ("--real x --style x", "--real, or --content and --style: .* not both"),
        ("--content x", "--style: must be given too, beside --content$"),
        ("--style x", "--content: must be given too, beside --style$"),
        ("--real x --size 96", "--size: belongs to --content and --style, and has no meaning with --real"),
        ("--content x --style x --seed 0", "--seed: belongs to --real, and has no meaning with --content and --style"),
    ],
)
def test_it_is_one_way_or_the_other(words, message):
    with pytest.raises(UserError, match=message):
        score("--fake", "x", *words.split())
