import pytest
import torch
from torch.autograd import gradcheck
from torch.nn.functional import conv2d, instance_norm, interpolate, pad
from torch.testing import assert_close

from atelier.networks.transforms import sanet
from atelier.networks.transforms.sanet import Memory, SANet, attend

EQUAL, UNEQUAL = {"relu4_1": 4, "relu5_1": 4, "relu1_1": 9}, {"relu4_1": 4, "relu5_1": 6}


def built(widths=UNEQUAL):
    torch.manual_seed(0)
    return SANet(widths)


def activations(seed, widths=UNEQUAL, batch=1, height=2, width=3):
    generator = torch.Generator().manual_seed(seed)
    return {
        tap: torch.randn(batch, widths[tap], height * scale, width * scale, generator=generator)
        for tap, scale in (("relu4_1", 2), ("relu5_1", 1))
    }


def transferred(transform, content, style, weight=None):
    return transform(content, transform.summarise(content), transform.learn(style, weight))


def block(attention, content, style):
    """Section 3.2, place by place."""
    queries = attention.query(instance_norm(content)).flatten(2)[0].T
    keys = attention.key(instance_norm(style)).flatten(2)[0].T
    values = attention.value(style).flatten(2)[0].T
    rows = []
    for query in queries:
        likeness = torch.stack([query @ key for key in keys]).exp()
        rows.append((likeness[:, None] * values).sum(0) / likeness.sum())
    return content + attention.output(torch.stack(rows).T.view(content.shape))


@pytest.mark.parametrize("widths", [EQUAL, UNEQUAL], ids=["equal widths", "unequal widths"])
def test_it_is_the_network_of_the_paper(widths):
    transform, content, style = built(widths), activations(0, widths), activations(1, widths, height=3)
    blocks = zip((transform.fine, transform.coarse), transform.taps, strict=True)
    fine, coarse = (block(attention, content[tap], style[tap]) for attention, tap in blocks)
    both = fine + interpolate(transform.project(coarse), scale_factor=2, mode="nearest")
    expected = conv2d(pad(both, [1] * 4, "reflect"), transform.merge.weight, transform.merge.bias)
    assert_close(transferred(transform, content, style), expected, rtol=1e-4, atol=1e-4)


def test_where_things_lie_in_the_style_does_not_matter():
    transform, style = built(), activations(1)
    turned = {tap: maps.flip(2, 3) for tap, maps in style.items()}
    made, other = (transferred(transform, activations(0), each) for each in (style, turned))
    assert_close(made, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("products", [1, 50, 2**24])
@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_are_the_whole(monkeypatch, products, weighted):
    monkeypatch.setattr(sanet, "PRODUCTS", products)
    queries, keys, values = torch.randn(3, 2, 7, 4, generator=torch.Generator().manual_seed(0))
    bias = torch.linspace(-1, 1, 14).view(2, 1, 7) if weighted else None
    expected = (queries @ keys.mT + (0 if bias is None else bias)).softmax(-1) @ values
    assert_close(attend(queries, Memory(keys, values, bias)), expected)


def test_a_weight_of_two_is_a_place_seen_twice():
    style = activations(1, height=2, width=2)
    twice = {tap: torch.cat([maps[..., :1, :], maps], 2) for tap, maps in style.items()}
    keys = [built().coarse.value(each["relu5_1"]).flatten(2).mT for each in (style, twice)]
    weight = torch.tensor([2.0, 2.0, 1.0, 1.0]).log().view(1, 1, 4)
    queries = torch.randn(1, 5, 6, generator=torch.Generator().manual_seed(0))
    once = attend(queries, Memory(keys[0], keys[0], weight))
    assert_close(once, attend(queries, Memory(keys[1], keys[1], None)))


def test_of_a_picture_with_itself_it_is_the_plain_content():
    transform, content = built(), activations(0)
    assert_close(transform.plain(content), transferred(transform, content, content))


def test_gradients():
    transform, style = built().double(), activations(1)
    style = {tap: maps.double() for tap, maps in style.items()}
    content = [maps.double().requires_grad_() for maps in activations(0).values()]
    names = transform.taps
    assert gradcheck(lambda *maps: transferred(transform, dict(zip(names, maps, strict=True)), style), content)
    transferred(transform, dict(zip(names, content, strict=True)), style).square().sum().backward()
    # a key's bias adds the same to all products of a query, which the softmax takes away again
    unmoved = [name for name, part in transform.named_parameters() if not part.grad.abs().max() > 1e-12]
    assert {*unmoved} <= {"fine.key.bias", "coarse.key.bias"}
    assert all(part.grad.isfinite().all() for part in transform.parameters())


def test_an_encoder_without_its_taps_is_told():
    with pytest.raises(ValueError, match=r"widths must have relu4_1 and relu5_1, got \['relu4_1'\]"):
        SANet({"relu4_1": 4})
