from functools import partial

import pytest

from faults import SMALL, ends_well


@pytest.fixture
def small(small_config):
    return partial(small_config, *SMALL)


@pytest.fixture
def cfg(small):
    return small()


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    return tmp_path_factory.mktemp("undisturbed") / "runs" / "run"


@pytest.fixture
def undisturbed(cfg, shelf):
    """The folder of a run that nothing happened to."""
    if not shelf.exists():
        ends_well(cfg, shelf)
    return shelf


@pytest.fixture
def folder(tmp_path):
    """Whose last two parts are those of the undisturbed one's."""
    return tmp_path / "runs" / "run"
