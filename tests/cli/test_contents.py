"""What stylised pictures are called after."""

from atelier.cli.contents import joined_names


def test_names_of_files_stay_different_and_dots_of_others_stay():
    assert joined_names(["a/b.jpg", "a-b.png", "St. Ives", "b.JPEG"]) == ["a-b", "a-b-1", "St. Ives", "b"]
