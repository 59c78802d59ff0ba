import pytest
import torch

from atelier.checkpoints import WholeCheckpoints, find, read
from atelier.errors import RunError, UserError

CONTENT = {"state_dict": {"weight": torch.arange(4.0)}, "global_step": 3}


@pytest.fixture
def run(tmp_path):
    WholeCheckpoints().save_checkpoint(CONTENT, tmp_path / "checkpoints" / "last.ckpt")
    return tmp_path


def test_what_was_written_is_read(run):
    content = read(find(run))
    assert content["global_step"] == 3
    assert torch.equal(content["state_dict"]["weight"], torch.arange(4.0))


def test_nothing_lies_beside_it(run):
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("damage", [b"", b"some text", "half"])
def test_a_damaged_file_is_named_and_the_previous_one_offered(run, damage):
    last, previous = run / "checkpoints" / "last.ckpt", run / "checkpoints" / "previous.ckpt"
    previous.write_bytes(last.read_bytes())
    last.write_bytes(last.read_bytes()[:400] if damage == "half" else damage)
    with pytest.raises(
        UserError,
        match=r"last.ckpt cannot be read: it is damaged, or none of this program; there is also .*previous.ckpt",
    ):
        read(last)


def test_a_strangers_file_cannot_run_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"state_dict": Trap()}, tmp_path / "last.ckpt")
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "last.ckpt")
    assert not (tmp_path / "sprung").exists()


def test_another_programs_file_is_refused(tmp_path):
    torch.save({"model": 1}, tmp_path / "last.ckpt")
    with pytest.raises(UserError, match="no checkpoint of this program"):
        read(tmp_path / "last.ckpt")


def test_a_full_disk_leaves_the_old_file_whole(run, monkeypatch):
    def full(content, file):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    path = run / "checkpoints" / "last.ckpt"
    before = path.read_bytes()
    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(RunError, match=r"cannot write the checkpoint .*last.ckpt: No space left"):
        WholeCheckpoints().save_checkpoint(CONTENT, path)
    assert path.read_bytes() == before
    assert len([*path.parent.iterdir()]) == 1


def test_a_run_without_a_checkpoint_says_so(tmp_path):
    with pytest.raises(UserError, match="has no checkpoint yet"):
        find(tmp_path)
