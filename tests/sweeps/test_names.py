import itertools

from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from atelier.sweeps.names import distinct, folder_name, key, of_the_job, quote, varying


def test_a_job_has_one_name_however_its_overrides_are_ordered_and_started():
    words = ["model=dcgan", "seed=1", "+data.extra=3"]
    names = {key(order) for order in itertools.permutations(words)}
    assert len(names) == 1
    assert key([*words, "hydra.launcher.n_jobs=3", "hydra/launcher=joblib", "retry=failed"]) in names
    for other in (["model=dcgan", "seed=2", "+data.extra=3"], ["model=dcgan", "seed=1"], [*words, "hydraulic=1"]):
        assert key(other) not in names


def test_how_a_job_is_started_is_no_part_of_it():
    given = [
        "seed=1",
        "hydra.sweep.dir=x",
        "+hydra.sweeper.params.a=1",
        "hydra/launcher=joblib",
        "+retry=failed",
        "resume=auto",
    ]
    assert of_the_job(given) == ["seed=1"]


def test_what_varies_tells_jobs_apart():
    assert varying([["a=1", "b=1", "c=3"], ["a=1", "b=2", "c=3"]]) == [["b=1"], ["b=2"]]
    assert varying([["a=1", "b=1"]]) == [["a=1", "b=1"]]
    assert varying([["a=1"], ["a=1", "b=2"]]) == [[], ["b=2"]]
    assert varying([]) == []


def test_long_names_differ_where_their_ends_do():
    one, other = (folder_name(f"{'x' * 400}{end}") for end in "ab")
    assert one != other


def test_names_that_lost_their_slashes_differ_as_their_overrides_do():
    words = ["data.root=x/y", "data.root=x_y", "data.root=x//y"]
    for long in ("", "z" * 400):
        assert len({folder_name(word + long) for word in words}) == 3
    assert folder_name(words[1]) == words[1]
    assert "/" not in folder_name(words[0])


def test_a_job_that_is_named_twice_is_one():
    jobs = [["a=1", "seed=2"], ["seed=1"], ["seed=2", "a=1"], ["seed=1", "retry=failed"]]
    assert distinct(jobs) == jobs[:2]


@given(st.text(alphabet="ab\\'\" ,=${}"))
def test_hydra_reads_what_was_quoted(value):
    (override,) = OverridesParser.create().parse_overrides([f"key={quote(value)}"])
    assert override.value() == value
