import json

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base

from atelier.cli.interpolate import SHOWN, interpolate
from atelier.cli.sample import sample
from atelier.cli.trained import Trained
from atelier.errors import UserError
from atelier.record.grids import GUTTER


def tile(strip, row, column, size=16):
    top, left = (GUTTER + place * (size + GUTTER) for place in (row, column))
    return np.asarray(strip)[top : top + size, left : left + size].astype(int)


@pytest.mark.parametrize("name", ["plain", "styled"])
def test_every_row_of_the_strip_begins_with_an_image_of_sample(name, request, tmp_path):
    run = request.getfixturevalue(name)
    interpolate(run, "3,17,5", frames=12, seed=4, out=tmp_path / "way.webp")
    strip = Image.open(tmp_path / "way.png")
    assert strip.size == tuple(count * (16 + GUTTER) + GUTTER for count in (SHOWN, 3))
    trained = Trained(run)
    latents = trained.draw(4, [3, 17, 5])
    images = trained.paint(trained.styles(latents), latents.labels).permute(0, 2, 3, 1).numpy()
    for row in range(3):
        assert abs(tile(strip, row, 0) - images[row]).max() <= 1
        assert abs(tile(strip, row, 4) - images[row]).max() > 20


@pytest.mark.parametrize("name", ["plain", "styled"])
def test_the_way_is_smooth_and_closed(name, request, tmp_path):
    run = request.getfixturevalue(name)
    interpolate(run, "0,1", frames=SHOWN, truncation=0.5, out=tmp_path / "way.gif")
    strip = Image.open(tmp_path / "way.png")
    frames = [tile(strip, row, column) for row in range(2) for column in range(SHOWN)]
    steps = [abs(one - other).mean() for one, other in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(steps) < 0.5 * abs(frames[0] - frames[SHOWN]).mean()
    assert min(steps) > 0


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_the_moving_picture_says_how_to_make_it_again(suffix, plain, tmp_path):
    interpolate(plain, "3,17", frames=6, truncation=0.5, out=tmp_path / f"way{suffix}")
    with Image.open(tmp_path / f"way{suffix}") as moving:
        text = moving.info["comment"] if suffix == ".gif" else moving.getexif()[Base.ImageDescription]
        assert (moving.n_frames, moving.size, moving.info["loop"]) == (12, (16, 16), 0)
    note = json.loads(text)
    assert note.items() >= {"step": 40, "seed": 0, "images": "3,17", "truncation": 0.5, "frames": 6}.items()
    strip = {"command": "interpolate"} | {name: str(value) for name, value in note.items()}
    assert Image.open(tmp_path / "way.png").text == strip


def test_there_is_no_way_between_classes(labelled):
    with pytest.raises(UserError, match=r"--label: must say in which class to draw.*: 0 of .*, 1 of "):
        interpolate(labelled, ",".join(map(str, range(12))), frames=2)
    interpolate(labelled, "0,1,2", frames=2, label="noon")
    assert (labelled / "interpolated" / "step-40-seed-0-images-0,1,2-label-noon-frames-2.webp").exists()


def test_many_numbers_are_no_name_that_is_too_long(plain):
    for last in (1060, 1061):
        interpolate(plain, ",".join(map(str, [*range(1000, 1060), last])), frames=1)
    made = [path.name for path in (plain / "interpolated").glob("step-40-seed-0-images-1000,1001,1002*")]
    assert sorted(name.rpartition(".")[2] for name in made) == ["png", "png", "webp", "webp"]
    assert max(len(name.encode()) for name in made) < 200


def test_the_strip_is_written_over_no_other_picture(plain, tmp_path):
    interpolate(plain, "3,4", frames=2, out=tmp_path / "way.gif")
    interpolate(plain, "3,5", frames=2, out=tmp_path / "way.gif")  # whose own strip may go
    (tmp_path / "photo.png").write_bytes(b"a photograph")
    with pytest.raises(UserError, match="--out: a strip goes beside the moving picture, but .*/photo.png is another"):
        interpolate(plain, "3,4", frames=2, out=tmp_path / "photo.gif")
    assert (tmp_path / "photo.png").read_bytes() == b"a photograph"
    assert not (tmp_path / "photo.gif").exists()


def test_neither_the_strip_nor_a_grid_is_written_over_the_other(plain, tmp_path):
    sample(plain, 2, out=tmp_path / "made")
    interpolate(plain, "3,4", frames=2, out=tmp_path / "way.gif")
    before = (tmp_path / "made.png").read_bytes(), (tmp_path / "way.png").read_bytes()
    with pytest.raises(UserError, match="--out: a strip goes beside the moving picture, but .*/made.png is another"):
        interpolate(plain, "3,4", frames=2, out=tmp_path / "made.gif")
    with pytest.raises(UserError, match="--out: a sheet .* beside the folder, but .*/way.png is another file"):
        sample(plain, 2, out=tmp_path / "way")
    assert ((tmp_path / "made.png").read_bytes(), (tmp_path / "way.png").read_bytes()) == before


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_the_moving_picture_is_written_over_no_other(suffix, plain, tmp_path, monkeypatch):
    ours, theirs = tmp_path / f"way{suffix}", tmp_path / f"cat{suffix}"
    interpolate(plain, "3,4", frames=2, out=ours)
    interpolate(plain, "3,5", frames=2, out=ours)
    Image.new("RGB", (16, 16)).save(theirs)
    before = theirs.read_bytes()
    monkeypatch.setattr(Trained, "paint", lambda *_: pytest.fail("too early"))
    with pytest.raises(UserError, match=rf"^--out: .*/cat{suffix} is another file, which would be lost: name another"):
        interpolate(plain, "3,4", frames=2, out=theirs)
    assert theirs.read_bytes() == before
    assert not theirs.with_suffix(".png").exists()
    with pytest.raises(UserError, match=rf"^--out: nothing can be written to '.*/cat{suffix}/below'"):
        interpolate(plain, "3,4", out=theirs / "below" / f"way{suffix}")


def test_mistakes_are_told_before_anything_is_drawn(plain, tmp_path):
    with pytest.raises(UserError, match="--images: must be 2 or more numbers"):
        interpolate(plain, "3")
    with pytest.raises(UserError, match=r"--out: must be a file that ends in one of \.gif, \.webp"):
        interpolate(plain, "3,4", out=tmp_path / "way.mp4")
    (tmp_path / "way.gif").mkdir()
    with pytest.raises(UserError, match=r"--out: must be a file that ends in .*, got '.*way.gif'"):
        interpolate(plain, "3,4", out=tmp_path / "way.gif")
    assert not (tmp_path / "way.png").exists()
