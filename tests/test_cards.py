"""What makes two scores be of one kind, so that the lower is the better."""

import pytest

from atelier.cards import differing, measure, recorded

CARD = {"extractor": "embedded", "generated_images": 100, "seed": 0, "measures": {"psnr": {"peak": 255}}}
OF_KID = measure("kid", CARD, "0123")


@pytest.mark.parametrize(
    ("monitor", "card", "data", "changed"),
    [
        ("kid", CARD, "0123", []),
        ("kid", CARD | {"seed": 1, "splits": 10}, "0123", []),  # another score beside the others
        ("kid", CARD | {"measures": {"psnr": {"peak": 255}, "ssim": {"window": 11}}}, "0123", []),
        ("kid", CARD | {"measures": {"psnr": {"peak": 1}}}, "0123", ["measures"]),
        ("kid", CARD | {"generated_images": 50}, "0123", ["generated_images"]),
        ("fid", CARD, "4567", ["monitor", "data"]),
    ],
)
def test_a_measure_is_its_score_its_protocol_and_its_pictures(monitor, card, data, changed):
    assert differing(OF_KID, measure(monitor, card, data)) == changed


def test_of_what_a_record_does_not_have_nothing_is_known():
    assert differing(recorded({}), OF_KID) == []
    assert differing(recorded({"card": CARD, "monitor": "fid"}), OF_KID) == ["monitor"]
