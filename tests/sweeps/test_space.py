import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from atelier.errors import UserError
from atelier.sweeps.grid import combinations


def parsed(*words):
    return OverridesParser.create().parse_overrides([*words])


@pytest.mark.parametrize(
    "words",
    [
        ["a=1,2", "b=x,y,z", "c=3"],
        ["a=range(1,4)", "b=choice(q,'r s')", "+c=[1,2]"],
        ["a=range(0,1,0.25)"],
        ["a={x:1},{x:2}", "b='it\\'s'"],
        ["a=1"],
        [],
    ],
)
def test_a_grid_is_hydras(words):
    theirs = BasicSweeper.split_arguments(parsed(*words), None)[0]
    ours = combinations(parsed(*words))
    assert theirs == ours


def test_a_key_can_be_taken_out_of_all_jobs():
    assert combinations(parsed("~a", "b=1,2")) == [["~a", "b=1"], ["~a", "b=2"]]


def test_a_grid_has_no_intervals():
    with pytest.raises(UserError, match=r"a=interval\(0,1\): a grid has no intervals"):
        combinations(parsed("a=interval(0,1)"))


@pytest.fixture
def space():
    pytest.importorskip("optuna")
    from atelier.sweeps.space import space

    return space


def drawn(axis, count=300):
    """All that a distribution gives, as overrides have it."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    return {axis.text(study.ask({"x": axis.distribution}).params["x"]) for _ in range(count)}


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("a=range(1,6)", {"1", "2", "3", "4", "5"}),
        ("a=range(0,10,3)", {"0", "3", "6", "9"}),
        ("a=range(5,1,-2)", {"5", "3"}),
        ("a=range(0,1,0.25)", {"0.0", "0.25", "0.5", "0.75"}),
        ("a=range(0,1,0.3)", {"0.0", "0.3", "0.6", "0.8999999999999999"}),
        ("a=range(1,0,-0.3)", {"1.0", "0.7000000000000001", "0.4", "0.10000000000000003"}),
        ("a=range(0,0.35,0.1)", {"0.0", "0.1", "0.2", "0.3"}),
        ("a=int(interval(1,4))", {"1", "2", "3"}),
        ("a=tag(log,range(1,5))", {"1", "2", "3", "4"}),
        ("a=8,16,32", {"8", "16", "32"}),
        ("a=choice(x,'y z',true)", {"x", "y\\ z", "True"}),
    ],
)
def test_what_is_drawn_is_what_hydra_means(word, values, space):
    axes, fixed = space(parsed(word, "b=2"))
    assert fixed == ["b=2"]
    assert drawn(axes["a"]) == values
    if "interval" not in word:
        assert values == {value.partition("=")[2] for job in combinations(parsed(word)) for value in job}


@pytest.mark.parametrize(
    ("word", "low", "high", "log"),
    [("a=interval(1,10)", 1, 10, False), ("a=tag(log,interval(1e-5,1e-1))", 1e-5, 1e-1, True)],
)
def test_an_interval_has_all_numbers_below_its_end(word, low, high, log, space):
    axis = space(parsed(word))[0]["a"]
    assert axis.distribution.low == low
    assert low < axis.distribution.high < high
    assert axis.distribution.high == pytest.approx(high)
    assert axis.distribution.log == log
    assert float(axis.text(0.1 + 0.2)) == 0.1 + 0.2


@pytest.mark.parametrize(
    "word",
    [
        "a=interval(2,1)",
        "a=range(3,3)",
        "a=tag(log,interval(0,1))",
        "a=tag(log,range(1,9,2))",
        "a=tag(log,range(1,2,0.5))",
    ],
)
def test_what_cannot_be_searched_is_named(word, space):
    with pytest.raises(UserError) as refusal:
        space(parsed(word))
    assert str(refusal.value).startswith(f"{word}: ")
