"""Small collections in shards, each test with a copy and a cache of its own."""

import shutil

import pytest
from streams import COUNT, MEGABYTES, SIZE

from atelier.data.paintings import Paintings
from atelier.data.remote import Remote
from atelier.data.shard_writing import write_shards


@pytest.fixture(autouse=True)
def own_cache_of_a_test(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    write_shards(Paintings(COUNT), SIZE, Remote(str(folder)), MEGABYTES)
    return folder


@pytest.fixture
def root(written, tmp_path):
    """A folder of shards that a test may damage."""
    return str(shutil.copytree(written, tmp_path / "shards"))


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """The shards that were fetched, in order, by whichever process."""
    log, read = tmp_path / "fetched.txt", Remote.read

    def noting(remote, name):
        if name.startswith("pictures-"):
            with log.open("a") as file:
                file.write(f"{name}\n")
        return read(remote, name)

    monkeypatch.setattr(Remote, "read", noting)
    return lambda: log.read_text().split() if log.exists() else []
