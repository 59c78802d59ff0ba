"""What `--style` asks for, and what `--content` names."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atelier.cli.numbers import bytes_of
from atelier.cli.pictures.contents import contents, joined_names, largest
from atelier.cli.styling.studies import bytes_told
from atelier.cli.styling.styles import FileStyle, GeneratedStyle, LearnedStyle
from atelier.cli.styling.words import recipes
from atelier.errors import UserError
from atelier.files import sha256


def paint(path, height=20, width=30, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path


def names(found):
    return [recipe.name for recipe in found]


def test_several_are_mixed_by_their_weights(tmp_path):
    one, other, odd = paint(tmp_path / "one.png"), paint(tmp_path / "other.png"), paint(tmp_path / "with:2.png")
    (recipe,) = recipes([f"{one}:0.5", str(other), f"{odd}:3"], None)
    assert recipe.weights == [0.5, 1.0, 3.0]
    assert recipe.styles == [FileStyle(one, "one"), FileStyle(other, "other"), FileStyle(odd, "with:2")]
    assert recipe.name == "one=0.5+other+with:2=3"
    assert recipe.origin[0] == {"file": "one.png", "sha256": sha256(one), "weight": 0.5}


def test_a_single_style_is_called_so_whatever_its_weight_and_many_are_no_name_too_long(tmp_path):
    one = paint(tmp_path / "one.png")
    assert names(recipes([f"{one}:2"], None)) == ["one"]
    words = [str(paint(tmp_path / f"{place}-{'x' * 60}.png")) for place in range(4)]
    first, second = (recipes(some, None)[0].name for some in (words, [*words[:3], f"{words[3]}:2"]))
    assert first != second
    assert max(len(name.encode()) for name in (first, second)) < 160


def test_a_path_that_ends_like_a_weight_is_itself(tmp_path):
    odd = paint(tmp_path / "a.png").rename(tmp_path / "a:2")
    (recipe,) = recipes([str(odd)], None)
    assert (recipe.styles[0].path, recipe.weights) == (odd, [1.0])


def test_a_folder_is_each_of_its_pictures_in_turn(tmp_path):
    for name in ("b.png", "a.jpg", "deep/a.jpg"):
        paint(tmp_path / name)
    found = recipes([str(tmp_path)], None)
    assert names(found) == ["a", "b", "deep-a"]
    assert [recipe.weights for recipe in found] == [[1.0]] * 3


def test_learned_styles_go_by_their_names():
    learned = ["dawn", "noon", "a:b"]
    assert names(recipes([], learned)) == learned
    (recipe,) = recipes(["noon:2", "dawn"], learned)
    assert recipe.styles == [LearnedStyle("noon", 1), LearnedStyle("dawn", 0)]
    assert recipe.weights == [2.0, 1.0]
    assert recipe.origin[0] == {"learned": "noon", "weight": 2.0}


def test_a_file_stands_for_the_learned_style_of_its_name(tmp_path, capsys):
    candy, x = paint(tmp_path / "candy.jpg"), paint(tmp_path / "x.jpg")
    (recipe,) = recipes([f"{candy}:2", "udnie"], ["candy", "udnie"])
    assert recipe.styles == [LearnedStyle("candy", 0), LearnedStyle("udnie", 1)]
    assert recipe.weights == [2.0, 1.0]
    assert capsys.readouterr().err == f"--style: {candy} stands for the learned style candy, and is not looked at\n"
    for word in (str(x), str(tmp_path / "gone" / "candy.jpg")):
        with pytest.raises(UserError, match=f"has learned candy, udnie, and takes no others; got '{word}'"):
            recipes([word], ["candy", "udnie"])


def test_of_learned_styles_of_one_stem_a_file_stands_for_its_own(tmp_path):
    files = ["candy.jpg", "candy.png", "sub/udnie.jpg"]
    learned = joined_names(files)
    for number, file in enumerate(files):
        (recipe,) = recipes([str(paint(tmp_path / file))], learned, files)
        assert recipe.styles == [LearnedStyle(learned[number], number)]
    other = paint(tmp_path / "candy.webp")
    with pytest.raises(UserError, match=f"^--style: '{other}' could be any of candy, candy-1: name one of them$"):
        recipes([str(other)], learned, files)
    (recipe,) = recipes([str(paint(tmp_path / "udnie.webp"))], learned, files)
    assert recipe.styles == [LearnedStyle("sub-udnie", 2)]


def test_an_image_of_a_generator_is_a_style(plain):
    first, second = (recipes([f"gan:{plain}?seed=7&index={index}"], None)[0] for index in (0, 1))
    assert first.styles == [GeneratedStyle(plain, 7, 0)]
    assert first.name == f"{plain.parent.name}_{plain.name}-step-40-seed-7-index-0"
    assert first.origin[0]["generator"]["step"] == 40
    one, other = (recipe.styles[0].picture() for recipe in (first, second))
    assert one.shape == (3, 16, 16)
    assert (one != other).any()
    (weighted,) = recipes([f"gan:{plain}?seed=7:0.5", f"gan:{plain}"], None)
    assert weighted.weights == [0.5, 1.0]


def test_a_generators_classes_are_named(labelled):
    made = [recipes([f"gan:{labelled}?label={label}"], None)[0].styles[0].picture() for label in ("noon", "1", "dawn")]
    assert (made[0] == made[1]).all()
    assert (made[0] != made[2]).any()


def test_a_generators_classes_may_have_signs_in_their_names(make_run, tmp_path):
    run = make_run(tmp_path, "data.label=palette", "classes=3")
    (run / "run.json").write_text('{"classes": ["black+white", "black white", "black & 50% white"]}')
    words = ("black+white", "black white", "black%20white", "black %26 50%25 white", "black %26 50% white")
    made = [recipes([f"gan:{run}?label={word}"], None)[0].styles[0].label for word in words]
    assert made == ["black+white", *["black white"] * 2, *["black & 50% white"] * 2]


def test_a_generators_images_that_differ_are_called_differently(labelled):
    queries = ("", "seed=1", "index=1", "label=noon", "label=dawn", "label=dusk/late", "truncation=0.5")
    found = {recipes([f"gan:{labelled}?{query}"], None)[0].name for query in queries}
    assert len(found) == len(queries)
    assert not any("/" in name for name in found)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "--style: must be given"),
        (["nowhere.png"], "--style: no such file: 'nowhere.png'"),
        (["{folder}", "{picture}"], "--style: a folder is for each of its pictures in turn"),
        (["{picture}:0"], "--style: a weight must be a finite number above 0, got 0"),
        (["{picture}:-1"], "--style: a weight must be a finite number above 0, got -1"),
        (["{picture}:1e999"], "--style: a weight must be a finite number above 0, got 1e999"),
        (["{picture}:inf"], "--style: a weight must be a finite number above 0, got inf"),
        (["{empty}"], "--style: no pictures in"),
        (["gan:{folder}"], "--style: gan:.*is no run folder"),
        (["gan:{plain}?sed=3"], "--style: must be like 'gan:RUN.seed=7.*, got sed=3"),
        (["gan:{plain}?seed=three"], "got seed=three"),
        (["gan:{plain}?seed=1&index=2&seed=3"], "--style: seed is given twice in 'gan:"),
        (["gan:{plain}?label=black&white"], "a label's & as %26 and its % as %25, got white in 'gan:"),
        (["gan:{plain}?seed=99999999999999999999"], "got seed=99999999999999999999"),
        (["gan:{plain}?index=-1"], "got index=-1"),
        (["gan:{plain}?label=noon"], "--style: gan:.*without labels"),
    ],
)
def test_what_is_no_style_is_refused(words, text, plain, tmp_path):
    (tmp_path / "empty").mkdir()
    places = {
        "picture": paint(tmp_path / "folder" / "one.png"), "folder": tmp_path / "folder", "empty": tmp_path / "empty",
        "plain": plain,
    }  # fmt: skip
    with pytest.raises(UserError, match=text):
        recipes([word.format_map(places) for word in words], None)


def test_a_style_that_was_not_learned_is_refused_by_the_names_of_those_that_were():
    with pytest.raises(UserError, match="--style: this network has learned dawn, noon.*did you mean 'noon'"):
        recipes(["noo"], ["dawn", "noon"])


def test_contents_are_files_and_all_pictures_below_folders(tmp_path):
    for name in ("in/a.jpg", "in/deep/b.png", "c.png"):
        paint(tmp_path / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    found = contents([tmp_path / "in", tmp_path / "c.png"])
    assert [(content.name, content.is_clip) for content in found] == [("a", False), ("deep-b", False), ("c", False)]


def test_contents_and_styles_of_one_name_are_numbered(tmp_path):
    one, other = paint(tmp_path / "x" / "a.jpg"), paint(tmp_path / "x" / "a.png")
    assert [(content.path, content.name) for content in contents([one, other, one])] == [(one, "a"), (other, "a-1")]
    assert [content.own for content in contents([one, other])] == ["a", "a"]
    assert [content.path for content in contents([tmp_path / "x", one])] == [one, other]
    assert [recipe.name for recipe in recipes([str(tmp_path / "x")], None)] == ["a", "a-1"]


def test_absent_contents_are_handed_on_and_refused_where_there_are_no_others(tmp_path):
    (tmp_path / "empty").mkdir()
    one, faults = paint(tmp_path / "a.jpg"), []
    found = contents([tmp_path / "empty", one, Path("nowhere")], left_out=faults.append)
    assert [content.path for content in found] == [one]
    assert [str(fault).partition(" in ")[0] for fault in faults] == [
        "--content: no pictures",
        "--content: no such file or folder: 'nowhere'",
    ]
    with pytest.raises(UserError, match="--content: no such file or folder: 'nowhere'"):
        contents([tmp_path.relative_to(tmp_path) / "nowhere"])
    with pytest.raises(UserError, match="--content: no pictures in"):
        contents([tmp_path / "empty"])


def test_the_largest_is_known_without_decoding(tmp_path):
    paint(tmp_path / "a.png", 40, 90), paint(tmp_path / "b.png", 70, 50)
    (tmp_path / "c.png").write_bytes(b"broken")
    found = contents([tmp_path])
    assert largest(found, None) == (40, 90)
    assert largest(found, 180) == (180, 129)
    assert largest(contents([tmp_path / "c.png"]), 180) is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("2GiB", 2**31), ("500MB", 500_000_000), ("1.5 gib", 3 * 2**29), ("4096", 4096), ("1e6", 10**6), ("3KiB", 3072)],
)
def test_memory_is_in_the_usual_units(text, count):
    assert bytes_of(text) == count


@pytest.mark.parametrize("text", ["", "much", "4TB", "-1GiB", "0", "inf", "nan", "GiB"])
def test_other_memory_is_refused(text):
    with pytest.raises(UserError, match="--max-memory: must be like 4GiB or 500MB"):
        bytes_of(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (2**31, "2 GiB"), (3 * 2**29, "1.5 GiB"), (190 * 2**30, "190 GiB"), (2**52, "4,194,304 GiB"),
        (500 * 2**20, "500 MiB"), (10**6, "977 KiB"), (1, "1 B"), (0, "0 B"), (1023, "1,023 B"), (1536, "1.5 KiB"),
    ],
)  # fmt: skip
def test_memory_is_told_in_the_unit_that_suits_it(count, text):
    assert bytes_told(count) == text
