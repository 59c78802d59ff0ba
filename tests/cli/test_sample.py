import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from atelier.callbacks.samples import SampleGrid
from atelier.cli.sample import sample
from atelier.cli.trained import BATCH, Trained
from atelier.errors import UserError
from atelier.hashing import mix
from atelier.record.grids import GUTTER, to_pixels


def pictures(folder):
    return {path.stem: np.asarray(Image.open(path)) for path in sorted(folder.glob("[0-9]*.png"))}


def tiles(grid, columns):
    """The images of a grid, row by row."""
    pitch = 16 + GUTTER
    rows = grid[GUTTER:, GUTTER:].astype(int).reshape(-1, pitch, columns, pitch, 3)
    return rows.swapaxes(1, 2)[:, :, :16, :16].reshape(-1, 16, 16, 3)


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


@pytest.mark.parametrize("name", ["plain", "styled"])
def test_a_grid_of_the_training_is_of_the_first_images(name, request, tmp_path):
    run = request.getfixturevalue(name)
    task = Trained(run).task
    shown = tiles(SampleGrid(count=9, seed=7).draw(task, task.device), columns=3)
    sample(run, 9, seed=7, out=tmp_path)
    expected = np.stack([*pictures(tmp_path).values()]).astype(int)
    assert abs(shown - expected).max() <= 1


def test_a_column_of_the_trainings_grid_is_of_a_label(labelled, tmp_path):
    task = Trained(labelled).task
    shown = tiles(SampleGrid(count=12, seed=7).draw(task, task.device), columns=3)
    for label in range(3):
        sample(labelled, 12, seed=7, label=str(label), out=tmp_path / str(label))
        expected = np.stack([*pictures(tmp_path / str(label)).values()]).astype(int)
        assert abs(shown - expected)[label::3].max() <= 1
        assert abs(shown - expected)[label + 1 :: 3].max() > 1


@pytest.mark.parametrize(("count", "told"), [(1, "1 image"), (2, "2 images")])
def test_it_tells_how_many(count, told, plain, tmp_path, capsys):
    sample(plain, count, out=tmp_path / "made")
    assert capsys.readouterr().out == f"{told} in {tmp_path / 'made'}, side by side in {tmp_path / 'made.png'}\n"


def test_a_class_is_chosen_by_name_or_number_and_the_latents_stay(labelled, tmp_path):
    for label in ("noon", "1", "dusk/late"):
        sample(labelled, 3, seed=7, label=label, out=tmp_path / label[:1])
    by_name, by_number, other = (pictures(tmp_path / folder) for folder in "n1d")
    np.testing.assert_array_equal(by_name["00002"], by_number["00002"])
    assert (by_name["00002"] != other["00002"]).any()
    assert [note["label"] for note in notes(tmp_path / "1")] == ["noon"] * 3
    trained = Trained(labelled)
    torch.testing.assert_close(trained.draw(7, [5], 1).vectors, trained.draw(7, [5]).vectors, rtol=0, atol=0)


def test_notes_say_how_to_make_an_image_again(labelled, tmp_path):
    sample(labelled, 2, seed=7, truncation=0.5)
    folder = labelled / "generated" / "step-40-seed-7-truncation-0.5"
    first, second = notes(folder)
    assert first.items() >= {"step": "40", "seed": "7", "index": "0", "truncation": "0.5"}.items()
    assert first["run"].endswith(labelled.name)
    assert second["index"] == "1"
    count, truncation = int(second["index"]) + 1, float(second["truncation"])
    sample(labelled, count, seed=int(second["seed"]), truncation=truncation, out=tmp_path)
    np.testing.assert_array_equal(pictures(tmp_path)["00001"], pictures(folder)["00001"])
    assert {first["label"], second["label"]} <= {"noon", "dusk/late"}
    sample(labelled, 1, label="dusk/late")
    (folder,) = (labelled / "generated").glob("step-40-seed-0-label-dusk_late…*/")
    assert len(notes(folder)) == 1


@pytest.mark.parametrize("name", ["plain", "styled"])
def test_truncation_makes_images_alike(name, request):
    trained = Trained(request.getfixturevalue(name))
    latents = trained.draw(0, range(16))
    variances = [trained.styles(latents, truncation).var(0).mean() for truncation in (None, 0.7, 0.1)]
    assert variances[0] > 1.2 * variances[1] > 2 * variances[2] > 0


def test_without_names_classes_are_numbers(make_run, tmp_path):
    run = make_run(tmp_path, "data.label=palette", "classes=3")
    sample(run, 1, label="2")
    assert notes(run / "generated" / "step-40-seed-0-label-2")[0]["label"] == "2"
    with pytest.raises(UserError, match=r"--label: there is no class 'noon'; choose a number in 0..2"):
        sample(run, 1, label="noon")


def test_two_checkpoints_images_do_not_mix(plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    sample(run, 2)
    content = torch.load(run / "checkpoints" / "last.ckpt")
    torch.save({**content, "global_step": 60}, run / "checkpoints" / "last.ckpt")
    sample(run, 1)
    steps = {path.name: [note["step"] for note in notes(path)] for path in (run / "generated").glob("*/")}
    assert steps == {"step-40-seed-0": ["40", "40"], "step-60-seed-0": ["60"]}


def test_the_grid_is_written_over_no_other_picture(plain, tmp_path):
    sample(plain, 2, out=tmp_path / "made")
    sample(plain, 3, out=tmp_path / "made")  # whose own grid may go
    shutil.copy(tmp_path / "made" / "00001.png", tmp_path / "liked.png")
    before = (tmp_path / "liked.png").read_bytes()
    with pytest.raises(UserError, match=r"--out: a sheet .* goes beside the folder, but .*/liked.png is another file"):
        sample(plain, 2, out=tmp_path / "liked")
    assert (tmp_path / "liked.png").read_bytes() == before
    assert not (tmp_path / "liked").exists()


@pytest.mark.parametrize(
    "other", [{"seed": 8}, {"seed": 7, "label": "noon"}, {"seed": 7, "truncation": 0.5}], ids=lambda words: [*words][-1]
)
def test_an_image_is_written_over_itself_alone(other, labelled, tmp_path):
    """And before anything is drawn, the first that would be lost is named."""
    out = tmp_path / "mine"
    sample(labelled, 9, seed=7, out=out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    sample(labelled, 10, seed=7, out=out)
    assert {path.name: path.read_bytes() for path in out.iterdir()}.items() >= before.items()
    for number in range(9):
        (out / f"{number:05d}.png").unlink()
    with pytest.raises(UserError, match=r"^--out: .*mine/00009.png is another picture, which would be lost: name ano"):
        sample(labelled, 10, **other, out=out)
    assert [path.name for path in out.iterdir()] == ["00009.png"]


def test_images_of_a_run_that_was_moved_are_made_again(plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    sample(run, 2)
    moved = run.rename(tmp_path / "moved")
    sample(moved, 3)
    assert len(notes(moved / "generated" / "step-40-seed-0")) == 3


def test_images_of_other_weights_are_others_though_the_step_is_the_same(plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    sample(run, 2)
    content = torch.load(run / "checkpoints" / "last.ckpt")
    content["state_dict"] = {name: part * 2 for name, part in content["state_dict"].items()}
    torch.save(content, run / "checkpoints" / "last.ckpt")
    with pytest.raises(UserError, match=r"^--out: .*00000.png is another picture"):
        sample(run, 2)


@pytest.mark.parametrize("content", ["a picture", "no picture", "a folder"])
def test_nobody_elses_picture_is_written_over(content, plain, tmp_path):
    path = tmp_path / "mine" / "00001.png"
    path.parent.mkdir()
    if content == "a folder":
        path.mkdir()
    elif content == "a picture":
        Image.new("RGB", (16, 16)).save(path)
    else:
        path.write_bytes(b"a diary")
    with pytest.raises(UserError, match=r"^--out: .*mine/00001.png is another picture"):
        sample(plain, 2, out=path.parent)
    assert [found.name for found in path.parent.iterdir()] == ["00001.png"]


def test_the_folder_one_is_in(plain, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    sample(plain, 2, out=Path())
    assert len(notes(tmp_path / "here")) == 2
    assert Image.open(tmp_path / "here.png").size == (2 * (16 + GUTTER) + GUTTER, 16 + 2 * GUTTER)


def test_what_cannot_be_drawn_is_said_in_one_line(plain, labelled, styled):
    with pytest.raises(UserError, match="--label: got 'noon', but this run was trained without labels"):
        sample(plain, 1, label="noon")
    choices = r"choose one of dawn, dusk/late, noon; did you mean 'noon'\?"
    with pytest.raises(UserError, match=rf"--label: there is no class 'nooon'; {choices}"):
        sample(labelled, 1, label="nooon")
    with pytest.raises(UserError, match="--label: there is no class '3'"):
        sample(labelled, 1, label="3")
    with pytest.raises(UserError, match="--truncation: must be > 0, got -1"):
        sample(plain, 1, truncation=-1.0)
    with pytest.raises(UserError, match="--truncation: must be > 0, got nan"):
        sample(plain, 1, truncation=float("nan"))
    with pytest.raises(UserError, match="--truncation: must be finite, got inf"):
        sample(styled, 1, truncation=float("inf"))
