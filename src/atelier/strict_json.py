"""JSON that every reader takes. Python's own writes NaN and Infinity, which JSON does not know."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atelier.errors import UserError


def to_json(content: Any) -> str:
    """Over several lines; null stands for what is no finite number."""
    return json.dumps(_finite(content), indent=2, allow_nan=False)


def mapping(text: str) -> dict[str, Any]:
    """What JSON says. Raises ValueError where it is none, or no mapping."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("there is no record in it")
    return content


def record_in(path: Path, called: str) -> dict[str, Any]:
    """What a file says. Raises UserError, in which the file is `called` so, where that is no mapping."""
    try:
        return mapping(path.read_text())
    except ValueError as error:
        raise UserError(f"{called} cannot be read ({error})") from error


def _finite(content: Any) -> Any:
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content
