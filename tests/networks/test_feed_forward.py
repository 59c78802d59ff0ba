from functools import reduce

import pytest
import torch
from torch import nn
from torch.nn.functional import instance_norm, interpolate, relu
from torch.testing import assert_close

from atelier.moments import Moments, diagonal
from atelier.networks.feed_forward import STRIDE, FeedForward, whole_strides
from atelier.networks.padding import make_seamless
from atelier.networks.reflection import ENLARGING
from atelier.tiling import tiles

each_upsampling = pytest.mark.parametrize("upsampling", [*ENLARGING])
each_layout = pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["NCHW", "NHWC"])


def network(blocks=1, styles=1, width=4, upsampling="nearest"):
    torch.manual_seed(0)
    made = FeedForward(width, blocks, styles, upsampling)
    for name, parameter in made.named_parameters():
        if name.endswith(("norm.gain", "norm.bias")):
            nn.init.normal_(parameter, mean=float(name.endswith("gain")), std=0.3)
    return made.requires_grad_(False)


def pictures(*size):
    return 2 * torch.rand(*size, generator=torch.Generator().manual_seed(1)) - 1


def padded(convolution, features):
    """A convolution in two steps, as a reference."""
    around = nn.ReflectionPad2d(convolution.padding[0])(features)
    return torch.conv2d(around, convolution.weight, convolution.bias, convolution.stride)


def normalised(part, features):
    return instance_norm(features, weight=part.norm.gain[0], bias=part.norm.bias[0])


def reference(made, images):
    *down, first, second = made.parts
    features = images
    for part in down[:3]:
        features = relu(normalised(part, padded(part.convolution, features)))
    for block in down[3:]:
        inner = relu(normalised(block.first, padded(block.first.convolution, features)))
        features = features + normalised(block.second, padded(block.second.convolution, inner))
    for part in (first, second):
        enlarged = interpolate(features, scale_factor=2, mode=made.upsampling)
        features = relu(normalised(part, padded(part.convolution, enlarged)))
    return padded(made.to_pixels, features).tanh()


@each_layout
@each_upsampling
@pytest.mark.parametrize("blocks", [0, 2])
def test_it_is_the_network_of_the_paper(layout, blocks, upsampling):
    made, images = network(blocks, upsampling=upsampling).to(memory_format=layout), pictures(2, 3, 32, 24)
    assert_close(made(images.contiguous(memory_format=layout)), reference(made, images), rtol=1e-4, atol=1e-5)


def test_it_is_as_large_as_the_papers():
    """32, 64 and 128 channels and five blocks of two 3×3 convolutions, between two 9×9."""
    kernels = 2 * 3 * 32 * 81 + 9 * (2 * 32 * 64 + 2 * 64 * 128 + 10 * 128 * 128)
    assert sum(part.numel() for name, part in FeedForward().named_parameters() if name.endswith("weight")) == kernels


@pytest.mark.parametrize("size", [(16, 16), (17, 30), (23, 19)])
def test_any_size(size):
    made, images = network(), pictures(2, 3, *size)
    stylised = made(images)
    assert stylised.shape == images.shape
    assert stylised.abs().max() <= 1
    assert_close(stylised, made(whole_strides(images))[..., : size[0], : size[1]])


def test_pictures_and_styles_do_not_mix_within_a_batch():
    made, images = network(styles=3), pictures(2, 3, 16, 20)
    together = made(images, torch.tensor([2, 0]))
    apart = [made(image[None], torch.tensor([style])) for image, style in zip(images, (2, 0), strict=True)]
    assert_close(together, torch.cat(apart), rtol=1e-4, atol=1e-5)
    assert (together - made(images, torch.tensor([0, 2]))).abs().mean() > 0.01


def test_weights_mix_the_gains_and_biases():
    mixed, images, weights = network(styles=3), pictures(1, 3, 16, 20), torch.tensor([[0.5, 0.2, 0.3]])
    single = FeedForward(4, 1)
    state = {name: weights @ part if part.dim() == 2 else part for name, part in mixed.state_dict().items()}
    single.load_state_dict(state)
    assert_close(mixed(images, weights), single(images), rtol=1e-4, atol=1e-5)


@each_upsampling
@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_reach_is_how_far_a_pixel_is_seen(blocks, upsampling):
    """With averages for convolutions, and nothing for the norms to do, no path is blocked."""
    made = network(blocks, width=1, upsampling=upsampling).double()
    for name, parameter in made.named_parameters():
        nn.init.constant_(parameter, 1 / parameter[0].numel() if name.endswith("weight") else name.endswith("gain"))
    side = 2 * STRIDE * (made.reach // STRIDE + 2)
    reached = []
    for place in range(side // 2, side // 2 + STRIDE):
        images = torch.rand(1, 3, side, side, dtype=torch.float64).requires_grad_()
        stylised = walk([made.steps(images)], lambda maps: untouched(maps[0]))[0]
        (slope,) = torch.autograd.grad(stylised[0, 0, place, place], images)
        seen = slope[0, 0].nonzero()
        reached += [place - int(seen.min()), int(seen.max()) - place]
    assert max(reached) == made.reach


def untouched(maps):
    return Moments(torch.ones(1), maps.new_zeros(1, maps.shape[1]), maps.new_ones(1, maps.shape[1]))


def walk(walks, moments_of):
    """All at a time, each halt by the moments found of what all are about to normalise."""
    maps = [next(steps) for steps in walks]
    while True:
        moments, maps, ends = moments_of(maps), [], []
        for steps in walks:
            try:
                maps.append(steps.send(moments))
            except StopIteration as end:
                ends.append(end.value)
        if ends:
            return ends


@pytest.mark.parametrize("style", [None, torch.tensor([1]), torch.tensor([[0.4, 0.6]])], ids=["one", "index", "mix"])
@each_layout
@each_upsampling
def test_tiles_by_the_moments_of_all_are_the_whole(style, layout, upsampling):
    made = network(1, 1 if style is None else 2, upsampling=upsampling).to(memory_format=layout)
    images = pictures(1, 3, 72, 88).contiguous(memory_format=layout)
    cut = tiles(72, 88, 32, made.reach, STRIDE)

    def merged(maps):
        strides = [round(tile.window(images).shape[-1] / part.shape[-1]) for tile, part in zip(cut, maps, strict=True)]
        parts = [diagonal(tile.trimmed(part, stride)) for tile, part, stride in zip(cut, maps, strides, strict=True)]
        return reduce(Moments.merge, parts)

    stylised = torch.empty_like(images)
    ends = walk([made.steps(tile.window(images), style) for tile in cut], merged)
    for tile, end in zip(cut, ends, strict=True):
        tile.own(stylised)[:] = tile.trimmed(end)
    assert_close(stylised, made(images, style), rtol=0, atol=1e-4)


def test_tiles_by_their_own_moments_are_not():
    made, images = network(), pictures(1, 3, 72, 88) * torch.linspace(0, 1, 88)
    tile = tiles(72, 88, 32, made.reach, STRIDE)[0]
    assert (tile.trimmed(made(tile.window(images))) - tile.own(made(images))).abs().max() > 0.01


@each_upsampling
def test_seamless_it_knows_no_border(upsampling):
    made, images = network(upsampling=upsampling), pictures(1, 3, 32, 24)
    make_seamless(made)
    shift = (2 * STRIDE, -STRIDE)
    assert_close(made(images.roll(shift, (2, 3))), made(images).roll(shift, (2, 3)), rtol=1e-4, atol=1e-5)


def test_every_parameter_learns():
    made = network(styles=2).requires_grad_()
    made(pictures(2, 3, 16, 16), torch.tensor([0, 1])).sub(0.3).square().mean().backward()
    unmoved = [name for name, part in made.named_parameters() if not (part.grad.isfinite().all() and part.grad.any())]
    assert unmoved == []


@pytest.mark.slow
def test_exported_it_takes_any_size():
    made, style, free = network(0, styles=2), torch.tensor([[0.3, 0.7]]), torch.export.Dim.DYNAMIC
    sizes = {2: free, 3: free}, {}
    exported = torch.export.export(made, (pictures(1, 3, 32, 48), style), dynamic_shapes=sizes).module()
    for size in (64, 40), (37, 50):
        images = pictures(1, 3, *size)
        assert_close(exported(images, style), made(images, style), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "least"), [("width", 1), ("blocks", 0), ("styles", 1)])
def test_what_cannot_be_built_is_told(name, least):
    with pytest.raises(ValueError, match=f"{name} must be at least {least}, got {least - 1}"):
        FeedForward(**{name: least - 1})


def test_an_unknown_upsampling_is_told():
    with pytest.raises(ValueError, match=r"upsampling must be one of \['nearest', 'bilinear'\], got 'cubic'"):
        FeedForward(upsampling="cubic")


def test_several_styles_want_one_named():
    with pytest.raises(ValueError, match=r"style must be indices \(B,\) or weights \(B, 2\), got None"):
        network(styles=2)(pictures(1, 3, 16, 16))
