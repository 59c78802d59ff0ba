"""From YAML to objects: `explain` what Hydra refused to compose, `check` what it composed, `build` what was checked.

`refuse_unread` looks for keys that a user has set in vain.
"""

from atelier.config.checking import check, refuse_unread
from atelier.config.composition import explain
from atelier.config.construction import build

__all__ = ["build", "check", "explain", "refuse_unread"]
