"""A disk that really runs full at a bad moment, where one can be had: mounting a small one takes root's rights."""

import subprocess

import pytest
from blows import BALLAST, NO_SPACE_ON_ITS_DISK
from same_run import same_run

from faults import Fault, ends_well, suffer

REPLACING, END = "atelier.{}:replacing", "atelier.run:Fitting.end"

FAULTS = {
    "at the first checkpoint": Fault(NO_SPACE_ON_ITS_DISK, REPLACING.format("checkpoints"), 1, "empty"),
    "at a checkpoint": Fault(NO_SPACE_ON_ITS_DISK, REPLACING.format("checkpoints"), 2, "empty"),
    "at a grid": Fault(NO_SPACE_ON_ITS_DISK, REPLACING.format("record.grids"), 3, "empty"),
    "at a row": Fault(NO_SPACE_ON_ITS_DISK, "atelier.record.csv:CsvRecord._put", 6),
    "at the pixels": Fault(NO_SPACE_ON_ITS_DISK, "atelier.data.building:RowsBuilder.add", 20),
    "at the statistics": Fault(NO_SPACE_ON_ITS_DISK, REPLACING.format("metrics.reference"), 1, "empty"),
}


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no disk can be mounted")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_nothing_is_lost(fault, cfg, undisturbed, small_disk, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(small_disk / "cache"))
    run = small_disk / "runs" / "run"
    run.mkdir(parents=True)
    outcome = suffer(cfg, run, fault)
    assert "No space left on device" in outcome.told or "no space left" in outcome.told
    (run.parent / BALLAST).unlink()
    ends_well(cfg, run)
    same_run(undisturbed, run)
