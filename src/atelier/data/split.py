"""Which pictures are for training and which for validation, whatever the run's seed and the files' order."""

import numpy as np


def split(digests: np.ndarray, held_out: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers for training and for validation, ascending, disjoint, together all of at least one picture.

    `held_out`, bool (N,), are the collection's own validation pictures and win where there are any. Otherwise
    `share` of the pictures is held out, at least one: those whose `digests`, uint8 (N, 16), come first.
    Pictures with the same pixels are on the same side, even where that makes it larger.
    """
    if held_out.any():
        return np.flatnonzero(~held_out), np.flatnonzero(held_out)
    # numbers of 64 bits, and only as much of an order as is asked for: to sort 10^7 digests takes a minute and a half
    high, low = np.ascontiguousarray(digests).view(">u8").astype(np.uint64).T
    count = max(1, round(share * len(high)))
    last = np.partition(high, count - 1)[count - 1]
    first = high < last
    tied = np.flatnonzero(high == last)
    first[tied] = low[tied] <= np.sort(low[tied])[count - 1 - np.count_nonzero(first)]
    return np.flatnonzero(~first), np.flatnonzero(first)
