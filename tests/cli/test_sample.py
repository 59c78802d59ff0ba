import numpy as np
import pytest
import torch
from PIL import Image

from atelier.cli.sample import sample
from atelier.cli.trained import BATCH, Trained
from atelier.errors import UserError
from atelier.hashing import mix
from atelier.record.grids import to_pixels


def pictures(folder):
    return {path.stem: np.asarray(Image.open(path)) for path in sorted(folder.glob("[0-9]*.png"))}


def notes(folder):
    return [Image.open(path).text for path in sorted(folder.glob("[0-9]*.png"))]


@pytest.mark.parametrize("name", ["plain", "labelled", "styled"])
def test_an_image_is_the_same_to_the_bit_however_many_are_asked_for(name, request, tmp_path):
    run = request.getfixturevalue(name)
    for count in (2, BATCH, BATCH + 3):
        sample(run, count, seed=7, out=tmp_path / str(count))
    few, some, many = (pictures(tmp_path / str(count)) for count in (2, BATCH, BATCH + 3))
    assert [len(found) for found in (few, some, many)] == [2, BATCH, BATCH + 3]
    for number, image in [*few.items(), *some.items()]:
        np.testing.assert_array_equal(image, many[number])
    assert len({image.tobytes() for image in many.values()}) == len(many)


@pytest.mark.parametrize("name", ["plain", "labelled", "styled"])
def test_image_number_n_is_the_tasks_own_with_a_seed_of_its_own(name, request):
    """What the command draws is what `Gan.sample` draws, classes as frequent as in training."""
    trained = Trained(request.getfixturevalue(name))
    latents = trained.draw(7, range(20))
    drawn = trained.paint(trained.styles(latents), latents.labels)
    for number in range(20):
        alone = to_pixels(trained.task.sample(1, torch.Generator().manual_seed(mix(7, number))))[0]
        assert (drawn[number].int() - alone.int()).abs().max() <= 1


def test_a_class_is_chosen_by_name_or_number_and_the_latents_stay(labelled, tmp_path):
    for label in ("noon", "1", "dusk/late"):
        sample(labelled, 3, seed=7, label=label, out=tmp_path / label[:1])
    by_name, by_number, other = (pictures(tmp_path / folder) for folder in "n1d")
    np.testing.assert_array_equal(by_name["00002"], by_number["00002"])
    assert (by_name["00002"] != other["00002"]).any()
    assert [note["label"] for note in notes(tmp_path / "1")] == ["noon"] * 3
    trained = Trained(labelled)
    torch.testing.assert_close(trained.draw(7, [5], 1).vectors, trained.draw(7, [5]).vectors, rtol=0, atol=0)


def test_notes_say_how_to_make_an_image_again(labelled):
    sample(labelled, 2, seed=7, truncation=0.5)
    first, second = notes(labelled / "generated" / "seed-7-truncation-0.5")
    assert first.items() >= {"step": "40", "seed": "7", "index": "0", "truncation": "0.5"}.items()
    assert first["run"].endswith(labelled.name)
    assert second["index"] == "1"
    assert {first["label"], second["label"]} <= {"noon", "dusk/late"}
    sample(labelled, 1, label="dusk/late")
    assert (labelled / "generated" / "seed-0-label-dusk_late" / "00000.png").exists()


@pytest.mark.parametrize("name", ["plain", "styled"])
def test_truncation_makes_images_alike(name, request):
    trained = Trained(request.getfixturevalue(name))
    latents = trained.draw(0, range(16))
    variances = [trained.styles(latents, truncation).var(0).mean() for truncation in (None, 0.7, 0.1)]
    assert variances[0] > 1.2 * variances[1] > 2 * variances[2] > 0


def test_without_names_classes_are_numbers(make_run, tmp_path):
    run = make_run(tmp_path, "data.label=palette", "classes=3")
    sample(run, 1, label="2")
    assert notes(run / "generated" / "seed-0-label-2")[0]["label"] == "2"
    with pytest.raises(UserError, match=r"--label: there is no class 'noon'; choose a number in 0..2"):
        sample(run, 1, label="noon")


def test_what_cannot_be_drawn_is_said_in_one_line(plain, labelled, styled):
    with pytest.raises(UserError, match="--label: got 'noon', but this run was trained without labels"):
        sample(plain, 1, label="noon")
    choices = r"choose one of \['dawn', 'noon', 'dusk/late'\]; did you mean 'noon'\?"
    with pytest.raises(UserError, match=rf"--label: there is no class 'nooon'; {choices}"):
        sample(labelled, 1, label="nooon")
    with pytest.raises(UserError, match="--label: there is no class '3'"):
        sample(labelled, 1, label="3")
    with pytest.raises(UserError, match="--truncation must be > 0, got -1"):
        sample(plain, 1, truncation=-1.0)
    with pytest.raises(UserError, match="--truncation must be > 0, got nan"):
        sample(plain, 1, truncation=float("nan"))
    with pytest.raises(UserError, match="--truncation must be finite, got inf"):
        sample(styled, 1, truncation=float("inf"))
