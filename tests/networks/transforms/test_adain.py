import torch
from torch.autograd import gradcheck
from torch.testing import assert_close

from atelier.networks.transforms.adain import AdaIN


def activation(seed, *size, scale=1.0):
    return scale * torch.rand(*size, generator=torch.Generator().manual_seed(seed)) + scale


def transferred(content, style):
    transform = AdaIN("tap")
    return transform({"tap": content}, transform.summarise({"tap": content}), transform.learn({"tap": style}))


def test_of_a_picture_with_itself_it_changes_nothing():
    content = activation(0, 2, 5, 4, 6)
    assert_close(transferred(content, content), content)


def test_the_result_has_the_styles_mean_and_deviation():
    """Up to the 1e-5 in both variances, which are about 0.1 and 10."""
    content, style = activation(0, 2, 5, 4, 6), activation(1, 2, 5, 7, 3, scale=10)
    made = transferred(content, style)
    assert_close(made.mean((2, 3)), style.mean((2, 3)), rtol=1e-4, atol=0)
    assert_close(made.std((2, 3), correction=0), style.std((2, 3), correction=0), rtol=1e-4, atol=0)


def test_where_things_lie_is_the_contents():
    """Each channel stays in its order, so the least place is the content's."""
    content, made = activation(0, 1, 5, 4, 6), transferred(activation(0, 1, 5, 4, 6), activation(1, 1, 5, 7, 3))
    assert_close(made.flatten(2).argsort(2), content.flatten(2).argsort(2))


def test_a_flat_content_becomes_the_styles_mean():
    """Up to rounding errors, which the gain of about 100 enlarges."""
    style = activation(1, 1, 5, 7, 3)
    made = transferred(torch.full((1, 5, 4, 6), 3.0), style)
    assert_close(made, style.mean((2, 3), keepdim=True).expand_as(made), rtol=0, atol=1e-4)


def test_strength_none_is_the_content():
    content = activation(0, 1, 5, 4, 6)
    assert_close(AdaIN("tap").plain({"tap": content}), content, rtol=0, atol=0)


def test_gradients_reach_content_and_style():
    sides = [activation(seed, 2, 2, 2, 3).double().requires_grad_() for seed in (0, 1)]
    assert gradcheck(transferred, sides)
    flat = torch.ones(1, 2, 3, 3, requires_grad=True)
    transferred(flat, flat).square().sum().backward()
    assert flat.grad.isfinite().all()
