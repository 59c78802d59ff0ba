import pytest
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.nn.functional import instance_norm
from torch.testing import assert_close

from atelier.moments import diagonal
from atelier.networks.instance_norm import InstanceNorm, mixture_of

each_layout = pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["NCHW", "NHWC"])


def norm(channels=5, styles=1):
    torch.manual_seed(0)
    layer = InstanceNorm(channels, styles)
    nn.init.normal_(layer.gain)
    nn.init.normal_(layer.bias)
    return layer


def features(*size, layout=torch.contiguous_format):
    return (3 * torch.randn(*size, generator=torch.Generator().manual_seed(1)) + 2).contiguous(memory_format=layout)


@each_layout
def test_with_one_style_it_is_the_layer_of_torch(layout):
    layer, maps = norm(), features(2, 5, 6, 7, layout=layout)
    assert_close(layer(maps), instance_norm(maps, weight=layer.gain[0], bias=layer.bias[0]), check_stride=False)


@each_layout
def test_each_picture_has_the_gain_and_bias_of_its_style(layout):
    layer, maps = norm(styles=3), features(2, 5, 6, 7, layout=layout)
    made = layer(maps, mixture_of(torch.tensor([2, 0]), 3))
    for style, one, result in zip((2, 0), maps, made, strict=True):
        assert_close(result, instance_norm(one[None], weight=layer.gain[style], bias=layer.bias[style])[0])


def test_styles_mix_linearly_and_so_do_their_results():
    layer, maps = norm(styles=3), features(2, 5, 6, 7)
    weights = torch.tensor([[0.2, 0.5, 0.3], [1.5, 0.0, -0.5]])
    alone = torch.stack([layer(maps, mixture_of(torch.tensor([style, style]), 3)) for style in range(3)], 1)
    assert_close(layer(maps, mixture_of(weights, 3)), (weights[..., None, None, None] * alone).sum(1))


@each_layout
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_channels_far_from_zero_keep_their_contrast(layout, offset):
    maps = (torch.randn(1, 8, 256, 256, generator=torch.Generator().manual_seed(0)) + offset).contiguous(
        memory_format=layout
    )
    assert_close(norm(8)(maps).double(), norm(8).double()(maps.double()), rtol=0, atol=5e-4, check_stride=False)


@each_layout
@pytest.mark.parametrize("mixture", [None, torch.eye(3)[[1, 0]], torch.eye(3)[[2]]], ids=["one", "each", "alike"])
def test_a_part_by_the_moments_of_the_whole_is_that_part_of_the_whole(layout, mixture):
    layer, maps = norm(styles=1 if mixture is None else 3), features(2, 5, 6, 9, layout=layout)
    made = layer(maps[..., 1:4, 2:], mixture, diagonal(maps))
    assert_close(made, layer(maps, mixture)[..., 1:4, 2:], check_stride=False)


@pytest.mark.parametrize("given", [False, True], ids=["own moments", "given moments"])
def test_gradients(given):
    layer, maps = norm(2, 2).double(), features(2, 2, 3, 2).double().requires_grad_()
    mixture = torch.tensor([[0.3, 0.7], [1, 0]], dtype=torch.float64)
    moments = diagonal(maps.detach() + 1) if given else None
    assert gradcheck(lambda maps: layer(maps, mixture, moments), maps)


def test_indices_are_weights_of_one():
    assert_close(mixture_of(torch.tensor([1, 0]), 3), torch.tensor([[0.0, 1, 0], [1, 0, 0]]))
    assert mixture_of(None, 1) is None


@pytest.mark.parametrize(
    ("style", "got"),
    [
        (None, "None"),
        (torch.zeros(2), r"torch.float32 \(2,\)"),
        (torch.zeros(2, 4), r"torch.float32 \(2, 4\)"),
        (torch.tensor(1), r"torch.int64 \(\)"),
    ],
)
def test_what_is_no_style_is_told(style, got):
    with pytest.raises(ValueError, match=rf"style must be indices \(B,\) or weights \(B, 3\), got {got}"):
        mixture_of(style, 3)


def test_there_is_a_style():
    with pytest.raises(ValueError, match="styles must be at least 1, got 0"):
        InstanceNorm(4, styles=0)
