"""Encoders are read when they are first looked through, stay out of checkpoints, and follow their task."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier import encoders
from atelier.encoders import Encoder
from atelier.errors import UserError
from atelier.networks import vgg_estimated
from atelier.networks.embedded import Embedded
from atelier.networks.slim import SlimDecoder, SlimEncoder
from atelier.networks.vgg import WIDTHS, Vgg19


def pictures(size=(32, 32)):
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def counted(log):
    """An encoder that notes when it is fetched and read."""

    def read():
        log.append("read")
        return SlimEncoder(2)

    return Encoder("counted", {"relu1_1": 16}, read, lambda: log.append("fetched"))


def test_it_is_read_once_when_it_is_first_looked_through():
    log = []
    encoder = counted(log)
    assert log == []
    for _ in range(2):
        encoder.taps(pictures(), ["relu1_1"])
    assert log == ["fetched", "read"]


def test_fetching_reads_nothing():
    log = []
    counted(log).fetch()
    assert log == ["fetched"]


def test_a_task_that_has_one_neither_saves_nor_trains_nor_counts_it():
    task = nn.Module()
    task.encoder = encoders.embedded()
    task.encoder.taps(pictures(), ["relu1_1"])
    assert not task.state_dict()
    assert not [*task.parameters()]
    task.train()
    assert not task.encoder.network.training


def test_it_sees_what_its_network_sees_and_gradients_reach_the_images():
    images = pictures().requires_grad_()
    seen = encoders.embedded().taps(images, ["relu2_1"])["relu2_1"]
    assert_close(seen, Embedded.pretrained().taps(images, ["relu2_1"])["relu2_1"])
    seen.sum().backward()
    assert images.grad.abs().sum() > 0


@pytest.mark.parametrize("read_first", [True, False])
def test_it_follows_its_task_to_another_device(read_first):
    task = nn.Module()
    task.encoder = encoders.embedded()
    if read_first:
        assert task.encoder.network.convolutions["relu1_1"].weight.device.type == "cpu"
    task.to("meta")
    assert {weights.device.type for weights in task.encoder.network.parameters()} == {"meta"}


def test_reading_draws_no_random_numbers():
    """A run that reads one in its midst and a run that does not must go on alike."""
    before = torch.get_rng_state()
    encoders.embedded().taps(pictures(), ["relu1_1"])
    assert torch.equal(torch.get_rng_state(), before)


NETWORKS = {
    "embedded": Embedded.pretrained,
    "slim": SlimEncoder,
    "estimated": vgg_estimated.VggEstimated,
    "vgg19": Vgg19,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_wrapped_one_sees_a_picture_that_tiles_wherever_it_is_cut(name):
    torch.manual_seed(0)
    network = NETWORKS[name]().requires_grad_(False)
    taps = ["relu1_1", "relu2_1", "relu3_1"]
    encoder = Encoder(name, {}, lambda: network)
    encoder.wrap()
    seen, shifted = (encoder.taps(images, taps) for images in (pictures(), pictures().roll((8, 12), (2, 3))))
    for tap, stride in zip(taps, (1, 2, 4), strict=True):
        assert_close(shifted[tap], seen[tap].roll((8 // stride, 12 // stride), (2, 3)), rtol=1e-4, atol=1e-5)


def test_without_wrapping_the_border_shows():
    encoder = encoders.embedded()
    seen, shifted = (encoder.taps(images, ["relu1_1"])["relu1_1"] for images in (pictures(), pictures().roll(8, 2)))
    assert (shifted - seen.roll(8, 2)).abs().max() > 0.01


def test_absent_weights_are_one_line_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    with pytest.raises(UserError, match="encoder: no weights at .*encoder.weights; encoder=embedded") as caught:
        encoders.vgg19_slim().fetch()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "make", [encoders.vgg19, encoders.vgg19_slim, encoders.vgg19_estimated, encoders.vgg19_normalised]
)
def test_a_file_of_ones_own_must_be_there(make, tmp_path):
    with pytest.raises(ValueError, match="weights: no such file: 'nowhere.pth'"):
        make("nowhere.pth")


@pytest.mark.parametrize(
    "make", [encoders.vgg19, encoders.vgg19_slim, encoders.vgg19_estimated, encoders.vgg19_normalised]
)
def test_a_file_that_is_no_network_is_one_line(make, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_text("not found")
    encoder = make(str(path))
    encoder.fetch()
    with pytest.raises(UserError, match="weights.pth cannot be read as weights") as caught:
        encoder.taps(pictures(), ["relu1_1"])
    assert "\n" not in str(caught.value)


def test_what_it_says_of_its_widths_is_true(shared_data):
    path = str(shared_data / "weights" / encoders.SLIM_FILE)
    for encoder in (
        encoders.embedded(),
        encoders.vgg19_slim(path),
        encoders.vgg19_slim(path, 3),
        encoders.vgg19_estimated(path),
        encoders.vgg19_estimated(path, 3),
    ):
        seen = encoder.taps(pictures(), encoder.widths)
        assert {tap: activation.shape[1] for tap, activation in seen.items()} == dict(encoder.widths)


@pytest.mark.parametrize(
    ("make", "level"), [(encoders.vgg19_slim, 4), (encoders.vgg19_estimated, 4), (encoders.vgg19_estimated, 5)]
)
def test_a_distilled_decoder_begins_as_the_file_has_it_and_learns(shared_data, make, level):
    path = str(shared_data / "weights" / encoders.SLIM_FILE)
    widths = make(path, level).widths
    decoder = encoders.slim_decoder(widths, "relu4_1", path)
    features = torch.randn(1, widths["relu4_1"], 4, 4)
    made = {128: SlimDecoder.pretrained, 512: vgg_estimated.decoder}[widths["relu4_1"]]
    torch.testing.assert_close(decoder(features), made(Path(path), 4)(features))
    decoder(features).mean().backward()
    assert all(weights.grad.abs().sum() > 0 for weights in decoder.parameters())


@pytest.mark.parametrize(
    "widths",
    [encoders.vgg19_slim(level=5).widths, encoders.vgg19_estimated(level=3).widths, encoders.embedded().widths],
)
def test_a_distilled_decoder_is_of_one_encoder_and_level(widths):
    with pytest.raises(ValueError, match=r"vgg19_slim with encoder.level=4 before it, or vgg19_estimated with 4 or"):
        encoders.slim_decoder(widths, "relu4_1")


def test_a_distilled_decoder_is_not_vgg_19s_nor_of_any_other_tap():
    with pytest.raises(ValueError, match="got other widths"):
        encoders.slim_decoder({name: width for name, width in WIDTHS.items() if name.startswith("relu")}, "relu1_1")
    with pytest.raises(ValueError, match="deepest must be the first tap of a stage, as relu4_1, got 'relu4_2'"):
        encoders.slim_decoder(encoders.vgg19_estimated().widths, "relu4_2")
