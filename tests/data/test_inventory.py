import pytest

from atelier.data.inventory import clear, entries


@pytest.fixture
def root(tmp_path):
    for name, data in {
        "pixels/wikiart-64-01/pixels.npy": b"12345",
        "pixels/wikiart-64-01/manifest.json": b"{}",
        "pixels/folder-64-02.building/pixels.npy": b"dead",
        "pixels/.locks/folder-64-02.lock": b"",
        "statistics/real.npz": b"123",
        "statistics/.real.npz.x.partial": b"1",
        "weights/inception.pth": b"1",
        "a file of someone's": b"1",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_every_kind_is_listed(root):
    assert [(entry.kind, entry.name, entry.bytes) for entry in entries(root)] == [
        ("pixels", "wikiart-64-01", 7),
        ("statistics", "real.npz", 3),
        ("weights", "inception.pth", 1),
    ]


def test_what_is_chosen_is_cleared_and_what_died(root):
    clear([entry for entry in entries(root) if entry.kind != "weights"], root)
    assert [entry.name for entry in entries(root)] == ["inception.pth"]
    assert not (root / "pixels/folder-64-02.building").exists()


def test_an_empty_cache(tmp_path):
    assert entries(tmp_path / "nowhere") == []
    clear([], tmp_path / "nowhere")
