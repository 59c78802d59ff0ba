"""From YAML to objects: `explain` what Hydra refused to compose, `check` what it composed, `build` what was checked."""

from atelier.config.checking import check
from atelier.config.composition import explain
from atelier.config.construction import build

__all__ = ["build", "check", "explain"]
