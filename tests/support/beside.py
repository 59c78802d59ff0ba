"""What another test file or conftest.py has defined, without its tests being run here."""

import importlib.util
from pathlib import Path

TESTS = Path(__file__).parents[1]


def module(path):
    """Of tests/`path`."""
    spec = importlib.util.spec_from_file_location(f"beside_{Path(path).stem}", TESTS / path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
