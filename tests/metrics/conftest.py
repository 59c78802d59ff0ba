import pytest
import torch
from shrunk import SCORES, diversity_of_colours
from torch import nn


@pytest.fixture(autouse=True)
def cache_of_one_test(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path))


@pytest.fixture(autouse=True)
def no_download(monkeypatch):
    """The weights of LPIPS are not to be had everywhere."""
    monkeypatch.setitem(SCORES, "lpips_diversity", diversity_of_colours)


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory):
    """Inception-v3 with random weights in the format of torch-fidelity's file.

    Its batch norms know the statistics of pictures, about: else nothing of the input would be left after 94 layers.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Untrained(FeatureExtractorInceptionV3):
        def load_state_dict(self, *_):
            pass

    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save({}, path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Untrained("inception-v3-compat", ["2048"], str(path))
        norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1  # the statistics are those of the pictures that follow
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_(0, 0.2)
        coarse = torch.rand(4, 3, 6, 6) * 255
        network.train()(nn.functional.interpolate(coarse, 128, mode="bicubic").clamp(0, 255).byte())
        for norm in norms:
            norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.7, 1.4)
    torch.save(network.state_dict(), path)
    return path
