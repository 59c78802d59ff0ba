import numpy as np
import pytest
import torch
from torch.testing import assert_close

from atelier.errors import UserError
from atelier.metrics.extractors.base import Features
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.perceptual import Lpips
from atelier.metrics.style.artfid import ArtFid


class FewFeatures(EmbeddedExtractor):
    """Its first eight, of which few pictures have a covariance of full rank."""

    name = "few"

    def extract(self, images):
        return Features(super().extract(images).pooled[:, :8], None)


class ArtInception(FewFeatures):
    name = "art_inception"


def frechet(first, second):
    """Heusel et al. 2017, eq. 6; the trace of a root is the sum of the eigenvalues' roots."""
    covariances = [np.cov(features, rowvar=False) for features in (first, second)]
    roots = np.linalg.eigvals(covariances[0] @ covariances[1]).real.clip(min=0) ** 0.5
    return float(((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(sum(covariances)) - 2 * roots.sum())


@pytest.fixture
def artfid(lpips):
    measure = ArtFid(FewFeatures(), lpips)
    measure.load(torch.device("cpu"))
    return measure


def test_it_is_the_product_of_its_parts(artfid, lpips, pictures):
    content, style, stylised = pictures(20, 1), pictures(20, 2), pictures(20, 3)
    for some in zip(content.split(7), style.split(7), stylised.split(7), strict=True):
        artfid.update(*some)

    features = [artfid.extractor(images).pooled.double().numpy() for images in (style, stylised)]
    distance, lost = frechet(*features), float(lpips(content, stylised).mean())

    found = artfid.compute()
    assert distance > 0.01
    assert_close(found["artfid_few_frechet_distance"], distance, rtol=1e-5, atol=0)
    assert_close(found["artfid_few"], (1 + lost) * (1 + distance), rtol=1e-5, atol=0)


def test_more_features_than_pictures_are_no_obstacle(lpips, pictures):
    measure = ArtFid(EmbeddedExtractor(), lpips)
    measure.load(torch.device("cpu"))
    style, stylised = pictures(6, 2), pictures(6, 3)
    measure.update(style, style, stylised)
    expected = frechet(*(measure.extractor(images).pooled.double().numpy() for images in (style, stylised)))
    assert_close(measure.compute()["artfid_embedded_frechet_distance"], expected, rtol=1e-3, atol=0)


def test_the_content_itself_in_its_own_style_has_the_best_score_there_is(artfid, pictures):
    content = pictures(12, 1)
    artfid.update(content, content.flip(0), content)
    assert artfid.compute()["artfid_few"] == pytest.approx(1, abs=1e-6)


def test_only_the_papers_networks_give_the_papers_name(lpips):
    vgg = Lpips("vgg", str(lpips.file.path))
    assert ArtFid(ArtInception(), lpips).name == "artfid"
    assert ArtFid(ArtInception(), vgg).name == "artfid_vgg"
    assert ArtFid(EmbeddedExtractor(), lpips).name == "artfid_embedded"


def test_the_protocol_names_both_networks_and_the_resize(artfid, lpips):
    protocol = artfid.protocol()
    assert protocol["extractor"] == "few"
    assert protocol["lpips_sha256"] == lpips.digest
    assert protocol["resize"] == "antialias"


def test_one_picture_is_no_set(artfid, pictures):
    artfid.update(pictures(1, 1), pictures(1, 2), pictures(1, 3))
    with pytest.raises(UserError, match="artfid_few compares sets: it needs two stylised pictures at least, got 1"):
        artfid.compute()
