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
    _, inverse = np.unique(digests, axis=0, return_inverse=True)
    rank = inverse.ravel()  # among the digests; equal pictures share theirs
    last = np.sort(rank)[max(1, round(share * len(rank))) - 1]
    return np.flatnonzero(rank > last), np.flatnonzero(rank <= last)
