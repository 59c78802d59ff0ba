import re

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate
from torch.testing import assert_close
from torchvision import models
from torchvision.transforms.functional import InterpolationMode, normalize, resize

from atelier.errors import UserError
from atelier.metrics.extractors.backbone import BackboneExtractor

CPU = torch.device("cpu")
FROM_TENSORFLOW = {"transform_input": True, "init_weights": False}  # as torchvision runs their published weights


def random_network(architecture, **options):
    """Its batch norms know the statistics of pictures, about: else nothing of the input would reach the last layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = models.get_model(architecture, weights=None, **options)
        norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1
        network.train()(interpolate(torch.randn(4, 3, 6, 6), 128, mode="bicubic"))
        for norm in norms:
            norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.7, 1.4)
    return network.eval().requires_grad_(False)


def saved(network, folder, name="weights.pth"):
    torch.save(network.state_dict(), folder / name)
    return str(folder / name)


def loaded(architecture, path):
    extractor = BackboneExtractor(architecture, path)
    extractor.fetch()
    extractor.load(CPU)
    return extractor


@torch.no_grad()
def by_torchvision(network, images):
    resized = resize(images.float() / 255, [224, 224], InterpolationMode.BILINEAR, antialias=True)
    return network(normalize(resized, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


def but_the_last(network):
    """What a ResNet or a MobileNet does before its last layer."""
    *before, last = network.children()
    return nn.Sequential(*before, nn.Flatten(), *[*last.children()][:-1])


@pytest.mark.parametrize(
    ("architecture", "options", "before"),
    [
        ("resnet18", {}, but_the_last),
        ("resnet18", {"num_classes": 27}, but_the_last),
        ("mobilenet_v3_small", {}, but_the_last),
        ("googlenet", FROM_TENSORFLOW, None),
    ],
    ids=["resnet18", "resnet18 of 27 classes", "mobilenet_v3_small", "googlenet"],
)
def test_it_is_torchvisions_own_network(tmp_path, pictures, small_batches, architecture, options, before):
    network = random_network(architecture, **options)
    images = pictures(3, 100, 140)
    extractor = loaded(architecture, saved(network, tmp_path))
    found, expected = extractor(images), by_torchvision(network, images)
    assert expected.std(0).mean() > 0.1 * expected.std(), "the pictures would be all alike"
    assert_close(found.logits, expected, rtol=0, atol=1e-4 * float(expected.std()))
    assert found.pooled.shape == (3, extractor.size)
    assert extractor.classes == expected.shape[1]
    if before is not None:
        features = by_torchvision(before(network), images)
        assert_close(found.pooled, features, rtol=0, atol=1e-4 * float(features.std()))


@pytest.mark.parametrize(
    ("architecture", "side"), [("resnet50", 224), ("efficientnet_b1", 240), ("inception_v3", 299), ("vit_h_14", 518)]
)
def test_name_and_side_are_torchvisions(tmp_path, architecture, side):
    extractor = BackboneExtractor(architecture, saved(nn.Linear(1, 1), tmp_path))
    assert (extractor.name, extractor.side) == (architecture, side)


def test_published_densenets_have_names_that_torchvision_gave_up(tmp_path):
    network = random_network("densenet121")
    new = network.state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", name): part for name, part in new.items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "old.pth")
    filled = BackboneExtractor("densenet121", str(tmp_path / "old.pth")).filled().state_dict()
    assert filled.keys() == new.keys()
    assert all(torch.equal(part, new[name]) for name, part in filled.items())


def test_loading_draws_no_random_numbers(tmp_path):
    path = saved(random_network("resnet18"), tmp_path)
    before = torch.random.get_rng_state()
    loaded("resnet18", path)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("resnet5", "classification network of torchvision, got 'resnet5'; did you mean 'resnet50'"),
        ("unheard", "classification network of torchvision, got 'unheard': alexnet, .*, wide_resnet50_2"),
        ("fcn_resnet50", "classification network"),  # known to torchvision, for segmentation
        ("squeezenet1_1", "end in a linear layer, whose input is taken; squeezenet1_1 has none"),
    ],
)
def test_an_architecture_that_will_not_do_is_known_at_once(tmp_path, architecture, message):
    path = saved(nn.Linear(1, 1), tmp_path)
    with pytest.raises(ValueError, match=f"architecture must .*{message}"):
        BackboneExtractor(architecture, path)


def test_another_networks_file_is_one_clear_error(tmp_path):
    path = saved(random_network("resnet18"), tmp_path)
    with pytest.raises(UserError, match=r"holds no weights of resnet34: it lacks 'layer1\.2\.conv1\.weight'"):
        BackboneExtractor("resnet34", path).fetch()


@pytest.mark.slow
@torch.no_grad()
def test_every_architecture_ends_in_the_linear_layer_that_is_looked_into(tmp_path, monkeypatch):
    """Without numbers, on the meta device, on which RegNets cannot be built but for a small one."""
    path = saved(nn.Linear(1, 1), tmp_path)
    known = models.list_models(module=models)
    names = [name for name in known if not name.startswith(("squeezenet", "regnet"))]
    assert len(names) > 60
    for name in [*names, "regnet_x_400mf"]:
        extractor = BackboneExtractor(name, path)
        with torch.device("cpu" if name.startswith("regnet") else "meta"):
            network = extractor.blank({}).eval().to("meta")
        monkeypatch.setattr(extractor, "filled", lambda network=network: network)
        extractor.load(torch.device("meta"))
        pooled, logits = extractor.extract(torch.empty(2, 3, extractor.side, extractor.side, device="meta"))
        assert pooled.shape == (2, extractor.size), name
        assert logits.shape == (2, 1000), name
        # every tensor comes from the file
        assert not any(module._non_persistent_buffers_set for module in network.modules()), name


@pytest.mark.slow
def test_features_depend_on_no_other_image(tmp_path, pictures, same_alone_and_among_others):
    extractor = loaded("mobilenet_v3_small", saved(random_network("mobilenet_v3_small"), tmp_path))
    same_alone_and_among_others(extractor, pictures(40, 64, 64))
