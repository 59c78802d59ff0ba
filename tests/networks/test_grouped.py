"""Grouped convolutions that are differentiated twice: torch's own as a reference, and how they are done."""

from functools import partial

import pytest
import torch
from counting import Counted
from torch import nn
from torch.autograd import grad, gradcheck, gradgradcheck
from torch.testing import assert_close

from atelier.networks.grouped import GroupedConv2d
from atelier.networks.twice import differentiable_twice

GEOMETRIES = {
    "plain": {},
    "padded": {"padding": 1},
    "strided": {"stride": 2, "padding": (0, 1)},
    "dilated": {"dilation": 2, "bias": False},
}
each_geometry = pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
each_layout = pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["NCHW", "NHWC"])


def layer(groups=2, **geometry):
    torch.manual_seed(0)
    return GroupedConv2d(4, 8, 3, groups=groups, dtype=torch.float64, **geometry)


def maps(layout=torch.contiguous_format):
    drawn = torch.randn(2, 4, 7, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return drawn.contiguous(memory_format=layout).requires_grad_()


def penalty(forward, images):
    """What a step with a penalty is made of: a nonlinear function of a map's slopes, and its own slopes."""
    (slopes,) = grad(forward(images).tanh().square().sum(), images, create_graph=True)
    return slopes, (slopes.square().sum() + slopes.sin().sum())


@each_layout
@each_geometry
def test_every_derivative_is_torchs(geometry, layout):
    convolution, images = layer(**geometry).to(memory_format=layout), maps(layout)
    of = [images, *convolution.parameters()]
    with differentiable_twice():
        slopes, loss = penalty(convolution, images)
    expected_slopes, expected = penalty(partial(nn.Conv2d.forward, convolution), images)
    assert_close(slopes, expected_slopes)
    assert_close(grad(loss, of), grad(expected, of))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_its_derivatives_are_those_of_differences(groups):
    convolution = layer(groups, padding=1)
    with differentiable_twice():

        def drawn(images, weight, bias):
            return torch.func.functional_call(convolution, {"weight": weight, "bias": bias}, images)

        of = maps()[:1, :, :4, :4].detach().requires_grad_(), *convolution.parameters()
        assert gradcheck(drawn, of, fast_mode=True)
        assert gradgradcheck(drawn, of, fast_mode=True)


@pytest.mark.parametrize("learns", ["maps", "weight"])
def test_what_does_not_learn_costs_nothing(learns):
    convolution, images = layer(padding=1), maps()
    convolution.weight.requires_grad_(learns == "weight")
    images.requires_grad_(learns == "maps")
    with differentiable_twice(), Counted() as counted:
        convolution(images).square().sum().backward()
    assert (images.grad is None) == (learns == "weight")
    assert (convolution.weight.grad is None) == (learns == "maps")
    assert counted.names == ["convolution", "convolution_backward"]


def test_a_slope_of_slopes_is_taken_of_all_groups_at_once():
    """Torch's own has as many convolutions as groups: what makes a step of many groups slow."""
    counts = {}
    for groups in (2, 4):
        convolution, images = layer(groups, padding=1), maps()
        for name, forward in (("ours", convolution), ("torch's", partial(nn.Conv2d.forward, convolution))):
            with differentiable_twice(), Counted() as counted:
                grad(penalty(forward, images)[1], [images, *convolution.parameters()])
            counts[name, groups] = len(counted.names)
    assert counts["ours", 2] == counts["ours", 4]
    assert counts["torch's", 2] < counts["torch's", 4]


def test_elsewhere_it_is_torchs_own_layer():
    assert type(layer()(maps()).grad_fn).__name__ == "ConvolutionBackward0"


@pytest.mark.parametrize(
    ("geometry", "images"),
    [({"padding": "same"}, maps()), ({"padding": 1, "padding_mode": "circular"}, maps()), ({}, maps()[0])],
    ids=["same", "circular", "unbatched"],
)
def test_what_ours_is_not_for_is_torchs_too(geometry, images):
    convolution = layer(**geometry)
    with differentiable_twice():
        drawn = convolution(images)
    assert_close(drawn, nn.Conv2d.forward(convolution, images), rtol=0, atol=0)


def test_in_mixed_precision_it_is_autocasts():
    convolution, images = layer().float(), maps().float()
    with differentiable_twice(), torch.autocast("cpu", torch.bfloat16):
        drawn = convolution(images)
        expected = nn.Conv2d.forward(convolution, images)
    assert drawn.dtype == torch.bfloat16
    assert_close(drawn, expected, rtol=0, atol=0)
