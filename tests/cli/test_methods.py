"""What `atelier stylize gatys` does without a config is what model=gatys does with one."""

from atelier.cli import methods
from atelier.config import build


def test_gatys_on_the_command_line_is_the_recipe(composed, tmp_path):
    recipe = composed("model=gatys", "encoder=embedded", f"data.content={tmp_path}", f"data.style={tmp_path}").model
    ours = methods.method_of("gatys", methods.Settings(memory=2**30, encoder="embedded")).method
    theirs = build({**recipe.objective, "encoder": recipe.objective.encoder}, "objective")
    for name in ("content", "style", "content_weight", "style_weight", "variation_weight", "seamless"):
        assert getattr(ours.objective, name) == getattr(theirs, name), name
    for name in ("content_distance", "style_distance"):
        assert type(getattr(ours.objective, name)) is type(getattr(theirs, name)), name
    settings = {key: value for key, value in recipe.optimizer.items() if not key.startswith("_")}
    assert {"lr": 1, **ours.optimizer_factory.keywords} == settings  # torch's own rate
