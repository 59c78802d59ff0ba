import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.data.split import split


def digests_of(contents):
    """A digest for each content: equal for equal ones."""
    return np.stack([np.random.default_rng(content).bytes(16) for content in contents]).view(np.uint8).reshape(-1, 16)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.floats(0.01, 0.99), st.randoms())
def test_content_decides(contents, share, random):
    digests, none = digests_of(contents), np.zeros(len(contents), bool)
    training, validation = split(digests, none, share)
    assert sorted([*training, *validation]) == list(range(len(contents)))
    assert not {contents[row] for row in training} & {contents[row] for row in validation}
    assert len(validation) >= max(1, round(share * len(contents)))

    order = random.sample(range(len(contents)), len(contents))  # the same pictures under other names
    again = split(digests[order], none, share)[1]
    assert sorted(contents[order[row]] for row in again) == sorted(contents[row] for row in validation)


@pytest.mark.parametrize(("share", "wanted"), [(0.001, 1), (0.1, 10), (0.25, 25)])
def test_as_many_as_asked_for_where_all_differ(share, wanted):
    _, validation = split(digests_of(range(100)), np.zeros(100, bool), share)
    assert len(validation) == wanted


def test_the_collections_own_choice_wins():
    held_out = np.arange(10) % 3 == 0
    training, validation = split(digests_of([0] * 10), held_out, 0.5)
    assert validation.tolist() == [0, 3, 6, 9]
    assert training.tolist() == [1, 2, 4, 5, 7, 8]
