"""Every combination of what is swept over."""

from collections.abc import Sequence
from itertools import product

from hydra.core.override_parser.types import Override

from atelier.errors import UserError


def combinations(overrides: Sequence[Override]) -> list[list[str]]:
    """The overrides of each job, the last swept one changing fastest. Of two for one key the later counts.

    Raises UserError for an interval, which has no end of values.
    """
    choices = {override.get_key_element(): values(override) for override in overrides}
    return [[*job] for job in product(*choices.values())]


def values(override: Override) -> list[str]:
    """An override for each value that it sweeps over, or itself."""
    name = override.get_key_element()
    if override.is_delete():
        return [str(override.input_line)]
    if not override.is_sweep_override():
        return [f"{name}={override.get_value_element_as_str()}"]
    if not override.is_discrete_sweep():
        raise UserError(f"{override.input_line}: a grid has no intervals; name values, or search with sweep=optuna")
    return [f"{name}={value}" for value in override.sweep_string_iterator()]
