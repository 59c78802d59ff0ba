import weakref

import pytest
import torch

from atelier.networks import embedded, vgg
from atelier.networks.slim import SlimEncoder
from atelier.networks.taps import margin, picked, reach, stage, stride
from atelier.networks.vgg_estimated import VggEstimated
from atelier.networks.vgg_normalised import WIDTHS, VggNormalised


def test_stages_and_strides():
    names = ("relu1_1", "relu4_1", "conv5_4", "relu12_3")
    assert [stage(name) for name in names] == [1, 4, 5, 12]
    assert [stride(name) for name in names] == [1, 8, 16, 2048]


@pytest.mark.parametrize("name", ["pool4_1", "relu", "relux_1"])
def test_what_is_no_tap_is_refused(name):
    with pytest.raises(ValueError, match=f"a tap must be named like relu4_1, got '{name}'"):
        stage(name)


def test_the_reach_of_vgg_19():
    depths = reach(vgg.WIDTHS)
    assert [depths[f"relu{number}_1"] for number in range(1, 6)] == [1, 4, 10, 30, 70]
    assert depths == reach(WIDTHS)
    assert margin(vgg.WIDTHS, ["relu1_1", "conv4_1"]) == 30


ENCODERS = {
    "vgg19": (vgg.Vgg19, "relu4_1", vgg.WIDTHS),
    "vgg_normalised": (VggNormalised, "relu4_1", WIDTHS),
    "embedded": (embedded.Embedded, "relu5_2", embedded.WIDTHS),
    "slim": (SlimEncoder, "relu5_1", SlimEncoder().widths),
    "estimated": (VggEstimated, "relu5_1", VggEstimated().widths),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_tile_differs_from_the_whole_as_deep_as_the_reach_and_no_deeper(name):
    make, tap, widths = ENCODERS[name]
    torch.manual_seed(0)
    network = make().requires_grad_(False).double()  # at its very end a reach is faint
    images = torch.rand(1, 3, 32, 288, dtype=torch.float64) * 2 - 1
    side, depths = 2 ** (stage(tap) - 1), reach(widths)
    whole, tile = network.taps(images, [tap])[tap], network.taps(images[..., 32:-32], [tap])[tap]

    change = (whole[..., 32 // side : -32 // side] - tile).abs().amax((0, 1, 2)) / whole.std()

    disturbed = -(-depths[tap] // side)  # rounded up
    assert change[disturbed:-disturbed].max() < 1e-11
    assert change[disturbed - 1] > 1e-11
    assert change[-disturbed] > 1e-11


def test_a_walk_ends_with_the_last_of_the_maps_and_keeps_no_other():
    seen = []

    def walk():
        for name in "abcd":
            activation = torch.zeros(1)
            seen.append(weakref.ref(activation))
            yield name, activation
            kept = name == "b"
            del activation
            assert (seen[-1]() is not None) == kept

    assert [*picked(walk(), ["c", "b", "c"], "abcd")] == ["b", "c"]
    assert len(seen) == 3
