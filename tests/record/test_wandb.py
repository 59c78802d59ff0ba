import logging

import numpy as np
import pytest
import wandb
from PIL import Image

from atelier.errors import UserError
from atelier.record import wandb as ours
from atelier.record.loggers import close, log_image
from atelier.record.wandb import WandbRecord


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(monkeypatch, tmp_path):
    """No account, whoever runs the tests; and nothing outside the test's own folder."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_PROJECT", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "wandb-home"))


def record_of(run, **options):
    run.mkdir(parents=True, exist_ok=True)
    return WandbRecord(run, **options)


def test_an_offline_run_holds_config_curves_pictures_and_how_it_ended(tmp_path, received, caplog):
    caplog.set_level(logging.INFO)
    crashed, finished = (
        record_of(tmp_path / "dcgan" / "1"),
        record_of(tmp_path / "dcgan" / "2", name="second"),
    )
    for record in (crashed, finished):  # at once, in one process: they must not merge
        record.log_hyperparams({"model": {"latent_dim": 64}, "resume": None})
    crashed.log_metrics({"images_seen": 160, "generator/adversarial": 0.5}, 10)
    crashed.log_metrics({"val/fid": 12.5}, 10)
    log_image([crashed], "samples", np.full((4, 4, 3), 200, np.uint8), 10)
    finished.log_metrics({"images_seen": 320}, 20)
    close([crashed], failed=True)
    close([finished], failed=False)
    close([finished], failed=False)

    (first,), (second,) = received(crashed.folder), received(finished.folder)

    assert (first.name, second.name) == ("dcgan/1", "second")
    assert first.config["model"] == {"latent_dim": 64}
    (row,) = first.rows
    logged = {"_step": 10, "images_seen": 160, "generator/adversarial": 0.5, "val/fid": 12.5}
    assert {key: row[key] for key in logged} == logged
    (path,) = crashed.folder.glob(f"wandb/offline-run-*/files/{row['samples.path']}")
    assert np.asarray(Image.open(path)).min() == 200
    assert [row["images_seen"] for row in second.rows] == [320]
    assert (first.exit_code, second.exit_code) == (1, 0)
    assert first.identity != second.identity
    told = [line for line in caplog.messages if "wandb sync" in line]
    assert len(told) == 2
    assert "no account is configured" in told[0]


def test_a_resumed_run_continues_its_w_and_b_run(tmp_path, received):
    for resume_step, step in ((None, 10), (10, 20)):
        record = record_of(tmp_path / "run", resume_step=resume_step, mode="offline")
        record.log_metrics({"a": 1.0}, step)
        record.close(failed=False)

    first, resumed = received(tmp_path / "run")

    assert first.identity == resumed.identity
    assert [row["_step"] for row in first.rows + resumed.rows] == [10, 20]


def test_whoever_starts_afresh_in_a_folder_gets_a_new_run(tmp_path):
    identities = set()
    for _ in range(2):
        record = record_of(tmp_path / "run", mode="disabled")
        record.log_metrics({"a": 1.0}, 1)
        identities.add(record._identity())
        record.close(failed=False)

    assert len(identities) == 2


def test_online_without_an_account_is_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match=r"logger\.wandb\.mode: online needs an account: `wandb login`"):
        record_of(tmp_path, mode="online").log_metrics({"a": 1.0}, 1)


def test_a_server_that_cannot_be_reached_makes_the_run_offline(tmp_path, received, monkeypatch, caplog):
    starts = []

    def init(**arguments):
        starts.append(arguments["mode"])
        if arguments["mode"] == "online":
            raise wandb.errors.CommError("no such host.\nConsider increasing the init_timeout setting")
        return real_init(**arguments)

    real_init = wandb.init
    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(wandb, "login", lambda **_: True)
    record = record_of(tmp_path, mode="online")
    record.log_metrics({"a": 1.0}, 1)
    record.close(failed=False)

    assert starts == ["online", "offline"]
    assert [row["a"] for row in received(tmp_path)[0].rows] == [1.0]
    assert any(line.startswith("W&B is offline: no such host. To send") for line in caplog.messages)


@pytest.mark.slow
def test_a_real_online_run_gives_up_in_time(tmp_path, received, monkeypatch):
    """With a key, towards a port where nobody listens."""
    wandb.teardown()
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(ours.PATIENCE, "init_timeout", 3.0)
    record = record_of(tmp_path)
    record.log_metrics({"a": 1.0}, 1)
    record.close(failed=False)

    assert [row["a"] for row in received(tmp_path)[0].rows] == [1.0]


def test_modes_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"mode must be one of \['auto', 'online', .*\], got 'of'"):
        WandbRecord(tmp_path, mode="of")
