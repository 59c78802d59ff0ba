import pytest
import torch
from torch.nn.functional import conv_transpose2d

from atelier.networks.one_place import FromOnePlace


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_it_is_the_transposed_convolution(bias, memory):
    layer = FromOnePlace(5, 3, 4, bias=bias).double().to(memory_format=memory)
    latents = torch.randn(2, 5, 1, 1, dtype=torch.float64, requires_grad=True)
    sides = []
    for maps in (layer(latents), conv_transpose2d(latents, layer.weight, layer.bias)):
        assert maps.shape == (2, 3, 4, 4)
        slopes = torch.autograd.grad(maps.sin().sum(), [latents, *layer.parameters()])
        sides.append([maps.detach(), *slopes])
    torch.testing.assert_close(*sides)


def test_half_precision_stays_half():
    layer, latents = FromOnePlace(5, 3, 4), torch.randn(2, 5, 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        maps, expected = layer(latents), conv_transpose2d(latents, layer.weight, layer.bias)
    assert maps.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(maps, expected, rtol=0.02, atol=0.02)


def test_maps_lie_channels_last_in_memory():
    maps = FromOnePlace(5, 3, 4).to(memory_format=torch.channels_last)(torch.randn(2, 5, 1, 1))
    assert maps.is_contiguous(memory_format=torch.channels_last)
