from types import SimpleNamespace

import pytest
import torch

from atelier.callbacks.seam import SeamScore, seam


class Tiler:
    def __init__(self, images, **attributes):
        self.images, self.logged = images, {}
        vars(self).update(attributes)

    def sample(self, count, generator=None):
        assert (count, generator.initial_seed()) == (64, 0)
        return self.images

    def log(self, name, value):
        self.logged[name] = value


def validated(task):
    SeamScore().on_validation_epoch_end(SimpleNamespace(), task)
    return task.logged


def wave(size):
    """Tiles in both directions; its phase is random, so that no pixel is special."""
    phase = torch.rand(500, 1, 1, 1, generator=torch.Generator().manual_seed(0)) * 2 * torch.pi
    along = torch.arange(size) * 2 * torch.pi / size
    return (along + phase).sin() + (along[:, None] + phase).cos()


def test_what_tiles_has_no_seam():
    assert seam(wave(16)) == pytest.approx(1, rel=0.05)


def test_noise_is_as_rough_at_the_edges_as_inside():
    images = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert seam(images) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("axis", [2, 3])
def test_a_ramp_jumps_back_by_all_its_steps(axis):
    ramp = torch.arange(8.0).expand(2, 3, 8, 8).transpose(3, axis)
    assert seam(ramp) == pytest.approx(7)  # from 7 to 0, where neighbours inside differ by 1


def test_where_the_images_are_roughest_does_not_matter_if_they_tile():
    along = torch.arange(32) * 2 * torch.pi / 32
    images = (along.sin() + along[:, None].sin()).expand(4, 3, 32, 32)  # steepest at the edge, and in the middle
    assert seam(images) == pytest.approx(1, rel=0.01)


def test_rolling_hides_no_seam_from_the_eye_but_moves_it_from_the_edge():
    ramp = torch.arange(8.0).expand(2, 3, 8, 8)
    assert seam(ramp.roll(3, 3)) == pytest.approx(1 / 7)  # 1 across; inside, six 1s and a 7


def test_plain_images_have_none():
    assert seam(torch.zeros(2, 3, 4, 4)) == 1


def test_only_what_is_to_tile_is_scored():
    ramp = torch.arange(8.0).expand(64, 3, 8, 8)
    assert validated(Tiler(ramp, seamless=True)) == {"val/seam": pytest.approx(7)}
    assert validated(Tiler(ramp, seamless=False)) == {}
    assert validated(Tiler(ramp)) == {}


def test_a_score_is_of_one_image_at_least():
    with pytest.raises(ValueError, match="count must be >= 1, got 0"):
        SeamScore(count=0)
