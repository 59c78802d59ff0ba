import math

import pytest
import torch
from torch import nn

from atelier.losses.generator import Creation
from atelier.losses.path_length import PathLength, path_lengths
from atelier.networks import dcgan, stylegan2

LAYERS, DEPTH = 3, 5


class Linear(nn.Module):
    """Images (B, 3, 4, 4) linear in their styles."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(LAYERS * DEPTH, 48))
        self.asked = []

    def styles(self, latents, labels=None, truncation=None):
        self.asked.append((len(latents), labels))
        return latents[:, None].expand(-1, LAYERS, -1)

    training_styles = styles

    def synthesize(self, styles, labels=None):
        return (styles.flatten(1) @ self.weight).reshape(-1, 3, 4, 4)


def creation_of(generator, batch=4, width=DEPTH, labels=None):
    return Creation(generator, None, torch.randn(batch, width), labels, None, None, None)


def test_lengths_of_a_linear_generator():
    """J is its weights: |J y| of each layer, for the same y."""
    generator, styles = Linear(), torch.randn(4, LAYERS, DEPTH, requires_grad=True)
    torch.manual_seed(1)
    lengths = path_lengths(styles, generator.synthesize(styles))
    torch.manual_seed(1)
    slopes = torch.randn(4, 3, 4, 4).flatten(1) / 4 @ generator.weight.T
    torch.testing.assert_close(lengths, slopes.norm(dim=1) / math.sqrt(LAYERS))


def test_expected_length_is_that_of_the_jacobian():
    """E |J y|^2 = |J|_F^2 for normal y."""
    generator, styles = Linear(), torch.randn(4096, LAYERS, DEPTH, requires_grad=True)
    lengths = path_lengths(styles, generator.synthesize(styles))
    expected = generator.weight.square().sum() / 16 / LAYERS
    assert lengths.square().mean().item() == pytest.approx(expected.item(), rel=0.05)


@pytest.mark.parametrize("size", [32, 256, 1024])
def test_a_weight_of_two_is_the_papers(size):
    """Karras et al. 2020, appendix B: ln 2 / (r^2 (ln r - ln 2)), of lengths without means."""
    with torch.device("meta"):
        layers = stylegan2.Generator(size, latent_dim=8, width=1, mapping_layers=1).style_layers
    papers = math.log(2) / (size**2 * (math.log(size) - math.log(2)))
    assert 2 / (size**2 * layers) == pytest.approx(papers)


def test_the_mean_trails_the_lengths():
    term, generator = PathLength(weight=2, decay=0.9, shrink=1), Linear()
    mean = torch.zeros(())
    for seed in range(3):
        torch.manual_seed(seed)
        measured = term.measure(creation_of(generator))
        torch.manual_seed(seed)
        creation = creation_of(generator)
        latents = torch.randn_like(creation.latents, requires_grad=True)
        styles = generator.styles(latents)
        lengths = path_lengths(styles, generator.synthesize(styles))
        mean = 0.9 * mean + 0.1 * lengths.mean()
        torch.testing.assert_close(measured, (lengths - mean).square().mean())
        torch.testing.assert_close(term.mean, mean.detach())
    other = PathLength(weight=2)
    other.load_state_dict(term.state_dict())
    torch.testing.assert_close(other.mean, term.mean)


@pytest.mark.parametrize(("batch", "shrink", "count"), [(4, 2, 2), (5, 2, 3), (1, 2, 1), (4, 1, 4)])
def test_measured_on_a_part_of_the_batch(batch, shrink, count):
    generator, labels = Linear(), torch.arange(batch)
    PathLength(weight=2, shrink=shrink).measure(creation_of(generator, batch, labels=labels))
    asked, given = generator.asked[0]
    assert asked == count
    torch.testing.assert_close(given, labels[:count])


def test_measured_on_styles_as_training_mixes_them(monkeypatch):
    """Of two latents each, where all are mixed."""
    torch.manual_seed(0)
    generator = stylegan2.Generator(16, latent_dim=8, width=4, mixing=1.0)
    drawn = []
    synthesize = generator.synthesize
    monkeypatch.setattr(generator, "synthesize", lambda styles, labels: drawn.append(styles) or synthesize(styles))
    PathLength(weight=2).measure(creation_of(generator, width=8))
    (styles,) = drawn
    kinds = [len(torch.unique(layers.detach(), dim=0)) for layers in styles]
    assert kinds == [2] * len(styles)


def test_a_generator_that_ignores_its_styles_has_finite_gradients():
    generator = Linear()
    torch.nn.init.zeros_(generator.weight)
    PathLength(weight=2).measure(creation_of(generator)).backward()
    assert generator.weight.grad.isfinite().all()


@pytest.mark.parametrize("family", [stylegan2, dcgan], ids=["stylegan2", "dcgan"])
def test_the_term_falls_along_its_gradient(family):
    """As fast as that says; on a short step, since slopes jump where a leaky ReLU turns."""
    torch.manual_seed(0)
    generator = family.Generator(8, latent_dim=16, width=4).double()
    term, creation = PathLength(weight=1, decay=1 - 1e-9, shrink=1).double(), creation_of(generator, 8, 16)
    creation.latents.data = creation.latents.double()
    weights = [*generator.parameters()]

    def measure():
        torch.manual_seed(3)
        return term.measure(creation)

    before = measure()
    gradients = torch.autograd.grad(before, weights, materialize_grads=True)
    fall = 1e-4 * before.item()
    step = fall / sum(gradient.square().sum() for gradient in gradients)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.data -= step * gradient
    assert (before - measure()).item() / fall == pytest.approx(1, rel=1e-2)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [({"decay": 1.0}, r"decay must be in \[0, 1\), got 1.0"), ({"shrink": 0}, "shrink must be >= 1, got 0")],
)
def test_bad_values_are_refused(arguments, fault):
    with pytest.raises(ValueError, match=fault):
        PathLength(weight=2, **arguments)
