import pytest

from atelier.callbacks.health.chart import Chart


@pytest.fixture
def chart():
    return Chart()


def test_a_symptom_is_believed_at_the_second_look_in_a_row_and_told_once(chart, told):
    looks = ["ill", None, "ill", "very ill", "very ill"]
    believed = [chart.note({"a": found, "b": None}, step) for step, found in enumerate(looks, start=1000)]
    assert believed == [set(), set(), set(), {"a"}, {"a"}]
    assert told() == ["health: at step 1,003 very ill"]


def test_what_is_forgotten_must_be_seen_twice_again(chart):
    assert [chart.note({"a": "ill"}, step) for step in range(2)][1] == {"a"}
    chart.forget("a")
    assert [chart.note({"a": "ill"}, step) for step in range(2)] == [set(), {"a"}]


def test_what_is_told_at_once_is_told_once(chart, told):
    chart.tell("a", "ill", 7)
    chart.tell("a", "ill", 8)
    chart.tell("b", "tired", 9)
    assert told() == ["health: at step 7 ill", "health: at step 9 tired"]


def test_what_was_seen_and_told_goes_on(chart, told):
    chart.note({"a": "ill"}, 1)
    chart.tell("b", "tired", 1)
    other = Chart()
    other.load_state_dict(chart.state_dict())
    assert other.note({"a": "ill"}, 2) == {"a"}
    other.tell("b", "tired", 2)
    assert told() == ["health: at step 1 tired", "health: at step 2 ill"]
