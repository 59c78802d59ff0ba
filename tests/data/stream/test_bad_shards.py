"""Shards that are missing or damaged: named, or skipped and told of once."""

import os
import time

import numpy as np
import pytest
import torch
from batches import Place, levels
from streams import as_bytes, batches, damage, forget_shards, streamed

from atelier.data.remote import Remote
from atelier.data.shard_cache import BadShard
from atelier.errors import RunError


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("missing", "is missing"),
        ("truncated", r"is damaged \([\d,]+ bytes whose checksum is another\)"),
        ("changed", r"is damaged \([\d,]+ bytes whose checksum is another\)"),
    ],
)
@pytest.mark.parametrize("num_workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_bad_shard_is_named_in_one_line(root, how, reason, num_workers):
    name = damage(root, 7, how)
    data = streamed(root, num_workers=num_workers)
    expected = f"^the shard {root}/{name} {reason}; data.on_bad_shard=skip goes on without it$"
    with pytest.raises(BadShard, match=expected) as caught:
        batches(data, 18)
    assert isinstance(caught.value, RunError)


@pytest.mark.parametrize("how", ["missing", "changed"])
def test_a_bad_shard_is_skipped_if_told_so(root, how, caplog):
    whole = batches(streamed(root), 18)
    data = streamed(root)
    lost = data.train_pixels._cache.index.shards[7].name
    own = {*as_bytes(torch.from_numpy(np.array(data.train_pixels._cache.pixels(7))).permute(0, 3, 1, 2))}
    damage(root, 7, how)
    forget_shards(root)
    caplog.clear()
    skipping = batches(streamed(root, on_bad_shard="skip"), 36)
    again = batches(streamed(root, on_bad_shard="skip", seed=3), 27, Place(9))
    shares = [batches(streamed(root, on_bad_shard="skip"), 18, Place(0, rank, 2)) for rank in (0, 1)]
    replaced = 0
    for number, one in enumerate(whole):
        here = skipping[number].image
        same = (here == one.image).flatten(1).all(1)
        replaced += int((~same).sum())
        assert not own & {*as_bytes(levels(here))}
        assert torch.equal(torch.cat([share[number].image for share in shares]), here)
    assert replaced == 10
    assert all(torch.equal(a.image, b.image) for a, b in zip(again, skipping[9:], strict=False))
    told = [message for message in caplog.messages if "skipped, its 10 pictures are replaced" in message]
    assert len(told) == 4  # once in each of the four runs, whose shards these are
    assert all(lost in message and "(1 of 12 shards skipped so far)" in message for message in told)


@pytest.mark.parametrize("launcher", [{"TORCHELASTIC_RUN_ID": "none"}, {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"}])
def test_processes_of_one_run_tell_of_a_bad_shard_once(root, monkeypatch, caplog, launcher):
    damage(root, 7, "missing")
    for name, value in launcher.items():
        monkeypatch.setenv(name, value)
    for rank in (0, 1):
        batches(streamed(root, on_bad_shard="skip"), 18, Place(0, rank, 2))
    assert caplog.text.count("skipped, its 10 pictures are replaced") == 1
    monkeypatch.setattr("os.getppid", lambda: -1)
    monkeypatch.setenv("SLURM_STEP_ID", "1")
    batches(streamed(root, on_bad_shard="skip"), 18)
    assert caplog.text.count("skipped, its 10 pictures are replaced") == 2


def test_old_marks_of_bad_shards_go(root):
    folder = streamed(root).train_pixels._cache.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, age in (("old", 90_000), ("new", 60)):
        (folder / f".bad-{name}-1").touch()
        then = time.time() - age
        os.utime(folder / f".bad-{name}-1", (then, then))
    streamed(root)
    assert [path.name for path in folder.glob(".bad-*")] == [".bad-new-1"]


def test_where_no_shard_is_left(root):
    for number in range(12):
        damage(root, number, "missing")
    with pytest.raises(RunError, match="data.root: none of the 12 shards can be used"):
        batches(streamed(root, on_bad_shard="skip"), 1)


def test_what_was_damaged_on_its_way_is_fetched_again(root, monkeypatch, caplog):
    read, torn = Remote.read, []

    def tearing(remote, name):
        data = read(remote, name)
        if name.startswith("pictures-") and name not in torn:
            torn.append(name)
            return data[: len(data) // 2]
        return data

    expected = batches(streamed(root), 4)
    forget_shards(root)
    monkeypatch.setattr(Remote, "read", tearing)
    found = batches(streamed(root), 4)
    assert all(torch.equal(one.image, other.image) for one, other in zip(found, expected, strict=True))
    assert torn
    assert "fetched again" in caplog.text
