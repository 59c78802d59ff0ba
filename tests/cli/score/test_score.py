"""`atelier score` of images against real ones."""

import numpy as np
import pytest
import torch
from PIL import Image
from scored import images, names, score
from typer.testing import CliRunner

from atelier.cli.main import app
from atelier.cli.sample import sample
from atelier.errors import UserError
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.frechet import Factored, frechet_distance
from atelier.metrics.perceptual import Lpips
from atelier.metrics.scoring import Scores

CPU = torch.device("cpu")


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
    with pytest.raises(UserError, match="^--real: intra_fid needs classes, which are the sub-folders of a folder"):
        score("--real", folder, "--fake", folder, "--scores", "fid,intra_fid")


def test_a_picture_beside_the_classes_is_named(paint):
    whole = paint("whole", [f"{name}/{i}.png" for name in ("sea", "sky") for i in range(3)])
    stray = paint("stray", [*(f"{name}/{i}.png" for name in ("sea", "sky") for i in range(3)), "cover.png", "x.png"])
    for real, fake, option in ((stray, whole, "--real"), (whole, stray, "--fake")):
        with pytest.raises(UserError, match=f"^{option}: intra_fid needs classes, .* 'cover.png' and 1 more: move"):
            score("--real", real, "--fake", fake, "--scores", "fid,intra_fid")


def test_intra_scores_without_a_class_of_two_images_on_both_sides_are_refused_before_anything_is_looked_at(
    paint, monkeypatch
):
    single = paint("single", ["sea/0.png", "sky/0.png"])
    real = paint("real", [f"{name}/{i}.png" for name in ("sea", "sky") for i in range(3)])
    uneven = paint("uneven", ["sea/0.png", "sea/1.png", "sky/0.png"])
    other = paint("other", ["sea/0.png", "sky/1.png", "sky/0.png"])
    monkeypatch.setattr(EmbeddedExtractor, "load", None)
    intra = ("--scores", "intra_fid,fid")
    with pytest.raises(UserError, match="--real: intra_fid needs a class with 2 real images or more, and of 2"):
        score("--real", single, "--fake", real, *intra)
    for reals, fakes in ((real, single), (uneven, other)):
        with pytest.raises(UserError, match="--real and --fake: intra_fid needs a class with 2 real and 2 generated"):
            score("--real", reals, "--fake", fakes, *intra)


def test_intra_scores_are_of_classes_that_both_sides_have(paint, labelled):
    real = paint("real", [f"{name}/{i}.png" for name in ("sea", "sky") for i in range(3)])
    strange = paint("strange", [f"moor/{i}.png" for i in range(6)])
    intra = ("--scores", "fid,intra_fid")
    with pytest.raises(UserError, match=r"--fake: its sub-folders must be among those of --real, which are sea, sky$"):
        score("--real", real, "--fake", strange, *intra)
    with pytest.raises(
        UserError, match=r"--real: its sub-folders must be the classes of .*, which are dawn, dusk/late, noon$"
    ):
        score("--real", real, "--fake", labelled, "--count", 8, *intra)


def test_intra_scores_of_a_run_without_classes_are_refused(paint, plain):
    real = paint("real", [f"{name}/{i}.png" for name in ("sea", "sky") for i in range(3)])
    with pytest.raises(UserError, match="--real: its sub-folders must be the classes of .*, which knows none by name$"):
        score("--real", real, "--fake", plain, "--count", 8, "--scores", "intra_fid")


def test_a_score_that_is_no_number_is_null_in_json(paint, monkeypatch):
    monkeypatch.setattr(Scores, "compute", lambda self: {"embedded_kernel_distance": float("nan")})
    folder = paint("some", names(5))
    assert score("--real", folder, "--fake", folder, "--scores", "kid")["scores"] == {"embedded_kernel_distance": None}


def test_a_count_and_a_seed_are_of_runs(paint):
    folder = paint("some", names(5))
    with pytest.raises(UserError, match="--count: is of the images of a run, and .*some is none"):
        score("--real", folder, "--fake", folder, "--count", 4)
    with pytest.raises(UserError, match="--seed: is of the images of a run"):
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


def test_a_run_is_no_folder_of_real_pictures(plain, paint):
    """Its pictures are sheets of many."""
    folder = paint("real", ["1.png", "2.png"])
    for fake in (folder, plain):
        with pytest.raises(UserError, match="^--real: .* is a run folder; --fake takes one$"):
            score("--real", plain, "--fake", fake)
    named = "name a folder of pictures"
    for option, way in {"--content": named, "--style": named, "--fake": "`atelier stylize` writes"}.items():
        words = dict.fromkeys(("--content", "--style", "--fake"), folder) | {option: plain}
        with pytest.raises(UserError, match=f"^{option}: .* is a run folder; {way}"):
            score(*(word for pair in words.items() for word in pair))


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


def test_the_table_says_of_how_many_splits_and_neighbours_scores_are(paint):
    folder = paint("some", names(5))
    result = CliRunner().invoke(app, ["score", "--real", str(folder), "--fake", str(folder)])
    assert "class score splits 5, neighbours 4" in " ".join(result.stdout.split())


@pytest.mark.parametrize("option", ["--real", "--fake"])
def test_a_broken_picture_is_named(paint, option):
    whole, broken = paint("whole", names(5)), paint("broken", names(5))
    (broken / "3.png").write_bytes(b"no picture")
    other = "--fake" if option == "--real" else "--real"
    with pytest.raises(UserError, match=rf"{option}: .*broken/3\.png cannot be used \(not an image\)"):
        score(option, broken, other, whole)


def test_few_pictures_have_all_the_usual_scores_with_a_warning_and_two_have_none(paint, caplog):
    found = score("--real", paint("real", names(4)), "--fake", paint("fake", names(3), seed=1))
    assert (
        "too few images: 3 splits instead of 10 (is), 2 neighbours instead of 5 (precision_recall, density_coverage); "
    ) in caplog.text
    assert "the Fréchet distance to 4 real images: their covariance has a rank of 3" in caplog.text
    caplog.clear()
    score("--real", paint("real", names(4)), "--fake", paint("fake", names(3), seed=1), "--scores", "kid")
    assert caplog.text == ""
    assert {"embedded_kernel_distance", "embedded_class_score", "embedded_coverage"} < set(found["scores"])
    assert all(np.isfinite([*found["scores"].values()]))
    assert (found["card"]["neighbours"], found["card"]["class_score_splits"]) == (2, 3)
    with pytest.raises(UserError, match="--fake: too few generated images: there must be >= 3 for kid, got 2"):
        score("--real", paint("real", names(4)), "--fake", paint("two", names(2)))


def test_what_cannot_be_scored_is_said_with_the_option(paint, tmp_path):
    folder = paint("some", names(5))
    with pytest.raises(UserError, match="--real: no such folder"):
        score("--real", tmp_path / "nowhere", "--fake", folder)
    with pytest.raises(UserError, match=r"--scores: must be among .*, got 'fit'; did you mean 'fid'\?"):
        score("--real", folder, "--fake", folder, "--scores", "fit")
    with pytest.raises(UserError, match=r"^--scores: must be some of .*, got none$"):
        score("--real", folder, "--fake", folder, "--scores", "")
    with pytest.raises(UserError, match="^--real: fid needs 2 real images or more, got 1"):
        score("--real", paint("one", names(1)), "--fake", folder, "--scores", "fid")
    with pytest.raises(UserError, match="--resize: must be one of antialias, tf1, got 'bicubic'"):
        score("--real", folder, "--fake", folder, "--resize", "bicubic")
    with pytest.raises(UserError, match="^--metrics: must be one of dinov2_vitb14, .* or a classifier of torchvision"):
        score("--real", folder, "--fake", folder, "--metrics", "nonsense")
    with pytest.raises(UserError, match="^--weights: no such file: 'nowhere.pth'"):
        score("--real", folder, "--fake", folder, "--metrics", "inception", "--weights", "nowhere.pth")
