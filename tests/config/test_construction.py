"""Objects come out of nodes; what a constructor refuses is told with its key; a bug stays a bug."""

import sys
import traceback
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationKeyError

from atelier.config import build
from atelier.errors import ConfigError, UserError

HERE = "parts_to_build"
sys.modules[HERE] = sys.modules[__name__]  # a name by which configs find the classes below


@dataclass
class Box:
    content: Any = None
    label: Any = None


class Picky:
    def __init__(self, size: int = 1, root: str = "") -> None:
        if size < 1:
            raise ValueError(f"size must be >= 1, got {size}")
        if size > 99:
            raise UserError(f"too large for {self.__class__.__name__}")
        if root:
            raise ValueError(f"root: no such folder: {root!r}")
        if size == 13:
            raise ValueError("other must be told of the node itself")


def clumsy() -> None:
    try:
        raise KeyError("deep down")
    except KeyError as error:
        raise RuntimeError("a bug") from error


def nested() -> Any:
    return build({"_target_": f"{HERE}.Picky", "size": 0}, "elsewhere")


def node(name: str, **arguments: Any) -> dict[str, Any]:
    return {"_target_": f"{HERE}.{name}", **arguments}


def test_null_is_none_and_containers_are_plain() -> None:
    assert build(None) is None
    whole = OmegaConf.create({"size": 3, "box": node("Box", content={"a": [1, "${size}"]}, label=None)})
    box = build(whole.box, "box")
    assert type(box.content) is dict
    assert type(box.content["a"]) is list
    assert box == Box({"a": [1, 3]}, None)


def test_mappings_and_lists_of_nodes() -> None:
    built = build(OmegaConf.create({"one": node("Box", content=1), "two": None, "three": [node("Box")]}))
    assert built == {"one": Box(1), "two": None, "three": [Box()]}


def test_a_partial_node_is_a_factory() -> None:
    make = build(node("Box", content=1, _partial_=True))
    assert isinstance(make, partial)
    assert make(label=2) == Box(1, 2)


@pytest.mark.parametrize("extra", [[object()], {"a": object()}, Box(object()), object()])
def test_extra_arguments_arrive_untouched(extra: Any) -> None:
    whole = OmegaConf.create({"box": node("Box", content={"a": 1}, label=3)})
    box = build(whole.box, "box", content=extra)
    assert box.content is extra
    assert box.label == 3


REFUSED = {
    "argument must be": (node("Picky", size=0), "data.size: must be >= 1, got 0"),
    "argument: text": (node("Picky", root="x"), "data.root: no such folder: 'x'"),
    "user's error": (node("Picky", size=100), "data: too large for Picky"),
    "no argument of that name": (node("Picky", size=13), "data: other must be told of the node itself"),
    "inner node": (node("Box", content=node("Picky", size=0)), "data.content.size: must be >= 1, got 0"),
    "in a list": (node("Box", content=[1, node("Picky", size=0)]), "data.content[1].size: must be >= 1, got 0"),
    "in a mapping": ({"a": node("Picky", size=0)}, "data.a.size: must be >= 1, got 0"),
    "told elsewhere": (node("nested"), "elsewhere.size: must be >= 1, got 0"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("placed", [True, False])
def test_what_a_constructor_refuses_has_its_key(case: str, placed: bool) -> None:
    given, expected = REFUSED[case]
    given = OmegaConf.create({"data": given}).data if placed else given
    with pytest.raises(ConfigError) as caught:
        build(given, "data")
    assert caught.value.faults == [expected]


def test_extra_arguments_are_refused_with_their_key_too() -> None:
    with pytest.raises(ConfigError, match=r"data\.size: must be >= 1, got 0"):
        build(node("Picky"), "data", size=0)


@pytest.mark.parametrize("whole", [node("clumsy"), node("Box", content=node("clumsy"))])
def test_a_bug_keeps_its_own_traceback(whole: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="a bug") as caught:
        build(whole, "model")
    text = "".join(traceback.format_exception(caught.value))
    assert "deep down" in text
    assert "InstantiationException" not in text


def test_a_wrong_argument_is_a_bug_once_the_config_was_checked() -> None:
    with pytest.raises(TypeError, match="sise"):
        build(node("Picky", sise=1))


def test_what_hydra_itself_refuses_is_told_in_a_line() -> None:
    with pytest.raises(ConfigError) as caught:
        build({"_target_": "os.system", "command": "true"}, "data")
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith("data: ")
    assert "\n" not in caught.value.faults[0]


def test_an_interpolation_that_leads_nowhere_is_omegaconfs_to_tell() -> None:
    with pytest.raises(InterpolationKeyError, match="nowhere"):
        build(OmegaConf.create(node("Box", content="${nowhere}")), "box")


def test_building_leaves_the_config_as_it_was_composed():
    cfg = OmegaConf.create(
        {
            "length": 7,
            "schedule": {"_target_": "builtins.dict", "steps": "${length}"},
            "model": {"_target_": "builtins.dict", "schedule": "${schedule}"},
        }
    )
    assert build(cfg.model, "model") == {"schedule": {"steps": 7}}
    assert OmegaConf.to_container(cfg.schedule, resolve=False)["steps"] == "${length}"
