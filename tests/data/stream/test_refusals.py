"""What does not fit is refused before a shard is read."""

import pytest
from streams import BATCH, SIZE, streamed

from atelier.data.shard_files import INDEX
from atelier.data.streamed import StreamedData
from atelier.errors import UserError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"root": "nowhere"}, "root: no such folder: 'nowhere'"),
        ({"window": 0}, "window must be at least 1, got 0"),
        ({"cache_gigabytes": 0}, "cache_gigabytes must be above 0, got 0"),
        ({"on_bad_shard": "ignore"}, r"on_bad_shard must be one of \['raise', 'skip'\], got 'ignore'"),
        ({"image_size": 4}, "image_size must be at least 8, got 4"),
        (
            {"storage_options": {"secret": "s3cret", "key": "me", "endpoint_url": "http://here"}},
            "storage_options must hold no secrets, .*, got key, secret: set AWS_ACCESS_KEY_ID, ",
        ),
        (
            {"storage_options": {"client_kwargs": {"aws_session_token": "s3cret"}}},
            "storage_options must hold no secrets, .*, got aws_session_token: ",
        ),
    ],
)
def test_refused_before_anything_is_read(options, message):
    settings = {"root": "memory://none", "image_size": SIZE, "batch_size": BATCH, "seed": 0}
    with pytest.raises(ValueError, match=message) as caught:
        StreamedData(**settings | options)
    assert "s3cret" not in str(caught.value)


def test_options_without_secrets_are_none_of_ours():
    settings = {"root": "memory://none", "image_size": SIZE, "batch_size": BATCH, "seed": 0}
    for options in ({"anon": True, "client_kwargs": {"region_name": "x"}}, {"token": "anon"}, {"key": None}):
        assert StreamedData(**settings, storage_options=options).storage_options == options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 16}, "data.image_size: the pictures in these shards have 8 px, got 16"),
        (
            {"label": "artist"},
            r"data.label: these pictures have no 'artist'; choose one of palette, style, null",
        ),
        ({"batch_size": 109}, "data.batch_size: a batch has 109 pictures, but only 108 are for training"),
        (
            {"cache_gigabytes": 1e-6},
            "data.cache_gigabytes: must be at least 0.0001 for data.window=3 shards of 0.0 MB and 3 more, got 1e-06",
        ),
    ],
)
def test_refused_when_the_index_is_known(root, options, message):
    with pytest.raises(UserError, match=message):
        streamed(root, **options)


def test_where_there_are_no_shards(tmp_path):
    with pytest.raises(UserError, match="data.root: no shards at '.*': it has no index.json"):
        streamed(str(tmp_path))
    (tmp_path / INDEX).write_text("?")
    with pytest.raises(UserError, match="data.root: .*index.json is damaged: no index of shards"):
        streamed(str(tmp_path))
