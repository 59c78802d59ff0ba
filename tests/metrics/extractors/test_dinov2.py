import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import conv2d, gelu, interpolate, layer_norm, linear
from torch.testing import assert_close

from atelier.errors import UserError
from atelier.metrics.extractors.dinov2 import ARCHITECTURES, DinoExtractor, positions

CPU = torch.device("cpu")
WIDTH, HEADS, DEPTH = 384, 6, 12  # of ViT-S


@pytest.fixture(scope="module")
def state():
    """Random weights of ViT-S/14, with the names and shapes of the authors' file."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape, scale=0.05, around=0.0):
        return torch.randn(shape, generator=generator) * scale + around

    def norm(name):
        return {f"{name}.weight": random(WIDTH, around=1), f"{name}.bias": random(WIDTH)}

    def dense(name, outputs, inputs):
        return {f"{name}.weight": random(outputs, inputs, scale=inputs**-0.5), f"{name}.bias": random(outputs)}

    state = {"cls_token": random(1, 1, WIDTH), "pos_embed": random(1, 1 + 37**2, WIDTH, scale=0.5)}
    state |= {"mask_token": random(1, WIDTH), "patch_embed.proj.weight": random(WIDTH, 3, 14, 14)}
    state |= {"patch_embed.proj.bias": random(WIDTH)} | norm("norm")
    for block in (f"blocks.{number}" for number in range(DEPTH)):
        state |= norm(f"{block}.norm1") | norm(f"{block}.norm2")
        state |= dense(f"{block}.attn.qkv", 3 * WIDTH, WIDTH) | dense(f"{block}.attn.proj", WIDTH, WIDTH)
        state |= dense(f"{block}.mlp.fc1", 4 * WIDTH, WIDTH) | dense(f"{block}.mlp.fc2", WIDTH, 4 * WIDTH)
        state |= {f"{block}.ls1.gamma": random(WIDTH, around=0.3), f"{block}.ls2.gamma": random(WIDTH, around=0.3)}
    return state


@pytest.fixture(scope="module")
def file(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("dinov2") / "dinov2_vits14_pretrain.pth"
    torch.save(state, path)
    return str(path)


def cubic(count, before, scale):
    """The matrix of torch's bicubic resize (Keys 1981 with a = -0.75), edges repeated."""
    matrix = np.zeros((count, before))
    for row in range(count):
        centre = (row + 0.5) / scale - 0.5
        first = int(np.floor(centre)) - 1
        for place in range(first, first + 4):
            x = abs(centre - place)
            inner, outer = 1.25 * x**3 - 2.25 * x**2 + 1, -0.75 * (x**3 - 5 * x**2 + 8 * x - 4)
            matrix[row, np.clip(place, 0, before - 1)] += inner if x <= 1 else outer
    return torch.from_numpy(matrix)


def resampled(embedding):
    """37 x 37 positions as 16 x 16, as in `interpolate_pos_encoding` of the authors' code."""
    matrix = cubic(16, 37, (16 + 0.1) / 37)
    grid = embedding[0, 1:].double().view(37, 37, -1)
    grid = torch.einsum("ai,bj,ijc->abc", matrix, matrix, grid).float()
    return torch.cat([embedding[0, :1], grid.flatten(0, 1)])


def forward(state, images):
    """Dosovitskiy et al. 2021 with the layer scale of Touvron et al. 2021; images (B, 3, 224, 224), normalised."""

    def norm(name, tokens):
        return layer_norm(tokens, (WIDTH,), state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-6)

    def dense(name, tokens):
        return linear(tokens, state[f"{name}.weight"], state[f"{name}.bias"])

    def attention(name, tokens):
        query, key, value = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in dense(f"{name}.qkv", tokens).chunk(3, -1)
        )
        weights = (query @ key.mT / (WIDTH / HEADS) ** 0.5).softmax(-1)
        return dense(f"{name}.proj", (weights @ value).transpose(1, 2).flatten(2))

    patches = conv2d(images, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=14)
    tokens = torch.cat([state["cls_token"].expand(len(images), -1, -1), patches.flatten(2).mT], 1)
    tokens = tokens + resampled(state["pos_embed"])
    for block in (f"blocks.{number}" for number in range(DEPTH)):
        tokens = tokens + state[f"{block}.ls1.gamma"] * attention(f"{block}.attn", norm(f"{block}.norm1", tokens))
        hidden = gelu(dense(f"{block}.mlp.fc1", norm(f"{block}.norm2", tokens)))
        tokens = tokens + state[f"{block}.ls2.gamma"] * dense(f"{block}.mlp.fc2", hidden)
    return norm("norm", tokens)[:, 0]


def loaded(path):
    extractor = DinoExtractor("dinov2_vits14", path)
    extractor.fetch()
    extractor.load(CPU)
    return extractor


def test_features_are_the_class_token_of_the_authors_network(state, file, pictures, small_batches):
    images = pictures(2, 100, 140)
    resized = interpolate(images.float(), (224, 224), mode="bilinear", antialias=True) / 255
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in [(0.485, 0.456, 0.406), (0.229, 0.224, 0.225)])
    expected = forward(state, (resized - mean) / deviation)
    found = loaded(file)(images)
    assert found.logits is None
    assert_close(found.pooled, expected, rtol=0, atol=1e-4 * float(expected.std()))
    assert (expected[0] - expected[1]).abs().mean() > 0.01 * expected.std(), "the pictures would be all alike"


def test_timms_file_of_the_same_network_gives_the_same(state, file, tmp_path, pictures, small_batches):
    path = tmp_path / "model.safetensors"
    save_file({name: part for name, part in state.items() if name != "mask_token"}, path)
    images = pictures(2, 64, 64)
    assert torch.equal(loaded(str(path))(images).pooled, loaded(file)(images).pooled)


def test_positions_are_resized_as_by_the_authors(state):
    assert_close(positions(state["pos_embed"], 16)[0], resampled(state["pos_embed"]), rtol=0, atol=1e-5)


def test_positions_of_the_right_number_stay_as_they_are():
    embedding = torch.rand(1, 257, 8)
    assert torch.equal(positions(embedding, 16), embedding)


def test_loading_draws_no_random_numbers(file):
    before = torch.random.get_rng_state()
    loaded(file)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("architecture", [*ARCHITECTURES])
def test_the_number_of_features_is_known_beforehand(file, architecture):
    extractor = DinoExtractor(architecture, file)
    assert extractor.blank({}).num_features == extractor.size
    assert extractor.name == architecture


def test_another_networks_file_is_one_clear_error(file, state, tmp_path):
    with pytest.raises(UserError, match=r"holds no weights of dinov2_vitb14: .*cls_token.*384.*768"):
        DinoExtractor("dinov2_vitb14", file).fetch()
    path = tmp_path / "registers.pth"
    torch.save(state | {"register_tokens": torch.zeros(1, 4, WIDTH)}, path)
    with pytest.raises(UserError, match="'register_tokens' does not belong there"):
        DinoExtractor("dinov2_vits14", str(path)).fetch()


def test_an_architecture_that_there_is_not_is_refused(file):
    with pytest.raises(ValueError, match="architecture must be one of dinov2_.*, dinov2_vits14, got 'dinov2'"):
        DinoExtractor("dinov2", file)


@pytest.mark.slow
def test_features_depend_on_no_other_image(file, pictures, same_alone_and_among_others):
    same_alone_and_among_others(loaded(file), pictures(34, 64, 64))
