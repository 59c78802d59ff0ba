import pytest
import torch
from torch import nn

from atelier.networks.conditional_norm import ClassNorm, VectorNorm
from atelier.networks.spectral import normalize_spectrally


def features(batch=6):
    return 3 * torch.randn(batch, 4, 5, 5) + 1


def test_without_classes_it_is_batch_norm():
    ours, torchs = ClassNorm(4), nn.BatchNorm2d(4)
    nn.init.normal_(ours.gain)
    nn.init.normal_(ours.bias)
    torchs.load_state_dict({"weight": ours.gain[0], "bias": ours.bias[0]}, strict=False)
    for _ in range(2):
        batch = features()
        torch.testing.assert_close(ours(batch), torchs(batch))
    torch.testing.assert_close(ours.eval()(batch), torchs.eval()(batch))


def test_each_class_has_a_gain_and_a_bias_of_its_own():
    norm, batch = ClassNorm(4, classes=3), features()
    with torch.no_grad():
        norm.gain[1], norm.bias[1] = 2, 5
    plain, changed = norm(batch, torch.zeros(6, dtype=torch.long)), norm(batch, torch.ones(6, dtype=torch.long))
    torch.testing.assert_close(changed, 2 * plain + 5)


def test_statistics_are_the_batchs_in_training_and_running_ones_in_evaluation():
    norm, labels = ClassNorm(4, classes=2), torch.arange(6) % 2
    for _ in range(60):  # 0.9^60: the running averages have forgotten where they started
        drawn = norm(features(), labels)
    torch.testing.assert_close(drawn.mean((0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    norm.eval()
    batch = features()
    torch.testing.assert_close(norm(batch, labels)[:2], norm(batch[:2], labels[:2]))
    torch.testing.assert_close(norm.normalize.running_mean, torch.ones(4), atol=0.5, rtol=0)
    torch.testing.assert_close(norm.normalize.running_var, torch.full((4,), 9.0), atol=2.5, rtol=0)


def test_spectral_normalisation_leaves_the_classes_gains_alone():
    norm = ClassNorm(4, classes=3)
    before, batch = norm(features := torch.randn(2, 4, 3, 3), torch.tensor([0, 2])), features
    normalize_spectrally(norm)
    torch.testing.assert_close(norm(batch, torch.tensor([0, 2])), before)


def test_gain_and_bias_of_a_vector():
    norm, batch, vectors = VectorNorm(4, width=3), features(), torch.randn(6, 3)
    normalized = (batch - batch.mean((0, 2, 3), keepdim=True)) / batch.std((0, 2, 3), correction=0, keepdim=True)
    gain, bias = 1 + vectors @ norm.gain.weight.T, vectors @ norm.bias.weight.T
    torch.testing.assert_close(
        norm(batch, vectors), torch.einsum("bchw,bc->bchw", normalized, gain) + bias[..., None, None]
    )


@pytest.mark.parametrize("vectors", [torch.zeros(6, 3)])
def test_a_vector_of_nothing_asks_for_plain_normalisation(vectors):
    batch = features()
    torch.testing.assert_close(VectorNorm(4, width=3)(batch, vectors), ClassNorm(4)(batch))
