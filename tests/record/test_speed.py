import pytest

from atelier.record import speed
from atelier.record.speed import Speed


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr(speed, "monotonic", lambda: Clock.now)
    return Clock


def test_validation_does_not_slow_the_images(clock):
    measured = Speed(images=0, step=0)
    clock.now += 10
    measured.pause()
    clock.now += 90
    assert measured.images_per_second(1000) == pytest.approx(100)
    measured.go_on()
    clock.now += 10

    assert measured.images_per_second(2000) == pytest.approx(100)


def test_speed_is_of_late(clock):
    measured = Speed(images=0, step=0)
    for images in range(0, 100 * speed.LOOKS, 100):  # slow
        clock.now += 10
        measured.images_per_second(images)
    for _ in range(speed.LOOKS):  # ten times as fast
        clock.now += 1
        images += 100
        measured.images_per_second(images)

    assert measured.images_per_second(images) == pytest.approx(100)


def test_a_look_at_no_new_image_changes_nothing(clock):
    measured = Speed(images=500, step=0)
    assert measured.images_per_second(500) == 0
    clock.now += 1
    assert measured.images_per_second(510) == pytest.approx(10)
    clock.now += 1
    assert measured.images_per_second(510) == pytest.approx(10)


def test_the_time_left_includes_validations_and_starts_where_the_run_was_resumed(clock):
    measured = Speed(images=0, step=1000)
    assert measured.seconds_left(1000, 2000) is None
    clock.now += 10
    measured.pause()
    clock.now += 10
    measured.go_on()

    assert measured.seconds_left(1100, 2000) == pytest.approx(180)
    assert measured.seconds_left(2000, 2000) is None
    assert measured.seconds_left(1100, -1) is None
