"""Means and covariances of activations on a GPU keep all of float32."""

import pytest
import torch
from torch.testing import assert_close

from atelier import moments

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("of", [moments.full, moments.diagonal])
@pytest.mark.parametrize("half", [False, True], ids=["float32", "under autocast"])
def test_they_are_those_of_a_cpu_in_double_precision(of, half, device):
    activation = 3 + torch.randn(2, 64, 120, 160, generator=torch.Generator().manual_seed(0))
    with torch.autocast(device.type, torch.bfloat16, enabled=half):
        found = of(activation.to(device))
    expected = of(activation.double())
    assert found.mean.dtype == found.covariance.dtype == torch.float32
    for part, true in zip(found, expected, strict=True):
        assert_close(part.cpu().double(), true, rtol=1e-5, atol=1e-5)
