"""Who may know whom (docs/decisions.md): the layers of the package, read from its imports."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "atelier"
STANDARD_TENSORS = {"torch", "torchvision", "safetensors"}

# for each layer: the rooms of the package it may import, and the third-party packages (None: any)
ALLOWED: dict[str, tuple[set[str], set[str] | None]] = {
    "moments": ({"precision"}, {"torch"}),
    "precision": (set(), {"torch"}),
    "processes": (set(), {"torch"}),
    "tiling": (set(), {"torch"}),
    "losses": ({"losses", "moments", "processes"}, {"torch"}),
    "networks": ({"networks", "moments", "precision", "processes"}, STANDARD_TENSORS),
    "augment": ({"augment", "precision", "processes"}, STANDARD_TENSORS),
    "tasks": (
        {"tasks", "networks", "losses", "augment", "moments", "processes", "tiling", "data.types", "hashing"},
        {"torch", "pytorch_lightning"},
    ),
    "encoders": ({"networks", "weights", "errors"}, {"torch"}),
    "degradation": ({"degradation"}, STANDARD_TENSORS | {"numpy", "PIL"}),
    "data": ({"data", "degradation", "errors", "files", "hashing", "locks", "signals", "wording"}, None),
    "metrics": ({"metrics", "networks", "weights", "errors", "files", "hashing", "wording"}, None),
    "weights": ({"weights", "errors", "files", "locks"}, {"rich"}),
    "translate": ({"translate", "networks", "stylize", "data", "errors"}, None),
    "stylize": ({"stylize", "tasks", "networks", "moments", "tiling", "data", "errors", "files", "notes"}, None),
    "record": ({"record", "errors", "files", "hashing", "notes", "run_folder"}, None),
    "callbacks": (
        {
            *{"callbacks", "metrics", "networks.embedded", "record", "errors", "files", "hashing", "checkpoints"},
            *{"signals", "processes", "run_folder"},
        },
        None,
    ),
    "config": ({"config", "errors", "wording"}, None),
    "wording": (set(), set()),
}


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def faults(layer: str) -> list[str]:
    rooms, packages = ALLOWED[layer]
    found = []
    for file in [*(PACKAGE / layer).rglob("*.py"), *PACKAGE.glob(f"{layer}.py")]:
        for name in imports(file):
            top = name.partition(".")[0]
            if top == "atelier":
                inside = name.removeprefix("atelier.")
                fine = any(inside == room or inside.startswith(room + ".") for room in rooms)
            else:
                fine = packages is None or top in packages or top in STANDARD_LIBRARY
            found += [] if fine else [f"{file.relative_to(PACKAGE)} imports {name}"]
    return found


STANDARD_LIBRARY = set(__import__("sys").stdlib_module_names)


@pytest.mark.parametrize("layer", [*ALLOWED])
def test_a_layer_knows_only_those_below_it(layer):
    assert faults(layer) == []


def test_nobody_imports_the_other_lightning():
    named = {file: imports(file) for file in PACKAGE.rglob("*.py")}
    assert [file for file, names in named.items() if any(name.split(".")[0] == "lightning" for name in names)] == []
