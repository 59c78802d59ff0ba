"""Each policy keeps of the content's colours what it says it keeps."""

import pytest
import torch
from torch.testing import assert_close

from atelier.stylize.colour import POLICIES

# an independent reference: the usual matrix of YIQ, of values in [0, 1]
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])


def picture(seed, height=40, width=56, contrast=0.12, mean=(0.1, -0.2, 0.0)):
    """Correlated colours well within [-1, 1], no two alike."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.eye(3) + 0.8 * torch.rand(3, 3, generator=generator)
    pixels = torch.einsum("ij,jp->ip", mixing, torch.randn(3, height * width, generator=generator)) * contrast
    return (pixels + torch.tensor(mean)[:, None]).view(1, 3, height, width).clamp(-1, 1)


def yiq(images):
    return torch.einsum("ij,bjhw->bihw", YIQ, (images + 1) / 2)


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_keeps_shapes_ranges_and_types(name):
    style, content = picture(0, 33, 47, contrast=0.6), picture(1, contrast=0.6)
    policy = POLICIES[name]
    before, after = policy.before(style, content), policy.after(picture(2), content)
    assert (before.shape, after.shape) == (style.shape, content.shape)
    for images in (before, after):
        assert images.dtype == torch.float32
        assert bool(torch.isfinite(images).all())
        assert float(images.abs().max()) <= 1 + 1e-6


@pytest.mark.parametrize("name", POLICIES)
def test_pictures_of_a_batch_do_not_mix(name):
    styles, contents = torch.cat([picture(0), picture(1)]), torch.cat([picture(2), picture(3)])
    together = POLICIES[name].before(styles, contents)
    assert_close(together[1:], POLICIES[name].before(styles[1:], contents[1:]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("plain", ["style", "content"])
def test_a_plain_picture_is_no_trouble(name, plain):
    style, content = picture(0), picture(1)
    flat = torch.tensor([0.5, -0.5, 0.25])[:, None, None].expand_as(style)
    before = POLICIES[name].before(flat if plain == "style" else style, flat if plain == "content" else content)
    assert bool(torch.isfinite(before).all())
    if plain == "style":
        assert float(before.flatten(2).std(2).max()) < 1e-3


def test_luminance_is_the_stylised_ones_and_colour_the_contents():
    stylised, content = picture(0, contrast=0.05), picture(1, contrast=0.05)
    result = yiq(POLICIES["luminance"].after(stylised, content))
    assert_close(result[:, :1], yiq(stylised)[:, :1], atol=1e-4, rtol=0)
    assert_close(result[:, 1:], yiq(content)[:, 1:], atol=1e-3, rtol=0)  # the reference has four digits


def test_where_a_colour_does_not_exist_only_its_saturation_gives_way():
    """Red at the luminance of near-white is a pale pink."""
    content = torch.tensor([0.8, -0.9, -0.9])[None, :, None, None].expand(1, 3, 8, 8)
    stylised = torch.full((1, 3, 8, 8), 0.9)
    result = yiq(POLICIES["luminance"].after(stylised, content))
    assert_close(result[:, 0], yiq(stylised)[:, 0], atol=1e-4, rtol=0)
    chroma, wanted = result[0, 1:, 0, 0], yiq(content)[0, 1:, 0, 0]
    assert 0.02 < float(chroma.norm() / wanted.norm()) < 0.5
    assert_close(chroma / chroma.norm(), wanted / wanted.norm(), atol=1e-2, rtol=0)


def test_the_style_becomes_luminance_like_the_contents():
    style, content = picture(0, mean=(0.3, 0.3, 0.3)), picture(1, 30, 30, contrast=0.05)
    before = POLICIES["luminance"].before(style, content)
    assert_close(before[:, 0], before[:, 2])
    wanted = yiq(content)[:, 0] * 2 - 1
    assert_close(before[:, 0].mean(), wanted.mean(), atol=1e-4, rtol=0)
    assert_close(before[:, 0].std(), wanted.std(), atol=1e-4, rtol=1e-3)


def test_luminance_needs_one_size():
    with pytest.raises(ValueError, match=r"stylised must be \(40, 56\) like the content, got \(40, 48\)"):
        POLICIES["luminance"].after(picture(0, width=48), picture(1))


def test_coral_gives_mean_and_covariance_of_the_content():
    style, content = picture(0, mean=(-0.3, 0.2, 0.1)), picture(1, 30, 50, contrast=0.08)
    recoloured = POLICIES["coral"].before(style, content).flatten(2)[0].double()
    wanted = content.flatten(2)[0].double()
    assert_close(recoloured.mean(1), wanted.mean(1), atol=1e-6, rtol=0)
    assert_close(torch.cov(recoloured, correction=0), torch.cov(wanted, correction=0), atol=1e-6, rtol=1e-5)


def test_coral_leaves_a_style_of_the_contents_colours_alone():
    style = picture(0)
    assert_close(POLICIES["coral"].before(style, style.flip(3)), style, atol=1e-5, rtol=0)


def test_histogram_gives_each_channel_the_contents_values():
    style, content = picture(0), picture(1)
    got = POLICIES["histogram"].before(style, content)
    # two values that happen to be equal in float32 stay equal: both get the mean of two neighbours
    assert_close(got.flatten(2).sort(2).values, content.flatten(2).sort(2).values, atol=1e-4, rtol=0)


def test_histogram_of_another_size_has_the_contents_quantiles():
    style, content = picture(0, 64, 80), picture(1, 30, 50)
    shares = torch.linspace(0.02, 0.98, 49)
    got = POLICIES["histogram"].before(style, content)[0].flatten(1).quantile(shares, dim=1)
    assert_close(got, content[0].flatten(1).quantile(shares, dim=1), atol=4e-3, rtol=0)


def test_histogram_keeps_the_channels_together_and_plain_areas_plain():
    style, content = picture(0), picture(1)
    style[..., :20] = torch.tensor([0.3, 0.1, -0.2])[:, None, None]
    got = POLICIES["histogram"].before(style, content)
    assert float(got[..., :20].flatten(2).std(2).max()) < 1e-6
    noise = POLICIES["histogram"].before(picture(0), content).flatten(2)[0]
    assert_close(torch.corrcoef(noise), torch.corrcoef(content.flatten(2)[0]), atol=0.02, rtol=0)
