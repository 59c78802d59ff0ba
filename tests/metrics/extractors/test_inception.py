import hashlib
import logging
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from atelier import weights
from atelier.errors import UserError
from atelier.metrics.extractors.inception import InceptionExtractor

CPU = torch.device("cpu")
LAYERS = ["2048", "logits_unbiased"]
SIZES = [(32, 32), (64, 64), (299, 299), (300, 420)]


def loaded(path, kernel):
    extractor = InceptionExtractor(str(path), kernel)
    extractor.load(CPU)
    return extractor


def torch_fidelitys(path):
    return FeatureExtractorInceptionV3("inception-v3-compat", LAYERS, str(path))


def torchmetricss(path):
    from torchmetrics.image.fid import NoTrainInceptionV3

    network = NoTrainInceptionV3("inception-v3-compat", LAYERS, str(path))
    return network._torch_fidelity_forward  # its `forward` gives the first layer alone


@pytest.mark.parametrize(("kernel", "reference"), [("tf1", torch_fidelitys), ("antialias", torchmetricss)])
@torch.no_grad()
def test_features_and_logits_are_those_of_other_libraries(inception_file, pictures, small_batches, kernel, reference):
    images = [pictures(1, *size)[0] for size in SIZES]
    network = reference(inception_file)
    expected = [torch.cat(parts) for parts in zip(*[network(image[None]) for image in images], strict=True)]
    found = loaded(inception_file, kernel)(images)
    for ours, theirs in zip(found, expected, strict=True):
        assert theirs.std(0).mean() > 0.1 * theirs.std(), "the pictures would be all alike"
        assert_close(ours, theirs, rtol=0, atol=1e-4 * float(theirs.abs().mean()))


def test_nothing_of_the_file_is_left_out_and_no_batch_norm_is_run(inception_file):
    network = loaded(inception_file, "tf1").network
    assert sum(isinstance(module, nn.Conv2d) for module in network.modules()) == 94
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert not any(parameter.requires_grad or parameter.is_meta for parameter in network.parameters())


def test_loading_draws_no_random_numbers(inception_file):
    before = torch.random.get_rng_state()
    extractor = InceptionExtractor(str(inception_file))
    extractor.fetch()
    extractor.load(CPU)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_another_file_is_warned_of_once_and_the_published_one_is_not(inception_file, monkeypatch, caplog):
    with caplog.at_level(logging.WARNING):
        InceptionExtractor(str(inception_file)).fetch()
    (record,) = caplog.records
    assert "is not the published Inception-v3" in record.getMessage()
    caplog.clear()
    digest = hashlib.sha256(inception_file.read_bytes()).hexdigest()
    monkeypatch.setitem(weights.PUBLISHED, "inception", replace(weights.PUBLISHED["inception"], sha256=digest))
    with caplog.at_level(logging.WARNING):
        InceptionExtractor(str(inception_file)).fetch()
    assert not caplog.records


def test_torchvisions_own_inception_is_refused(tmp_path):
    """Its layers have the names of this one's, but for a thousand classes."""
    from torchvision.models import inception_v3

    with torch.random.fork_rng(devices=[]):
        network = inception_v3(init_weights=False, aux_logits=False)
    path = tmp_path / "inception_v3.pth"
    torch.save(network.state_dict(), path)
    with pytest.raises(UserError, match=r"holds no weights of inception: size mismatch for fc.weight.*1008"):
        InceptionExtractor(str(path)).fetch()


@pytest.mark.slow
def test_features_depend_on_no_other_image(inception_file, pictures, same_alone_and_among_others):
    same_alone_and_among_others(loaded(inception_file, "tf1"), pictures(36, 64, 64))
