"""Shards in an object store: a real server of S3's protocol, on loopback, which is shut down and comes back."""

import logging
from itertools import islice
from urllib.request import Request, urlopen

import pytest
import torch

from atelier.data import remote as remotes
from atelier.data.paintings import Paintings
from atelier.data.remote import Remote
from atelier.data.shard_files import INDEX, Index
from atelier.data.shard_writing import write_shards
from atelier.data.streamed import StreamedData
from atelier.errors import RunError, UserError

pytest.importorskip("s3fs")
server = pytest.importorskip("moto.server")

pytestmark = pytest.mark.slow

COUNT, SIZE = 60, 8
ROOT = "s3://bucket/paintings"


@pytest.fixture
def store(monkeypatch, tmp_path):
    """A server with an empty bucket, known to the client by the environment as any store is."""
    import s3fs

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    started = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_MAX_ATTEMPTS": "1", **keys}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)  # ours are tested here
    s3fs.S3FileSystem.clear_instance_cache()
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()  # its objects outlive a server
    s3fs.S3FileSystem().mkdir("bucket")
    servers = [started]
    yield servers
    servers[-1].stop()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def filled(store):
    write_shards(Paintings(COUNT), SIZE, Remote(ROOT), 10 * SIZE * SIZE * 3 / 1e6)
    return store


def streamed(root=ROOT, **options):
    settings = {"image_size": SIZE, "batch_size": 6, "seed": 3, "window": 2, "num_workers": 0}
    data = StreamedData(root=root, **settings | options)
    data.prepare()
    return data


def images(data, count=9):
    return torch.cat([batch.image for batch in islice(data.train_dataloader(), count)])


@pytest.mark.parametrize("num_workers", [0, 2])
def test_training_is_that_from_a_folder(filled, tmp_path, num_workers):
    for name in Remote(ROOT).names():
        Remote(str(tmp_path / "here")).write(name, Remote(ROOT).read(name))
    found = images(streamed(num_workers=num_workers), 20)
    (tmp_path / "cache" / "shards").rename(tmp_path / "cache" / "away")
    assert torch.equal(found, images(streamed(str(tmp_path / "here")), 20))


def test_a_server_that_dies_and_comes_back_costs_a_pause(filled, monkeypatch, caplog):
    expected = images(streamed())
    data = streamed(cache_gigabytes=1)
    for file in data.train_pixels._cache.folder.glob("*.npy"):
        file.unlink()
    address = filled[0].get_host_and_port()
    filled[0].stop()
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            filled.append(server.ThreadedMotoServer(ip_address=address[0], port=address[1], verbose=False))
            filled[-1].start()

    monkeypatch.setattr(remotes.time, "sleep", pause)
    monkeypatch.setattr(type(data.train_pixels._cache), "expect", lambda *_: None)  # one pause after the other
    assert torch.equal(images(data), expected)
    assert pauses == [1, 2]
    assert "pictures-" in caplog.text
    assert "again in 1 s" in caplog.text


def test_a_server_that_stays_away_ends_in_one_line_that_names_the_shard(filled, monkeypatch):
    data = streamed()
    filled[0].stop()
    monkeypatch.setattr(remotes, "PAUSES", (0,))
    try:
        with pytest.raises(RunError, match=rf"^{ROOT}/pictures-\w+-\d+.parquet cannot be read: .*") as caught:
            images(data)
        assert "\n" not in str(caught.value)
    finally:
        filled[0].start()


@pytest.mark.parametrize("how", ["missing", "truncated"])
def test_a_bad_shard_is_named_or_skipped(filled, how):
    remote = Remote(ROOT)
    shard = Index.of(remote.read(INDEX)).shards[3]
    content = remote.read(shard.name)
    remote.remove([shard.name])
    if how == "truncated":
        remote.write(shard.name, content[:-30])
    reason = "is missing" if how == "missing" else "is damaged"
    with pytest.raises(RunError, match=f"the shard {ROOT}/{shard.name} {reason}"):
        images(streamed())
    assert len(images(streamed(on_bad_shard="skip"))) == 54


def test_an_endpoint_can_be_an_option_of_the_config(filled, monkeypatch):
    host, port = filled[0].get_host_and_port()
    expected = images(streamed())
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    options = {"endpoint_url": f"http://{host}:{port}"}
    assert torch.equal(images(streamed(storage_options=options)), expected)


def test_missing_keys_are_told_at_once(store, monkeypatch, tmp_path):
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()  # which has the keys
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(remotes.time, "sleep", lambda _: pytest.fail("asked again"))
    with pytest.raises(UserError, match=f"^{ROOT}/index.json must not be read: Unable to locate credentials$"):
        streamed()
    with pytest.raises(UserError, match=f"^{ROOT}/one must not be written: Unable to locate credentials$"):
        Remote(ROOT).write("one", b"1")


def test_a_bucket_without_shards(store):
    with pytest.raises(UserError, match="data.root: no shards at 's3://bucket/paintings'"):
        streamed()
