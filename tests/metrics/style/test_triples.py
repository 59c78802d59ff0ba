from pathlib import Path

import pytest

from atelier.errors import UserError
from atelier.metrics.style.triples import match


def files(folder, *names):
    return [Path(folder, name) for name in names]


def matched(content, style, stylised):
    """Of names without extension, as (content, style, stylised)."""
    folders = (files(folder, *(f"{name}.jpg" for name in names))
               for folder, names in (("content", content), ("style", style), ("fake", stylised)))  # fmt: skip
    return [tuple(path.stem for path in triple) for triple in match(*folders)]


def test_a_grid_is_matched_by_both_names_in_the_order_of_the_stylised_files():
    found = matched(["lion", "town"], ["wave", "scream"], ["town_stylized_wave", "lion_scream", "lion_stylized_wave"])
    assert found == [
        ("town", "wave", "town_stylized_wave"),
        ("lion", "scream", "lion_scream"),
        ("lion", "wave", "lion_stylized_wave"),
    ]


def test_extensions_and_folders_do_not_matter():
    (found,) = match(files("a/b", "lion.JPG"), files("c", "wave.webp"), files("d", "lion_stylized_wave.png"))
    assert found == (Path("a/b/lion.JPG"), Path("c/wave.webp"), Path("d/lion_stylized_wave.png"))


def test_names_may_hold_underscores_and_dots():
    assert matched(["golden_gate", "a.1"], ["la_muse"], ["golden_gate_la_muse", "a.1_stylized_la_muse"]) == [
        ("golden_gate", "la_muse", "golden_gate_la_muse"),
        ("a.1", "la_muse", "a.1_stylized_la_muse"),
    ]


def test_of_two_readings_the_longest_content_is_taken():
    assert matched(["a", "a_b"], ["c", "b_c"], ["a_b_c"]) == [("a_b", "c", "a_b_c")]


def test_a_content_that_leads_nowhere_gives_way_to_a_shorter_one():
    assert matched(["a", "a_b"], ["b_c"], ["a_b_c"]) == [("a", "b_c", "a_b_c")]


def test_stylized_goes_before_the_plain_underscore():
    assert matched(["a", "a_stylized"], ["b"], ["a_stylized_b"]) == [("a", "b", "a_stylized_b")]


def test_joints_may_overlap():
    assert matched(["a_"], ["b"], ["a__b"]) == [("a_", "b", "a__b")]
    assert matched(["a"], ["_b"], ["a__b"]) == [("a", "_b", "a__b")]


def test_numbered_folders_are_matched_as_styleid_names_them():
    assert matched(["00", "01"], ["00", "01"], ["00_stylized_01", "01_stylized_00"]) == [
        ("00", "01", "00_stylized_01"),
        ("01", "00", "01_stylized_00"),
    ]


def test_folders_of_the_same_names_are_matched_by_name():
    assert matched(["b", "a"], ["a", "b"], ["a", "b"]) == [("a", "a", "a"), ("b", "b", "b")]


def test_names_that_others_are_made_of_are_matched_by_name_where_all_folders_have_them():
    names = ["a", "a_a"]
    assert matched(names, names, names) == [("a", "a", "a"), ("a_a", "a_a", "a_a")]


@pytest.mark.parametrize(
    ("content", "style", "stylised"),
    [
        (["lion"], ["wave"], ["lion_wave", "lion_scream", "town_wave"]),
        (["lion"], ["wave"], ["lion_wave", "lion_scream"]),
        (["lion", "lion_scream"], ["lion_scream", "wave"], ["lion_wave", "lion_scream"]),
    ],
)
def test_the_first_file_without_a_match_is_named_with_the_rule(content, style, stylised):
    with pytest.raises(UserError, match=r"fake/lion_scream\.jpg has no content and style: stylised files are named"):
        matched(content, style, stylised)


def test_two_files_of_one_name_in_a_folder_are_refused():
    with pytest.raises(UserError, match=r"style/wave\.png and style/wave\.jpg have one name"):
        match(files("content", "lion.jpg"), files("style", "wave.jpg", "wave.png"), files("fake", "lion_wave.jpg"))


def test_nothing_stylised_gives_no_triples():
    assert matched(["lion"], ["wave"], []) == []
