import hashlib
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from atelier.errors import UserError
from atelier.metrics.extractors.base import Features
from atelier.metrics.extractors.pretrained import PretrainedExtractor


class Linear(PretrainedExtractor):
    """A linear layer from mean colours to 2 features."""

    name, side, size, classes = "linear", 8, 2, None
    published = "inception"

    def __init__(self, weights, kernel="tf1"):
        super().__init__(weights, kernel)

    def load(self, device):
        self.network = self.filled().to(device)

    def blank(self, state):
        with torch.device("meta"):
            return nn.Linear(3, 2)

    def extract(self, images):
        return Features(self.network(images.mean((2, 3))), None)


@pytest.fixture
def state():
    return {"weight": torch.rand(2, 3), "bias": torch.rand(2)}


def saved(state, folder, name="some.pth"):
    path = folder / name
    (save_file if path.suffix == ".safetensors" else torch.save)(state, path)
    return str(path)


@pytest.mark.parametrize("name", ["some.pth", "some.safetensors"])
def test_either_format_is_read(state, tmp_path, name, pictures):
    extractor = Linear(saved(state, tmp_path, name))
    extractor.fetch()
    extractor.load(torch.device("cpu"))
    images = pictures(3, 8, 8)
    expected = images.float().mean((2, 3)) @ state["weight"].T + state["bias"]
    torch.testing.assert_close(extractor(images).pooled, expected)


def test_files_of_half_precision_give_float32(state, tmp_path, pictures):
    extractor = Linear(saved({name: part.half() for name, part in state.items()}, tmp_path))
    extractor.load(torch.device("cpu"))
    assert extractor(pictures(1, 8, 8)).pooled.dtype == torch.float32


def test_the_network_is_frozen_and_evaluates(state, tmp_path):
    network = Linear(saved(state, tmp_path)).filled()
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_digest_is_that_of_the_file(state, tmp_path):
    path = saved(state, tmp_path)
    assert Linear(path).digest == hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_a_file_that_is_not_there_is_known_at_once():
    with pytest.raises(ValueError, match="weights: no such file: 'nowhere.pth'"):
        Linear("nowhere.pth")


@pytest.mark.parametrize("name", ["some.pth", "some.safetensors"])
def test_a_file_of_something_else_is_one_clear_error(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"not weights")
    with pytest.raises(UserError, match=r"metrics.weights: .*some.* cannot be read as weights \(.+\)$") as caught:
        Linear(str(path)).fetch()
    assert "\n" not in str(caught.value)


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('code ran')",)


def test_no_code_in_a_file_is_run(tmp_path):
    path = tmp_path / "trap.pth"
    path.write_bytes(pickle.dumps({"weight": Trap()}, protocol=2))
    with pytest.raises(UserError, match="cannot be read as weights"):
        Linear(str(path)).fetch()
    torch.save({"weight": Trap()}, path)
    with pytest.raises(UserError, match="cannot be read as weights"):
        Linear(str(path)).fetch()


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"state_dict": {"weight": torch.zeros(2, 3)}}, 3])
def test_a_file_of_no_state_dict_is_one_clear_error(tmp_path, content):
    with pytest.raises(UserError, match="holds no weights, but something else"):
        Linear(saved(content, tmp_path)).fetch()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"bias": None}, "it lacks 'bias'"),
        ({"weight": None, "kernel": torch.zeros(1)}, "it lacks 'weight'"),
        ({"other": torch.zeros(1)}, "'other' does not belong there"),
        ({"weight": torch.zeros(2, 4)}, r"size mismatch for weight.*\[2, 4\].*\[2, 3\]"),
    ],
)
def test_another_networks_file_is_told_by_its_first_fault(state, tmp_path, change, fault):
    changed = {name: part for name, part in (state | change).items() if part is not None}
    with pytest.raises(UserError, match=rf"metrics.weights: .* holds no weights of linear: {fault}"):
        Linear(saved(changed, tmp_path)).fetch()


def test_without_a_path_the_published_file_is_fetched(state, tmp_path, monkeypatch, pictures):
    from atelier import weights

    path = tmp_path / "published.pth"
    fetched = []
    monkeypatch.setattr(weights, "path_of", lambda name: path)
    monkeypatch.setattr(weights, "fetch", lambda name: fetched.append(name) or torch.save(state, path) or path)
    extractor = Linear(None)
    assert not path.exists()
    extractor.fetch()
    assert fetched == ["inception"]
    extractor.load(torch.device("cpu"))
    torch.testing.assert_close(extractor.network.weight.data, state["weight"])
