import torch
from torch.nn.functional import max_pool2d

from atelier.networks.attention import SelfAttention


def attention(channels=16, gamma=0.7):
    made = SelfAttention(channels)
    torch.nn.init.constant_(made.gamma, gamma)
    return made


def test_at_first_it_changes_nothing():
    features = torch.randn(2, 16, 4, 4)
    torch.testing.assert_close(SelfAttention(16)(features), features, rtol=0, atol=0)


def test_place_by_place_as_the_paper_writes_it():
    """Zhang et al. 2019, eq. 1 to 3, for every place of one image in turn."""
    layer, image = attention(), torch.randn(16, 4, 6)

    def convolved(name, features):
        return torch.einsum("oc,chw->ohw", getattr(layer, name).weight[:, :, 0, 0], features)

    keys, values = (max_pool2d(convolved(name, image), 2).flatten(1) for name in ("key", "value"))
    expected = image.clone()
    for row in range(4):
        for column in range(6):
            query = convolved("query", image)[:, row, column]
            likeness = torch.stack([query @ key for key in keys.T]).exp()
            heard = sum(share * value for share, value in zip(likeness / likeness.sum(), values.T, strict=True))
            expected[:, row, column] += 0.7 * layer.output.weight[:, :, 0, 0] @ heard
    torch.testing.assert_close(layer(image[None])[0], expected)


def test_every_place_hears_of_every_other():
    layer = attention()
    features = torch.randn(1, 16, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(features)[0, :, 0, 0].sum(), features)
    pools = max_pool2d(gradient.abs().sum(1), 2)  # of each four places one at least is heard
    assert (pools > 0).all()


def test_widths_of_the_released_layers():
    shapes = {name: tuple(weight.shape[:2]) for name, weight in SelfAttention(64).named_parameters() if weight.ndim}
    assert shapes == {
        "query.weight": (8, 64),
        "key.weight": (8, 64),
        "value.weight": (32, 64),
        "output.weight": (64, 32),
    }


def test_it_can_be_differentiated_twice():
    layer = attention(8).double()
    features = torch.randn(1, 8, 2, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, features)
