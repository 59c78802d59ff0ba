"""Tests that need a GPU. `OMP_NUM_THREADS=1 python -m pytest tests/gpu -m gpu -n 12` runs them."""

import pytest
import torch
from accelerated import DEVICE, words
from beside import module
from stylising import paint

make_style_run = module("cli/conftest.py").make_style_run
inception_file = module("metrics/conftest.py").inception_file


@pytest.fixture(autouse=True, scope="session")
def an_accelerator():
    """Before anything else is computed there: torch looks but once at what makes cuBLAS deterministic."""
    if DEVICE == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        yield


@pytest.fixture(autouse=True)
def as_before():
    """What trainers set for the whole process is for their own test."""
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("highest")


@pytest.fixture
def device():
    return torch.device(DEVICE)


@pytest.fixture
def all_of_float32():
    """Without TF32, by which convolutions keep 10 bits of each factor, and with the same kernels each time."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


@pytest.fixture
def tiny(composed, tmp_path):
    """Composes the config of a model that is as small as can be."""
    picture = paint(tmp_path / "picture.png")
    return lambda model, *overrides: composed(*words(model, picture), *overrides)
