"""Every kind of fault is found, told with its full key, and told together with the others."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, Literal

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn
from torch.optim import Optimizer

from atelier.config import check, refuse_unread
from atelier.data.types import Images, Pair
from atelier.errors import ConfigError

HERE = "parts_to_check"
sys.modules[HERE] = sys.modules[__name__]  # a name by which configs find the classes below


class Term:
    def __init__(self, weight: float = 1.0, every: int = 1) -> None:
        if weight < 0:
            raise ValueError(f"weight must be >= 0, got {weight}")


class Network(nn.Module):
    def __init__(self, width: int, norm: Literal["batch", "layer"] | None = None) -> None:
        super().__init__()
        self.layer = nn.Linear(width, width)


class Painter(nn.Module):
    batch: ClassVar[type] = Images

    def __init__(
        self,
        network: nn.Module,
        optimizer: Callable[..., Optimizer],
        terms: Mapping[str, Term] | None = None,
        betas: tuple[float, float] = (0.5, 0.9),
        layers: Sequence[str] = (),
        steps: int = 1,
        rate: float = 0.1,
        averaged: bool = False,
    ) -> None:
        super().__init__()


class Pictures:
    batch: ClassVar[type] = Images

    def __init__(self, root: str, size: int = 8) -> None:
        if root == "nowhere":
            raise ValueError(f"root: no such folder: {root!r}")


class Pairs(Pictures):
    batch: ClassVar[type] = Pair


@dataclass
class Settings:
    size: int


@dataclass
class MoreSettings(Settings):
    name: str = ""


def _traced(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def traced(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    return traced


@_traced
def wrapped(size: int) -> Settings:
    return Settings(size)


def term(weight: float) -> Term:
    return Term(weight)


def loose(*, size: int = 1, **rest: Any) -> dict[str, Any]:
    return rest


def config(**changes: Any) -> dict[str, Any]:
    model = {
        "_target_": f"{HERE}.Painter",
        "network": {"_target_": f"{HERE}.Network", "width": 4},
        "optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 1e-3},
    }
    whole = OmegaConf.create({"model": model, "data": {"_target_": f"{HERE}.Pictures", "root": "here"}, "seed": 0})
    for key, value in changes.items():
        OmegaConf.update(whole, key.replace("__", "."), value, merge=False, force_add=True)
    return whole


def faults(cfg: Any) -> list[str]:
    try:
        check(cfg)
    except ConfigError as error:
        return error.faults
    return []


def node(name: str, **arguments: Any) -> dict[str, Any]:
    return {"_target_": f"{HERE}.{name}", **arguments}


def test_a_sound_config_passes() -> None:
    terms = {"one": node("Term", weight=2), "two": node("Term", every=3)}
    assert faults(config(model__terms=terms, model__betas=[0, 0.9], model__layers=["a"], model__averaged=True)) == []


FAULTY = {
    "unknown argument": ({"model__stepz": 2}, "model.stepz: Painter takes no such argument; did you mean 'steps'?"),
    "nothing near": ({"data__zzz": 2}, "data.zzz: Pictures takes no such argument; it takes root, size"),
    "wrong scalar": ({"model__steps": "wide"}, "model.steps: expected int, got 'wide'"),
    "deep": ({"model__network__width": "wide"}, "model.network.width: expected int, got 'wide'"),
    "bool is no int": ({"model__steps": True}, "model.steps: expected int, got true"),
    "int is no bool": ({"model__averaged": 1}, "model.averaged: expected bool, got 1"),
    "null": ({"model__steps": None}, "model.steps: expected int, got null"),
    "quoted number": ({"model__rate": "1e-4"}, "model.rate: expected float, got '1e-4' (a string; write 0.0001)"),
    "quoted null": (
        {"model__network__norm": "None"},
        "model.network.norm: expected one of 'batch', 'layer' or null, got 'None' (a string; write null)",
    ),
    "whole float": ({"model__steps": 10.0}, "model.steps: expected int, got 10.0; write 10"),
    "choice": (
        {"model__network__norm": "bach"},
        "model.network.norm: expected one of 'batch', 'layer' or null, got 'bach'; did you mean 'batch'?",
    ),
    "tuple's length": ({"model__betas": [0.5]}, "model.betas: expected list of 2 (float, float), got [0.5]"),
    "tuple's element": ({"model__betas": [0.5, "a"]}, "model.betas[1]: expected float, got 'a'"),
    "a string is no list": ({"model__layers": "conv"}, "model.layers: expected list of str, got 'conv'"),
    "a mapping is no list": ({"model__layers": {"a": 1}}, "model.layers: expected list of str, got {'a': 1}"),
    "mapping's value": ({"model__terms": {"one": 3}}, "model.terms.one: expected Term, got 3"),
    "mapping's node": (
        {"model__terms": {"one": node("Settings", size=1)}},
        "model.terms.one: expected Term, got Settings",
    ),
    "missing": ({"data__root": "???"}, "data.root: required, but not given; add data.root=…"),
    "required": ({"model__network": node("Network")}, "model.network.width: required by Network, but not given"),
    "no such name": ({"model__network": node("Netwrok")}, "has no 'Netwrok'; did you mean 'Network'?"),
    "no such package": ({"x": {"_target_": "nowhere.Thing"}}, "x._target_: there is no package 'nowhere'"),
    "no such module": (
        {"x": {"_target_": "atelier.netwroks.Thing"}},
        "x._target_: atelier has no 'netwroks'; did you mean 'networks'?",
    ),
    "a module": ({"x": {"_target_": "torch.optim"}}, "x._target_: torch.optim is a module, not a class or a function"),
    "no path": ({"x": {"_target_": 3}}, "x._target_: 3 is not a dotted path"),
    "another class": (
        {"model__network": {"_target_": "torch.optim.Adam", "params": []}},
        "model.network: expected Module, got Adam",
    ),
    "factory wanted": (
        {"model__optimizer": {"_target_": "torch.optim.Adam"}},
        "model.optimizer: expected a factory of Optimizer, got Adam; add _partial_: true",
    ),
    "factory of another class": (
        {"model__optimizer": node("Network", _partial_=True)},
        "model.optimizer: expected a factory of Optimizer, got a factory of Network",
    ),
    "instance wanted": (
        {"model__network": node("Network", _partial_=True)},
        "model.network: expected Module, got a factory of Network; remove _partial_",
    ),
    "function's result": ({"model__network": node("term", weight=1)}, "model.network: expected Module, got Term"),
    "dataclass": ({"x": node("MoreSettings", size="a")}, "x.size: expected int, got 'a'"),
    "wrapped function": (
        {"x": node("wrapped", sise=1, size=2)},
        "x.sise: wrapped takes no such argument; did you mean 'size'?",
    ),
    "known name beside **": ({"x": node("loose", size="a", other=1)}, "x.size: expected int, got 'a'"),
    "inside a list": ({"x": [1, node("Term", every=0.5)]}, "x[1].every: expected int, got 0.5"),
    "root": ({"seed": "seven"}, "seed: expected int, got 'seven'"),
    "batches": (
        {"data": node("Pairs", root="here")},
        "data: gives Pair, but Painter takes Images; choose other data, or another model",
    ),
    "constructor, data": ({"data__root": "nowhere"}, "data.root: no such folder: 'nowhere'"),
    "constructor, deep": (
        {"model__terms": {"one": node("Term", weight=-1)}},
        "model.terms.one.weight: must be >= 0, got -1",
    ),
    "constructor, mapping of nodes": (
        {"callbacks": {"a": node("Term"), "b": node("Term", weight=-1)}},
        "callbacks.b.weight: must be >= 0, got -1",
    ),
    "dangling": (
        {"model__steps": "${data.sze}"},
        "model.steps: ${data.sze}: there is no key 'data.sze'; did you mean 'data.size'?",
    ),
    "what an optimiser refuses": ({"model__optimizer__lr": -1.0}, "model.optimizer: Invalid learning rate: -1.0"),
    "circle": ({"x": "${y}", "y": "${x}"}, "x: ${y}: Recursive interpolation detected"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_a_fault_is_told(case: str) -> None:
    changes, expected = FAULTY[case]
    changes = {"data__size": 8, **changes} if "data" not in changes else changes
    found = faults(config(**changes))
    assert len(found) == (2 if case == "circle" else 1), found
    assert found[0].endswith(expected), found


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("datum", "datum: nothing reads this key; did you mean 'data'?"),
        ("root", "root: nothing reads this key; there is data.root"),
    ],
)
def test_a_key_that_nothing_reads_is_told(key: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        refuse_unread(config(**{key: 3}, model__steps="${data.root}"))


@pytest.mark.parametrize("reference", ["${width}", "${oc.select:width,3}", "${..width}"])
def test_a_key_of_ones_own_may_be_what_others_are_made_of(reference: str) -> None:
    refuse_unread(config(width=3, model__steps=reference))


def test_all_faults_are_told_at_once() -> None:
    found = faults(config(model__stepz=1, model__network__width="wide", data__root="???", seed=None))
    assert {fault.partition(":")[0] for fault in found} == {"model.stepz", "model.network.width", "data.root", "seed"}


def test_all_constructors_are_heard() -> None:
    terms = {"one": node("Term", weight=-1), "two": node("Term", weight=-2), "three": node("Term")}
    found = faults(config(model__terms=terms, data__root="nowhere"))
    assert [fault.partition(":")[0] for fault in found] == [
        "data.root",
        "model.terms.one.weight",
        "model.terms.two.weight",
    ]


def test_a_shared_value_is_told_once_where_it_is_written() -> None:
    changes = {"data__size": "large", "model__steps": "${data.size}", "model__network__width": "${model.steps}"}
    assert faults(config(**changes)) == ["data.size: expected int, got 'large'"]


def test_a_shared_node_is_told_once_where_it_is_written() -> None:
    shared = {"loss": {"terms": {"one": node("Term", weight=-1)}}, "model__terms": "${loss.terms}"}
    assert faults(config(**shared)) == ["loss.terms.one.weight: must be >= 0, got -1"]


def test_a_shared_value_that_constructors_refuse_is_told_once_where_it_is_written() -> None:
    terms = {name: node("Term", weight="${penalty}") for name in ("one", "two")}
    assert faults(config(penalty=-1, model__terms=terms)) == ["penalty: must be >= 0, got -1"]


def test_a_shared_value_is_read_by_every_hint() -> None:
    assert faults(config(data__size=8, model__averaged="${data.size}")) == ["data.size: expected bool, got 8"]


def test_arguments_of_a_factory_may_be_missing_but_are_checked() -> None:
    found = faults(config(model__optimizer={"_target_": "torch.optim.Adam", "_partial_": True, "lrr": 1}))
    assert found == ["model.optimizer.lrr: Adam takes no such argument; did you mean 'lr'?"]


def test_nothing_random_is_drawn_and_nothing_is_kept() -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    check(config())
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.empty(1).device.type == "cpu"


def test_a_bug_in_a_constructor_is_left_for_the_real_build() -> None:
    assert faults(config(data={"_target_": f"{HERE}.broken"})) == []


def broken() -> None:
    raise RuntimeError("a bug")


def test_a_module_that_cannot_be_imported_keeps_its_own_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "needs_another.py").write_text("import not_installed_anywhere")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        check(config(x={"_target_": "needs_another.Thing"}))


def test_values_of_a_run_are_not_asked_for_without_one() -> None:
    assert faults(config(run_dir="outputs/${hydra:runtime.choices.model}")) == []
