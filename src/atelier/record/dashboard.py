"""The team's view of a W&B project, laid out in code: scores, losses, pictures and health, with runs by their sweep."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import wandb

from atelier.errors import RunError, UserError

NAME = "Atelier"
"""What the view is called in its project."""

AXIS = "images_seen"
"""What runs of different batches can be compared by."""

LOSSES = {
    "losses of both players": "(generator|discriminator)/.*",
    "losses of one that has no opponent": "(network|decoder|picture)/.*",
}

HEALTH = {"health": "health/.*", "seams and modes": "val/(seam|modes|good_samples)"}


def dashboard(entity: str, project: str, score: str, higher_is_better: bool = False) -> Any:
    """The `wandb_workspaces.workspaces.Workspace`, not yet saved. Its table has the runs of the best `score` first.

    Raises UserError where wandb-workspaces is not installed.
    """
    workspaces, panels = _packages()
    return workspaces.Workspace(
        name=NAME,
        entity=entity,
        project=project,
        sections=[
            workspaces.Section(name=name, panels=made, is_open=True)
            for name, made in (
                ("scores", _scores(panels, score)),
                ("losses", [_curves(panels, title, names) for title, names in LOSSES.items()]),
                ("grids", [panels.MediaBrowser(media_keys=["samples"], grid_x_axis="step", grid_y_axis="run")]),
                ("health", [_curves(panels, title, names) for title, names in HEALTH.items()]),
            )
        ],
        settings=workspaces.WorkspaceSettings(x_axis=AXIS, max_runs=20),
        runset_settings=workspaces.RunsetSettings(
            groupby=[workspaces.Metric("Group")],
            order=[workspaces.Ordering(workspaces.Summary(score), ascending=not higher_is_better)],
            pinned_columns=["run:displayName", f"summary:{score}", "run:tags"],
        ),
    )


def serialised(workspace: Any) -> dict[str, Any]:
    """What W&B is sent of it, as plain data."""
    view = workspace._to_model()  # no public name, and `save` needs an account
    spec = json.loads(view.spec.model_dump_json(by_alias=True, exclude_none=True))
    return {"entity": view.entity, "project": view.project, "name": view.display_name, "spec": spec}


def is_serialised(path: Path) -> bool:
    """Whether a file holds such a dashboard. Raises OSError."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(found, dict) and found.keys() == {"entity", "project", "name", "spec"} and found["name"] == NAME


def save(workspace: Any) -> str:
    """Add it to its project as a view of its own; returns the address.

    Raises UserError where no account is configured, and RunError where W&B did not take it.
    """
    try:
        if not wandb.login(prompt=False, verify=False):
            raise UserError("no W&B account is configured: `wandb login`, or write the dashboard to a file with --out")
        workspace.save()
    except (wandb.errors.Error, ValueError, OSError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RunError(f"W&B did not take the dashboard: {reason}") from error
    return workspace.url


def _scores(panels: ModuleType, score: str) -> list[Any]:
    return [
        panels.LinePlot(title=score, x=AXIS, y=[score], groupby_aggfunc="mean", groupby_rangefunc="minmax"),
        panels.BarPlot(title=f"{score}, at the end", metrics=[score], groupby="Group", groupby_aggfunc="mean"),
        _curves(panels, "all scores", "val/.*"),
        panels.RunComparer(diff_only="split"),
    ]


def _curves(panels: ModuleType, title: str, names: str) -> Any:
    """All metrics of a project whose names match, over the images seen."""
    return panels.LinePlot(title=title, x=AXIS, metric_regex=names, smoothing_show_original=True)


def _packages() -> tuple[ModuleType, ModuleType]:
    try:
        import wandb_workspaces.reports.v2 as panels
        import wandb_workspaces.workspaces as workspaces
    except ImportError as error:
        raise UserError("the dashboard needs wandb-workspaces: pip install -e '.[dashboard]'") from error
    return workspaces, panels
