import json
import re
import sys

import pytest
import wandb
from typer.testing import CliRunner
from wandb_server import WandbServer

from atelier.cli.main import app
from atelier.errors import RunError, UserError
from atelier.record import dashboard as module
from atelier.record.dashboard import dashboard, save, serialised

pytestmark = pytest.mark.usefixtures("nobody_logged_in")

SECTIONS = ["scores", "losses", "grids", "health"]


@pytest.fixture
def view():
    return serialised(dashboard("team", "paintings", "val/fid"))


def panels(view):
    return {
        section["name"]: [panel["config"] | {"type": panel["viewType"]} for panel in section["panels"]]
        for section in view["spec"]["section"]["panelBankConfig"]["sections"]
    }


def test_a_dashboard_has_scores_losses_grids_and_health(view):
    laid_out = panels(view)

    assert [*laid_out] == SECTIONS
    score, bars, *_ = laid_out["scores"]
    assert (score["metrics"], score["xAxis"], score["groupArea"]) == (["val/fid"], "images_seen", "minmax")
    assert (bars["type"], bars["metrics"], bars["groupBy"]) == ("Bar Chart", ["val/fid"], "group")
    assert score["groupAgg"] == bars["groupAgg"] == "mean"
    (grids,) = laid_out["grids"]
    assert grids["mediaKeys"] == ["samples"]
    assert grids["gridSettings"] == {"xAxis": "step", "yAxis": "run"}


def test_runs_are_grouped_by_sweep_and_the_best_come_first(view):
    (runs,) = view["spec"]["section"]["runSets"]

    assert runs["grouping"] == [{"section": "run", "name": "group"}]
    assert runs["sort"]["keys"] == [{"key": {"section": "summary", "name": "val/fid"}, "ascending": True}]


@pytest.mark.parametrize(
    ("section", "names", "others"),
    [
        ("scores", ["val/fid", "val/cycle"], ["health/fid", "generator/adversarial"]),
        (
            "losses",
            ["generator/adversarial", "discriminator/gradient_penalty", "network/content"],
            ["val/fid", "images_seen"],
        ),
        ("health", ["health/generator_gradient", "val/seam", "val/modes"], ["val/fid", "generator/adversarial"]),
    ],
)
def test_a_section_shows_its_own_metrics_and_no_others(section, names, others, view):
    patterns = [panel["metricRegex"] for panel in panels(view)[section] if panel.get("useMetricRegex")]
    shown = [name for name in names + others if any(re.match(pattern, name) for pattern in patterns)]
    assert shown == names


def test_the_command_writes_a_file_without_an_account(tmp_path):
    out = tmp_path / "new" / "dashboard.json"
    result = CliRunner().invoke(app, ["dashboard", "--entity", "team", "--score", "val/kid", "--out", str(out)])

    assert result.exit_code == 0, result.output
    view = json.loads(out.read_text())
    assert (view["entity"], view["project"]) == ("team", "atelier")
    assert panels(view)["scores"][0]["metrics"] == ["val/kid"]


@pytest.mark.parametrize("content", [b"a diary", b"\xff\xd8 a photograph", b"{}", b"[]", b'{"name": "Atelier"}'])
def test_only_a_dashboard_is_written_over(content, tmp_path):
    out = tmp_path / "precious.json"
    for project in ("atelier", "other"):
        words = ["dashboard", "--entity", "team", "--project", project, "--out", str(out)]
        assert CliRunner().invoke(app, words).exit_code == 0
        assert json.loads(out.read_text())["project"] == project
    out.write_bytes(content)
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, UserError)
    assert str(result.exception) == f"--out: {out} is another file, which would be lost: name another"
    assert out.read_bytes() == content


def test_a_place_that_cannot_be_written_is_told_before_anything_is_laid_out(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "dashboard", lambda *_: pytest.fail("too early"))
    (tmp_path / "file").touch()
    for out, told in (
        (tmp_path / "file" / "below.json", f"--out: must be a folder, and '{tmp_path / 'file'}' is none"),
        (tmp_path / "file" / "x" / "below.json", f"--out: nothing can be written to '{tmp_path / 'file' / 'x'}' ("),
        (tmp_path, f"--out: must be a file, and '{tmp_path}' is a folder"),
    ):
        result = CliRunner().invoke(app, ["dashboard", "--entity", "team", "--out", str(out)])
        assert isinstance(result.exception, UserError)
        assert str(result.exception).startswith(told)


@pytest.mark.parametrize(
    ("score", "key", "lowest_first"),
    [
        ("fid", "val/fid", True),
        ("val/fid", "val/fid", True),
        ("recall", "val/recall", False),
        ("intra_fid/sea", "val/intra_fid/sea", True),
        (None, "val/embedded_frechet_distance", True),
    ],
)
def test_the_best_by_a_score_of_any_name_come_first(score, key, lowest_first, tmp_path):
    out, words = tmp_path / "dashboard.json", [] if score is None else ["--score", score]
    assert CliRunner().invoke(app, ["dashboard", "--entity", "team", *words, "--out", str(out)]).exit_code == 0
    view = json.loads(out.read_text())
    assert panels(view)["scores"][0]["metrics"] == [key]
    (runs,) = view["spec"]["section"]["runSets"]
    assert runs["sort"]["keys"] == [{"key": {"section": "summary", "name": key}, "ascending": lowest_first}]


def test_without_an_account_one_line_says_what_to_do():
    with pytest.raises(UserError, match=r"no W&B account is configured: `wandb login`, or .*--out$"):
        save(dashboard("team", "paintings", "val/fid"))


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb_workspaces.workspaces", None)
    with pytest.raises(UserError, match=r"^the dashboard needs wandb-workspaces: pip install -e '.\[dashboard\]'$"):
        module.dashboard("team", "paintings", "val/fid")


@pytest.mark.slow
def test_an_account_has_it_saved_and_a_server_that_is_away_is_told(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    with WandbServer() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        wandb.teardown()
        address = save(dashboard("team", "paintings", "val/fid"))
        (sent,) = server.views
        assert [*panels({"spec": json.loads(sent["spec"])})] == SECTIONS
        assert (sent["entityName"], sent["projectName"]) == ("team", "paintings")
        assert address.startswith(f"{server.url}/team/paintings")
    with pytest.raises(RunError, match="W&B did not take the dashboard: "):
        save(dashboard("team", "paintings", "val/fid"))
    wandb.teardown()
