import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchmetrics.functional.image import structural_similarity_index_measure
from typer.testing import CliRunner

from atelier import weights
from atelier.cli.main import app
from atelier.cli.sample import sample
from atelier.cli.transfers import MEASURES
from atelier.errors import UserError
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.frechet import Factored, frechet_distance
from atelier.metrics.perceptual import Lpips
from atelier.metrics.style.encoders import EmbeddedEncoder
from atelier.metrics.style.features import ContentDistance

CPU = torch.device("cpu")
OFFLINE = [
    "embedded_content_distance", "embedded_style_distance", "embedded_cfsd", "ssim", "colour_histogram_distance",
]  # fmt: skip


@pytest.fixture
def paint(tmp_path):
    """Writes smooth pictures of given names and sizes (width, height) into a folder; gives that folder."""

    def write(folder, names, size=(80, 80), seed=0):
        for number, name in enumerate(names):
            coarse = np.random.default_rng([seed, number]).integers(0, 256, (5, 5, 3), dtype=np.uint8)
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
        return tmp_path / folder

    return write


@pytest.fixture
def alexnet(monkeypatch, tmp_path):
    """AlexNet's file where weights are kept, of its shape and random."""
    from torchvision.models import alexnet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = {f"features.{name}": part for name, part in alexnet().features.state_dict().items()}
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    path = weights.path_of("alexnet")
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(weights.PUBLISHED, "alexnet", replace(weights.PUBLISHED["alexnet"], sha256=digest))
    return path


def score(*words):
    """What `atelier score WORDS --json` prints, which must be one object and nothing else."""
    result = CliRunner().invoke(app, ["score", *map(str, words), "--json"])
    if result.exception:
        raise result.exception
    return json.loads(result.stdout)


def names(count):
    return [f"{number}.png" for number in range(count)]


def images(folder, size=None):
    """uint8 (N, 3, H, W), by Pillow alone."""
    opened = [Image.open(path).convert("RGB") for path in sorted(folder.rglob("*.png"))]
    resized = [picture.resize((size, size), Image.Resampling.LANCZOS) if size else picture for picture in opened]
    return torch.stack([torch.tensor(np.array(picture)).permute(2, 0, 1) for picture in resized])


def test_a_folder_against_itself_is_at_no_distance(paint):
    folder = paint("some", names(20))
    found = score("--real", folder, "--fake", folder, "--scores", "fid,kid,precision_recall")
    assert set(found) == {"scores", "card"}
    assert found["scores"]["embedded_frechet_distance"] == pytest.approx(0, abs=1e-4)
    assert found["scores"]["embedded_precision"] == found["scores"]["embedded_recall"] == 1
    card = found["card"]
    assert (card["extractor"], card["resize"], card["real_images"], card["generated_images"]) == (
        "embedded", "antialias", 20, 20,
    )  # fmt: skip
    assert card["real_key"] == card["fake_key"]


def test_two_folders_are_at_the_distance_of_their_features(paint):
    real, fake = paint("real", names(70)), paint("fake", names(30), seed=1)
    found = score("--real", real, "--fake", fake, "--scores", "fid")["scores"]
    extractor = EmbeddedExtractor()
    extractor.load(CPU)
    expected = frechet_distance(*(Factored.of(extractor(images(folder)).pooled) for folder in (real, fake)))
    assert expected > 0.1
    assert found == {"embedded_frechet_distance": pytest.approx(expected, rel=1e-6)}


def test_pictures_may_be_of_any_sizes(paint):
    """Each is resized by itself: pictures of one size give the same in whichever order and company they come."""
    real = paint("real", names(10))
    paint("mixed", ["a.png", "b.png", "c.png"], (60, 90))
    fake = paint("mixed", ["d.png", "e.png"], (120, 70), seed=1)
    found = score("--real", real, "--fake", fake, "--scores", "fid")["scores"]["embedded_frechet_distance"]
    extractor = EmbeddedExtractor()
    extractor.load(CPU)
    pictures = [torch.tensor(np.array(Image.open(path))).permute(2, 0, 1)[None] for path in sorted(fake.iterdir())]
    features = torch.cat([extractor(picture).pooled for picture in pictures])
    expected = frechet_distance(Factored.of(extractor(images(real)).pooled), Factored.of(features))
    assert found == pytest.approx(expected, rel=1e-6)


def test_sub_folders_are_the_classes_of_intra_scores(paint):
    for folder, seed in (("real", 0), ("fake", 1)):
        for number, name in enumerate(("sea", "sky")):
            paint(f"{folder}/{name}", names(12), seed=[seed, number])
    real, fake = paint("real/sea", []), paint("fake/sea", [])
    found = score("--real", real.parent, "--fake", fake.parent, "--scores", "fid,intra_fid")["scores"]
    alone = score("--real", real, "--fake", fake, "--scores", "fid")["scores"]["embedded_frechet_distance"]
    intra = {name: found[f"embedded_intra_frechet_distance/{name}"] for name in ("sea", "sky")}
    assert intra["sea"] == pytest.approx(alone, rel=1e-6)
    assert found["embedded_intra_frechet_distance"] == pytest.approx(sum(intra.values()) / 2, rel=1e-6)


def test_folders_without_classes_have_no_intra_scores(paint):
    folder = paint("some", names(5))
    with pytest.raises(UserError, match="intra_fid needs classes: .* or a folder has them as sub-folders"):
        score("--real", folder, "--fake", folder, "--scores", "fid,intra_fid")


def test_intra_scores_are_of_classes_that_both_sides_have(paint, labelled):
    real = paint("real", [f"{name}/{i}.png" for name in ("sea", "sky") for i in range(3)])
    strange = paint("strange", [f"moor/{i}.png" for i in range(6)])
    intra = ("--scores", "fid,intra_fid")
    with pytest.raises(UserError, match=r"--fake: its sub-folders must be among those of --real.*\['sea', 'sky'\]"):
        score("--real", real, "--fake", strange, *intra)
    with pytest.raises(UserError, match=r"--real: its sub-folders must be the classes of .*\['dawn', 'noon', "):
        score("--real", real, "--fake", labelled, "--count", 8, *intra)


def test_a_count_and_a_seed_are_of_runs(paint):
    folder = paint("some", names(5))
    with pytest.raises(UserError, match="--count is of the images of a run, and .*some is none"):
        score("--real", folder, "--fake", folder, "--count", 4)
    with pytest.raises(UserError, match="--seed is of the images of a run"):
        score("--real", folder, "--fake", folder, "--seed", 4)


def test_a_run_has_the_score_of_the_pictures_that_it_samples(plain, paint, tmp_path):
    real = paint("real", names(20), (16, 16))
    options = ["--real", real, "--scores", "fid,kid"]
    found = score(*options, "--fake", plain, "--count", 70, "--seed", 3)
    sample(plain, 70, seed=3, out=tmp_path / "drawn")
    assert found["scores"] == pytest.approx(score(*options, "--fake", tmp_path / "drawn")["scores"], rel=1e-3)
    assert found["scores"]["embedded_frechet_distance"] > 0.1
    card = found["card"]
    assert (card["step"], card["seed"], card["generated_images"], card["average"]) == (40, 3, 70, True)
    other = score(*options, "--fake", plain, "--count", 70, "--seed", 4)
    assert other["scores"]["embedded_frechet_distance"] != found["scores"]["embedded_frechet_distance"]


def test_diversity_is_of_the_generated_images_alone(paint, alexnet):
    real, varied = paint("real", names(4)), paint("varied", names(6), seed=1)
    options = ["--real", real, "--scores", "fid,lpips_diversity"]
    found = score(*options, "--fake", varied)
    lpips = Lpips("alex", str(alexnet))
    lpips.load(CPU)
    first, second = images(varied)[torch.combinations(torch.arange(6))].unbind(1)
    assert found["scores"]["lpips_diversity"] == pytest.approx(float(lpips(first, second).mean()), rel=1e-4)
    assert found["card"]["lpips_sha256"] == lpips.digest


def test_without_json_there_is_a_table(paint):
    folder = paint("some", names(5))
    result = CliRunner().invoke(app, ["score", "--real", str(folder), "--fake", str(folder), "--scores", "fid"])
    assert "embedded_frechet_distance" in result.stdout
    assert "generated images 5" in result.stdout


@pytest.mark.parametrize("option", ["--real", "--fake"])
def test_a_broken_picture_is_named(paint, option):
    whole, broken = paint("whole", names(5)), paint("broken", names(5))
    (broken / "3.png").write_bytes(b"no picture")
    other = "--fake" if option == "--real" else "--real"
    with pytest.raises(UserError, match=rf"{option}: .*broken/3\.png cannot be used \(not an image\)"):
        score(option, broken, other, whole)


def test_few_pictures_have_all_the_usual_scores_and_two_have_none(paint):
    found = score("--real", paint("real", names(4)), "--fake", paint("fake", names(3), seed=1))
    assert {"embedded_kernel_distance", "embedded_class_score", "embedded_coverage"} < set(found["scores"])
    assert all(np.isfinite([*found["scores"].values()]))
    assert (found["card"]["neighbours"], found["card"]["class_score_splits"]) == (2, 3)
    with pytest.raises(UserError, match="too few generated images: count must be >= 3 for kid, got 2"):
        score("--real", paint("real", names(4)), "--fake", paint("two", names(2)))


def test_what_cannot_be_scored_is_said_with_the_option(paint, tmp_path):
    folder = paint("some", names(5))
    with pytest.raises(UserError, match="--real: no such folder"):
        score("--real", tmp_path / "nowhere", "--fake", folder)
    with pytest.raises(UserError, match=r"--scores must be among .*, got 'fit'; did you mean 'fid'\?"):
        score("--real", folder, "--fake", folder, "--scores", "fit")
    with pytest.raises(UserError, match="--resize must be one of"):
        score("--real", folder, "--fake", folder, "--resize", "bicubic")
    with pytest.raises(UserError, match="--weights: no such file: 'nowhere.pth'"):
        score("--real", folder, "--fake", folder, "--metrics", "inception", "--weights", "nowhere.pth")


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
        ("--content x", "--style must be given too"),
        ("--style x", "--content must be given too"),
        ("--real x --size 96", "--size belongs to --content and --style, and has no meaning with --real"),
        ("--content x --style x --seed 0", "--seed belongs to --real, and has no meaning with --content and --style"),
    ],
)
def test_it_is_one_way_or_the_other(words, message):
    with pytest.raises(UserError, match=message):
        score("--fake", "x", *words.split())
