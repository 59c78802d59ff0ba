"""What stylised pictures are called after."""

from atelier.cli.contents import joined_names


def test_names_of_files_stay_different_and_dots_of_others_stay():
    assert joined_names(["a/b.jpg", "a-b.png", "St. Ives", "b.JPEG"]) == ["a-b", "a-b-1", "St. Ives", "b"]


def test_a_number_is_one_that_no_other_file_has():
    assert joined_names(["candy-2.jpg", "candy.jpg", "candy.png"]) == ["candy-2", "candy", "candy-1"]
    assert joined_names(["candy-1.jpg", "candy.jpg", "candy.png"]) == ["candy-1", "candy", "candy-2"]
    assert joined_names(["a.png", "a.jpg", "a-1.png", "a.gif"]) == ["a", "a-1", "a-1-1", "a-2"]
