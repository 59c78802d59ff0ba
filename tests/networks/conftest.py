import pytest
from safetensors.torch import save_file
from slim_weights import weights


@pytest.fixture(scope="session")
def path(tmp_path_factory):
    """A file like that of the distilled VGG-19, with random weights."""
    path = tmp_path_factory.mktemp("slim") / "wct16x_all.safetensors"
    save_file(weights(), path)
    return path
