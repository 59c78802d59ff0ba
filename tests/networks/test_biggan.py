import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from atelier.networks import biggan
from atelier.networks.biggan import chunks


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_as_many_parameters_as_the_papers_at_128_pixels():
    """As compare_gan's resnet_biggan_test.py counts them, for 1000 classes."""
    with torch.device("meta"):
        assert parameters(biggan.Generator(128, latent_dim=120, width=96, classes=1000)) == 70_433_988
        assert parameters(biggan.Discriminator(128, width=96, classes=1000)) == 87_982_370


@pytest.mark.parametrize(
    ("size", "latent_dim", "attention", "count"), [(256, 140, 128, 82_097_604), (512, 160, 64, 82_468_068)]
)
def test_as_many_parameters_as_the_papers_for_larger_pictures(size, latent_dim, attention, count):
    """As compare_gan's resnet_biggan.py says, with the widths of Brock et al. 2019, tables 5 and 6."""
    with torch.device("meta"):
        generator = biggan.Generator(size, latent_dim, width=96, attention=attention, classes=1000)
    assert parameters(generator) == count


def test_the_papers_channels():
    """Brock et al. 2019, tables 4 to 6, finest first, in multiples of the finest."""
    assert biggan.channels(128, 1, 16) == [1, 2, 4, 8, 16, 16]
    assert biggan.channels(256, 1, 16) == [1, 2, 4, 8, 8, 16, 16]
    assert biggan.channels(512, 1, 16) == [1, 1, 2, 4, 8, 8, 16, 16]
    assert biggan.channels(512, 3, 4) == [3, 3, 6, 12, 12, 12, 12, 12]


@pytest.mark.parametrize("classes", [None, 2])
def test_each_chunk_of_the_latents_is_one_blocks_own(classes):
    """Changing the last chunk leaves all maps alone up to the last block."""
    generator = biggan.Generator(32, latent_dim=16, width=4, classes=classes).eval()
    seen = []
    for block in generator.layers.blocks:
        block.register_forward_hook(lambda module, inputs, output: seen.append(output))
    latents, labels = torch.randn(1, 16), torch.zeros(1, dtype=torch.long) if classes else None
    generator(latents, labels)
    for chunk in range(4):
        changed = latents.clone()
        changed[:, 4 * chunk : 4 * chunk + 4] += 1
        before = seen[:3]
        generator(changed, labels)
        same = [torch.equal(old, new) for old, new in zip(before, seen[-3:], strict=True)]
        assert same == [number + 1 < chunk for number in range(3)]


def test_chunks_are_as_equal_as_can_be():
    assert chunks(120, 6) == [20] * 6
    assert chunks(120, 7) == [18, 17, 17, 17, 17, 17, 17]
    assert biggan.Generator(16, latent_dim=7, width=4)(torch.randn(2, 7)).shape == (2, 3, 16, 16)
    with pytest.raises(ValueError, match="latent_dim must be >= 4, one for the input and one per block, got 3"):
        biggan.Generator(32, latent_dim=3, width=4)


def test_all_blocks_share_one_embedding():
    generator = biggan.Generator(16, latent_dim=6, width=4, classes=3, label_dim=5)
    embeddings = [module for module in generator.modules() if isinstance(module, nn.Embedding)]
    assert [(e.num_embeddings, e.embedding_dim) for e in embeddings] == [(3, 5)]
    assert not is_parametrized(embeddings[0], "weight")


def test_weights_are_orthogonal_at_first():
    networks = [biggan.Generator(16, 6, 4, classes=3, spectral_norm=False)]
    networks += [biggan.Discriminator(16, 4, classes=3, spectral_norm=False)]
    for network in networks:
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
                weight = module.weight.flatten(1)
                product = weight @ weight.T if weight.shape[0] <= weight.shape[1] else weight.T @ weight
                torch.testing.assert_close(product, torch.eye(len(product)), atol=1e-5, rtol=0)
