import json
import logging

import numpy as np
import pytest
import wandb
from PIL import Image

from atelier.errors import UserError
from atelier.record import wandb as ours
from atelier.record import wandb_log
from atelier.record.loggers import close, log_checkpoint, log_image
from atelier.record.wandb import WandbRecord
from atelier.sweeps.ledger import PLAN

pytestmark = pytest.mark.usefixtures("nobody_logged_in")


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


@pytest.mark.parametrize("sweeper", [PLAN, "multirun.yaml"])
def test_a_run_says_what_it_is_of_and_its_config_only_what_makes_runs_differ(sweeper, tmp_path, received):
    sweep = tmp_path / "sweeps" / "rates"
    for name, mode in (("lr=1", "MULTIRUN"), ("lr=2", "RUN")):
        job = sweep / name / ".hydra"
        job.mkdir(parents=True)
        (job / "hydra.yaml").write_text(f"hydra:\n  mode: {mode}\n")
        facts = {"choices": {"model": "dcgan", "data": "folder", "loss": "hinge", "encoder": "none"}, "seed": 3}
        facts |= {"git": {"commit": "abc", "dirty": False}, "data": "fingerprint", "wall_seconds": 2.5}
        (sweep / name / "run.json").write_text(json.dumps(facts))
    (sweep / sweeper).touch()
    chosen = {"group": "mine", "tags": [], "job_type": "probe"}
    records = [
        record_of(sweep / "lr=1"),
        record_of(sweep / "lr=2"),
        record_of(tmp_path / "own", **chosen),
    ]
    params = {
        "model": {"width": 4},
        "run_dir": "here",
        "resume": "there",
        "logger": {"wandb": {"name": "x"}},
        "seed": 3,
    }
    for record in records:
        record.log_hyperparams(params)
        record.close(failed=False)

    ((job,), (alone,), (own,)) = (received(record.folder) for record in records)

    assert (job.group, job.job_type, job.tags) == ("rates", "train", ["dcgan", "folder", "hinge"])
    assert (alone.group, alone.job_type) == ("", "train")
    assert (own.group, own.job_type, own.tags) == ("mine", "probe", [])
    told = {"git": {"commit": "abc", "dirty": False}, "data": "fingerprint"}
    config = {key: value for key, value in job.config.items() if key != "_wandb"}
    assert config == {"model": {"width": 4}, "seed": 3, "run": told}


def test_pictures_say_where_they_are_from_and_are_no_larger_than_one_looks_at(tmp_path, received):
    record = record_of(tmp_path / "run", mode="offline")
    (tmp_path / "run" / "run.json").write_text('{"seed": 7}')
    record.log_image("samples", np.zeros((3000, 6000, 3), np.uint8), 10)
    record.log_image("samples", np.zeros((40, 20, 3), np.uint8), 20)
    record.close(failed=False)

    (run,) = received(tmp_path / "run")

    sizes = [(row["samples.height"], row["samples.width"]) for row in run.rows]
    assert sizes == [(1024, 2048), (40, 20)]
    assert [row["samples.caption"] for row in run.rows] == ["step 10, seed 7", "step 20, seed 7"]


@pytest.mark.parametrize(
    ("choice", "kept"),
    [("none", {}), ("best", {10: ["best"]}), ("all", {10: ["best"], 20: []})],
)
def test_checkpoints_are_kept_by_choice(choice, kept, tmp_path, received):
    record = record_of(tmp_path / "run", mode="offline", checkpoints=choice)
    (tmp_path / "run" / "run.json").write_text('{"monitor": "fid", "card": {"extractor": "inception"}}')
    path = tmp_path / "run" / "last.ckpt"
    for step, score, best in ((10, 2.0, ("best",)), (20, 3.0, ())):
        path.write_bytes(b"weights")
        record.log_metrics({"val/fid": score}, step)
        log_checkpoint([record], path, step, score, ("last", *best))
        path.unlink()
    record.close(failed=False)

    (run,) = received(tmp_path / "run")

    assert {artifact.metadata["step"]: sorted({*artifact.aliases} & {"best"}) for artifact in run.artifacts} == kept
    for artifact in run.artifacts:
        assert artifact.metadata["monitor"] == "fid"
        assert artifact.metadata["card"] == {"extractor": "inception"}
        assert {f"step-{artifact.metadata['step']}", "last"} <= {*artifact.aliases}
        assert artifact.path.read_bytes() == b"weights"
        assert artifact.path.is_relative_to(tmp_path / "run" / "wandb")


def test_a_checkpoint_that_cannot_be_kept_is_told_and_ends_nothing(tmp_path, received, caplog):
    record = record_of(tmp_path / "run", mode="offline", checkpoints="all")
    log_checkpoint([record], tmp_path / "run" / "nowhere.ckpt", 10, None, ("last",))
    record.log_metrics({"a": 1.0}, 10)
    record.close(failed=False)

    assert received(tmp_path / "run")[0].steps == [10]
    assert any("did not take the checkpoint of step 10" in line for line in caplog.messages)


def test_an_agent_of_a_sweep_says_which_run_it_is(tmp_path, received, monkeypatch):
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    monkeypatch.setenv("WANDB_RUN_ID", "given123")
    record = record_of(tmp_path / "run", mode="offline")
    record.log_metrics({"a": 1.0}, 1)
    record.close(failed=False)

    assert received(tmp_path / "run")[0].identity == "given123"


def test_w_and_b_is_given_no_longer_name_than_it_takes(tmp_path):
    name = WandbRecord(tmp_path / ("x" * 150) / "seed=1").name
    assert len(name) == 128
    assert name.endswith("xxx/seed=1")


def test_a_resumed_run_continues_its_w_and_b_run(tmp_path, received):
    for resume_step, step in ((None, 10), (10, 20)):
        record = record_of(tmp_path / "run", resume_step=resume_step, mode="offline")
        record.log_metrics({"a": 1.0}, step)
        record.close(failed=False)
        wandb.teardown()  # else the first one's file may not be written yet

    first, resumed = received(tmp_path / "run")

    assert first.identity == resumed.identity
    assert [row["_step"] for row in first.rows + resumed.rows] == [10, 20]


def test_what_w_and_b_has_is_not_logged_again_and_what_it_has_not_is_made_good(tmp_path, received):
    steps = {None: (10, 20, 30), 20: (30, 40)}
    for resume_step, logged in steps.items():
        record = record_of(tmp_path / "run", resume_step=resume_step, mode="offline")
        for step in logged:
            record.log_metrics({"loss": float(step)}, step)
            record.log_image("samples", np.zeros((4, 4, 3), np.uint8), step)
        record.close(failed=False)
        wandb.teardown()
    (tmp_path / "run" / "metrics.csv").write_text("step,images_seen,loss\n10,40,1\n45,90,4.5\n50,100,5\n")
    record = record_of(tmp_path / "run", resume_step=50, mode="offline")  # of 45 and 50 nothing has reached W&B
    record.log_metrics({"loss": 60.0}, 60)
    record.close(failed=False)

    runs = received(tmp_path / "run")

    assert [run.steps for run in runs] == [[10, 20, 30], [40], [45, 50, 60]]
    assert [(row["images_seen"], row["loss"]) for row in runs[2].rows[:2]] == [(90, 4.5), (100, 5.0)]


def test_a_file_that_a_kill_left_unfinished_is_cut_to_what_is_whole_of_it(tmp_path, received):
    record = record_of(tmp_path / "run", mode="offline")
    for step in range(1, 500):
        record.log_metrics({"loss": float(step)}, step)
    record.close(failed=False)
    (whole,) = received(tmp_path / "run")
    (file,) = (tmp_path / "run").glob("wandb/offline-run-*/*.wandb")
    identity = file.stem.removeprefix("run-")
    content = file.read_bytes()
    assert whole.steps == [*range(1, 500)]
    assert wandb_log.last_step(tmp_path / "run", identity) == 499
    assert file.read_bytes() == content

    middle = 2 * wandb_log.BLOCK + 100
    damaged = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for unfinished in (content[:middle], damaged):
        file.write_bytes(unfinished)
        last = wandb_log.last_step(tmp_path / "run", identity)

        assert received(tmp_path / "run")[0].steps == [*range(1, last + 1)]
        assert 100 < last < 499
        assert content[:middle].startswith(file.read_bytes())
    file.write_bytes(content[:7] + b"\0" * 100)
    assert wandb_log.last_step(tmp_path / "run", identity) == -1
    assert [path.name for path in file.parent.glob("*.wandb*")] == [f"{file.name}.unreadable"]


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


def test_choices_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"checkpoints must be one of \['none', 'best', 'all'\], got 'some'"):
        WandbRecord(tmp_path, checkpoints="some")


def test_modes_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"mode must be one of \['auto', 'online', .*\], got 'of'"):
        WandbRecord(tmp_path, mode="of")
