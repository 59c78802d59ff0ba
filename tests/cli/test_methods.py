"""What `atelier stylize gatys` does without a config is what model=gatys does with one."""

import pytest

from atelier.cli.styling import methods
from atelier.cli.styling.method_gatys import DISTANCES
from atelier.cli.styling.settings import Settings
from atelier.config import build


def test_gatys_on_the_command_line_is_the_recipe(composed, tmp_path):
    recipe = composed("model=gatys", "encoder=embedded", f"data.content={tmp_path}", f"data.style={tmp_path}").model
    ours = methods.method_of("gatys", Settings(memory=2**30, encoder="embedded")).method
    theirs = build({**recipe.objective, "encoder": recipe.objective.encoder}, "objective")
    for name in ("content", "style", "content_weight", "style_weight", "variation_weight", "seamless"):
        assert getattr(ours.objective, name) == getattr(theirs, name), name
    for name in ("content_distance", "style_distance"):
        assert type(getattr(ours.objective, name)) is type(getattr(theirs, name)), name
    settings = {key: value for key, value in recipe.optimizer.items() if not key.startswith("_")}
    assert {"lr": 1, **ours.optimizer_factory.keywords} == settings  # torch's own rate


@pytest.mark.parametrize("distance", DISTANCES)
def test_every_style_loss_is_a_distance_on_the_command_line(distance, composed, tmp_path):
    pictures = [f"data.content={tmp_path}", f"data.style={tmp_path}"]
    recipe = composed("model=gatys", "encoder=embedded", f"loss={distance}", *pictures).model.objective.style_distance
    settings = Settings(2**30, "embedded", distance=distance, style_weight=3, variation_weight=0)
    chosen = methods.method_of("gatys", settings)
    objective = chosen.method.objective
    assert type(objective.style_distance) is type(build(recipe))
    assert (objective.style_weight, objective.variation_weight) == (3, 0)
    assert chosen.note["distance"] == distance
    searched = "line_search_fn" in chosen.method.optimizer_factory.keywords
    assert searched == (distance != "sliced")
