"""A published value with the published weights. On a CPU it takes some hours, on a GPU a minute or two."""

import pytest
import torch

from atelier.data.collections import Cifar10
from atelier.metrics.choices import extractor
from atelier.metrics.scoring import Scores


@pytest.mark.network
def test_the_is_of_cifar10s_training_images_is_that_of_torch_fidelitys_documentation():
    """`fidelity --isc --input1 cifar10-train` gives 11.23678 ± 0.09514061, with splits drawn by chance."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = Cifar10(image_size=32, batch_size=64, seed=0)
    data.prepare()
    scores = Scores(extractor("inception"), ["fid", "is"], count=50_000)
    scores.fetch()
    scores.prepare(data.train_pixels, device)
    start = 0
    for images in data.train_pixels.batches(256):
        scores.update(images, torch.arange(start, start + len(images)))
        start += len(images)
    found = scores.compute()
    assert start == 50_000
    assert found["is"] == pytest.approx(11.23678, abs=0.05)
    assert found["is_deviation"] == pytest.approx(0.095, abs=0.05)
    assert found["fid"] == pytest.approx(0, abs=1e-3)
