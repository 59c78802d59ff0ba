"""What a run was trained on, for the commands that set something beside it."""

from pathlib import Path

from atelier import labels
from atelier.data.endless import EndlessData
from atelier.errors import UserError
from atelier.run_folder import facts


def prepare_again(data: EndlessData, run: Path, instead: str = "") -> None:
    """Prepare the data of a run's config. Raises UserError where they are no longer those of its training, or
    their classes have other names.

    `instead` is what there is to do then. Records of older runs do not say which these were, and neither may data
    that are somebody's own.
    """
    data.prepare()
    labels.refuse_others(data.classes, facts(run).get("classes"))
    before, now = facts(run).get("data"), getattr(data, "fingerprint", None)
    if None not in (before, now) and before != now:
        raise UserError(f"data: these are no longer the pictures that {run} was trained on{instead}")
