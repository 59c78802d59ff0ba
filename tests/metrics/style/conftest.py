import pytest
import torch

from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.perceptual import Lpips
from atelier.metrics.style.artfid import ArtFid
from atelier.metrics.style.encoders import EmbeddedEncoder
from atelier.metrics.style.features import ContentDistance, StyleDistance
from atelier.metrics.style.pictures import ColourHistogramDistance, LpipsDistance, Ssim
from atelier.metrics.style.structure import Cfsd


@pytest.fixture(scope="session")
def lpips(tmp_path_factory):
    """Of AlexNet's shape and random weights: no file of the real ones is to be had everywhere."""
    from torchvision.models import alexnet

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("lpips") / "alexnet.pth"
    torch.save({f"features.{name}": value for name, value in alexnet().features.state_dict().items()}, path)
    return Lpips("alex", str(path))


MEASURES = {
    "embedded_content_distance": lambda lpips: ContentDistance(EmbeddedEncoder()),
    "embedded_style_distance": lambda lpips: StyleDistance(EmbeddedEncoder()),
    "embedded_cfsd": lambda lpips: Cfsd(EmbeddedEncoder()),
    "lpips": LpipsDistance,
    "ssim": lambda lpips: Ssim(),
    "colour_histogram_distance": lambda lpips: ColourHistogramDistance(),
    "artfid_embedded": lambda lpips: ArtFid(EmbeddedExtractor(), lpips),
}


@pytest.fixture(params=list(MEASURES))
def name(request):
    """Of every score in turn."""
    return request.param


@pytest.fixture
def new(lpips):
    """Makes a new measure by the name of its score, ready for pictures."""

    def make(name):
        measure = MEASURES[name](lpips)
        measure.fetch()
        measure.load(torch.device("cpu"))
        return measure

    return make


@pytest.fixture(scope="session")
def pictures():
    """Makes smooth pictures with some texture, uint8 (count, 3, size, size), each seed its own."""

    def make(count, seed, size=64):
        generator = torch.Generator().manual_seed(seed)
        coarse = torch.rand(count, 3, 8, 8, generator=generator) * 255
        smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic")
        return (smooth + 20 * torch.randn(count, 3, size, size, generator=generator)).clamp(0, 255).byte()

    return make
