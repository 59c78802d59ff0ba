import pytest
import torch
from torch import nn

from atelier.losses.penalties import Critique
from atelier.losses.reconstruction import Reconstruction, distance
from atelier.networks.fastgan import Discriminator


def test_distance_of_equal_pictures_is_zero_and_of_a_constant_is_that():
    images = torch.randn(2, 3, 16, 16)
    assert distance(images, images) == 0
    torch.testing.assert_close(distance(images + 0.3, images).item(), 0.3)
    torch.testing.assert_close(distance(images - 0.3, images).item(), 0.3)


@pytest.mark.parametrize(("side", "scales"), [(1, 1), (2, 2), (4, 3), (8, 4)])
def test_distance_sees_a_pattern_at_the_scales_it_survives(side, scales):
    """A chessboard of +1 and -1 averages out wherever pixels are larger than its squares."""
    rows = torch.arange(32) // side % 2
    board = 1.0 - 2 * (rows[:, None] ^ rows)
    torch.testing.assert_close(distance(board.expand(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)).item(), scales / 4)


class Echo(nn.Module):
    """Draws what it is given, brighter."""

    def decode(self, features):
        return [(feature + 0.1 * (k + 1), feature) for k, feature in enumerate(features)]


def critique(discriminator, features):
    nothing = torch.zeros(2)
    return Critique(discriminator, nothing, nothing, nothing, nothing, features, None, None, discriminator)


def test_the_pictures_distances_add_up():
    features = tuple(torch.randn(2, 2, 3, 8, 8))
    torch.testing.assert_close(Reconstruction(weight=1).measure(critique(Echo(), features)).item(), 0.3)
    torch.testing.assert_close(Reconstruction(weight=2)(critique(Echo(), features), update=1).item(), 0.6)


def test_half_precision_features_are_decoded_in_single():
    features = tuple(torch.ones(2, 2, 3, 8, 8, dtype=torch.bfloat16))
    assert Reconstruction(weight=1)(critique(Echo(), features), update=1).dtype == torch.float32


def test_it_reaches_the_decoders_and_what_the_head_reads_but_not_the_head():
    discriminator = Discriminator(32, width=4)
    features = discriminator.features(torch.rand(2, 3, 32, 32))
    Reconstruction(weight=1)(critique(discriminator, features), update=1).backward()
    reached = {name.partition(".")[0] for name, p in discriminator.named_parameters() if p.grad is not None}
    assert reached == {"to_16", "to_8", "decode_part", "decode_whole"}
    assert discriminator.to_16[0].weight.grad.abs().sum() > 0


def test_a_discriminator_learns_to_draw():
    torch.manual_seed(0)
    discriminator = Discriminator(16, width=8, norm=None)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=5e-3)
    images = torch.tensor([-0.5, 0.5])[:, None, None, None].expand(2, 3, 16, 16)
    losses = []
    for _ in range(40):
        loss = Reconstruction(weight=1)(critique(discriminator, discriminator.features(images)), update=1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(1.0, abs=0.1)  # grey: half off, in both pictures
    assert losses[-1] < 0.3
