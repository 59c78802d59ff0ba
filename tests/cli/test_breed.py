import numpy as np
import pytest
from PIL import Image

from atelier.cli.breed import breed
from atelier.cli.latents import slerp
from atelier.cli.trained import Latents, Trained
from atelier.errors import UserError
from atelier.record.grids import GUTTER


def litter(folder):
    return [np.asarray(Image.open(path)).astype(int) for path in sorted(folder.glob("child-*.png"))]


def drawn(run, numbers, seed=0):
    """The images of these numbers, (N, 16, 16, 3), and their latents."""
    trained = Trained(run)
    latents = trained.draw(seed, numbers)
    return trained.paint(trained.styles(latents), latents.labels).permute(0, 2, 3, 1).int().numpy(), latents


@pytest.mark.parametrize("name", ["plain", "styled"])
@pytest.mark.parametrize("mix", [0.0, 1.0])
def test_all_of_one_parent_is_that_parent(name, mix, request, tmp_path):
    run = request.getfixturevalue(name)
    breed(run, "3,17", mix=mix, children=1, out=tmp_path)
    parents, _ = drawn(run, [3, 17])
    assert abs(litter(tmp_path)[0] - parents[int(mix)]).max() <= 1


def test_child_0_is_the_spherical_mix(plain, tmp_path):
    breed(plain, "3,17", mix=0.3, children=2, seed=5, out=tmp_path)
    trained, (_, latents) = Trained(plain), drawn(plain, [3, 17], seed=5)
    pure = Latents(slerp(*latents.vectors[:, None], 0.3), None)
    expected = trained.paint(trained.styles(pure), None)[0].permute(1, 2, 0).int().numpy()
    assert abs(litter(tmp_path)[0] - expected).max() <= 1


def test_children_differ_a_little_and_keep_their_looks_among_more(plain, tmp_path):
    for folder, count, mutation in (("few", 3, 0.1), ("many", 12, 0.1), ("wild", 3, 0.9)):
        breed(plain, "3,17", children=count, mutation=mutation, out=tmp_path / folder)
    few, many, wild = (litter(tmp_path / folder) for folder in ("few", "many", "wild"))
    for child, again in zip(few, many, strict=False):
        np.testing.assert_array_equal(child, again)
    assert len({child.tobytes() for child in many}) == 12
    np.testing.assert_array_equal(few[0], wild[0])
    assert abs(few[1] - few[0]).mean() < 0.5 * abs(wild[1] - wild[0]).mean()


def test_layers_come_from_the_second_parent(styled, tmp_path):
    (first, second), _ = drawn(styled, [3, 17])
    for layers in ("0-5", "0-2", "3-5"):
        breed(styled, "3,17", layers=layers, children=2, out=tmp_path / layers)
    everything, coarse, fine = (litter(tmp_path / layers)[0] for layers in ("0-5", "0-2", "3-5"))
    assert abs(everything - second).max() <= 1
    for child in (coarse, fine):
        assert min(abs(child - parent).max() for parent in (first, second)) > 5
    turned = tmp_path / "turned"
    breed(styled, "17,3", layers="3-5", children=1, out=turned)
    assert abs(litter(turned)[0] - coarse).max() <= 1


def test_the_family_begins_with_the_parents(plain, tmp_path):
    breed(plain, "3,17,5", children=10, out=tmp_path)
    family = np.asarray(Image.open(tmp_path / "family.png")).astype(int)
    pitch = 16 + GUTTER
    assert family.shape == (4 * pitch + GUTTER, 4 * pitch + GUTTER, 3)  # the parents' row, and ten children by four
    tiles = family[GUTTER:, GUTTER:].reshape(4, pitch, 4, pitch, 3).swapaxes(1, 2)[:, :, :16, :16]
    parents, _ = drawn(plain, [3, 17, 5])
    assert abs(tiles[0, :3] - parents).max() <= 1
    assert (tiles[0, 3] == 255).all()
    np.testing.assert_array_equal(tiles[1:].reshape(12, 16, 16, 3)[:10], litter(tmp_path))


def test_notes_make_a_child_again(labelled, tmp_path):
    breed(labelled, "3,17", label="noon", mix=0.25, children=3, mutation=0.3, truncation=0.8, seed=2)
    folder = labelled / "bred" / "step-40-seed-2-parents-3,17-mix-0.25-mutation-0.3-label-noon-truncation-0.8"
    note = Image.open(folder / "child-00002.png").text
    assert note.items() >= {"step": "40", "seed": "2", "parents": "3,17", "mix": "0.25", "child": "2"}.items()
    assert note.items() >= {"mutation": "0.3", "label": "noon", "truncation": "0.8"}.items()
    numbers = {name: float(note[name]) for name in ("mix", "mutation", "truncation")}
    words = {"label": note["label"], "seed": int(note["seed"]), "children": int(note["child"]) + 1}
    breed(labelled, note["parents"], **words, **numbers, out=tmp_path)
    np.testing.assert_array_equal(litter(tmp_path)[2], litter(folder)[2])
    breed(labelled, note["parents"], **words | {"seed": 3}, **numbers, out=tmp_path / "other")
    assert (litter(tmp_path / "other")[2] != litter(folder)[2]).any()


def test_a_child_has_its_number_as_its_name_however_many_there_are(plain, tmp_path, capsys):
    for count, told in ((1, "1 child"), (101, "101 children"), (12, "12 children")):
        breed(plain, "3,17", children=count, out=tmp_path)
        assert capsys.readouterr().out == f"{told} and family.png in {tmp_path}\n"
    found = sorted(tmp_path.glob("child-*.png"))
    assert [path.name for path in found] == [f"child-{child:05d}.png" for child in range(101)]
    assert [int(Image.open(path).text["child"]) for path in found] == [*range(101)]


def test_many_parents_are_no_name_that_is_too_long(plain):
    breed(plain, ",".join(map(str, range(1000, 1060))), children=1)
    (folder,) = (plain / "bred").glob("step-40-seed-0-parents-1000,1001,1002*/")
    assert len(litter(folder)) == 1


def test_the_family_is_written_over_no_other_picture(plain, tmp_path):
    breed(plain, "3,17", children=1, out=tmp_path / "bred")
    breed(plain, "3,17", children=2, out=tmp_path / "bred")  # whose own family may go
    (tmp_path / "family.png").write_bytes(b"a photograph")
    with pytest.raises(UserError, match="--out: the family goes among the children, but .*/family.png is another file"):
        breed(plain, "3,17", children=1, out=tmp_path)
    assert [path.name for path in tmp_path.glob("*.png")] == ["family.png"]
    assert (tmp_path / "family.png").read_bytes() == b"a photograph"


@pytest.mark.parametrize(
    "other", [{"parents": "3,5"}, {"mix": 0.3}, {"mutation": 0.3}, {"seed": 8}], ids=lambda words: next(iter(words))
)
def test_a_child_is_written_over_itself_alone(other, plain, tmp_path):
    breed(plain, "3,17", children=3, out=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    breed(plain, "3,17", children=3, out=tmp_path)
    (tmp_path / "child-00000.png").unlink()
    with pytest.raises(
        UserError, match=r"^--out: .*/child-00001.png is another picture, which would be lost: name anot"
    ):
        breed(plain, **{"parents": "3,17", **other}, children=3, out=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()}.items() <= before.items()
    assert not (tmp_path / "child-00000.png").exists()


def test_a_place_that_cannot_be_written_is_told_before_anything_is_drawn(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(Trained, "paint", lambda *_: pytest.fail("too early"))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^--out: nothing can be written to '.*/file/bred'"):
        breed(plain, "3,17", out=tmp_path / "file" / "bred")


def test_mistakes_are_one_line(plain, styled, labelled):
    with pytest.raises(UserError, match="--parents: must be 2 or more numbers such as 3,17, got '3'"):
        breed(plain, "3")
    with pytest.raises(UserError, match="--layers: this generator takes its styles in one place"):
        breed(plain, "3,17", layers="0-3")
    with pytest.raises(UserError, match="--layers: must be numbers from 0 to 5"):
        breed(styled, "3,17", layers="0-6")
    with pytest.raises(UserError, match="give --mix or --layers, not both"):
        breed(styled, "3,17", layers="0", mix=0.5)
    with pytest.raises(UserError, match="of the second of two parents, got 3 parents"):
        breed(styled, "3,17,5", layers="0")
    with pytest.raises(UserError, match="--label: must say in which class to draw"):
        breed(labelled, ",".join(map(str, range(12))))
