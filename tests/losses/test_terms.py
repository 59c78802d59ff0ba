import pytest
from torch import nn

from atelier.config import check
from atelier.errors import ConfigError
from atelier.losses.generator import GeneratorTerm
from atelier.losses.penalties import R1
from atelier.losses.terms import WORDS, as_modules, chosen
from atelier.losses.transfer import TransferTerm
from atelier.losses.translation import Adversarial, Cycle, TranslationTerm


@pytest.mark.parametrize("name", ["keys", "type", "training", "a.b", ""])
def test_a_name_that_torch_cannot_store_is_refused(name):
    with pytest.raises(ValueError, match=rf"^penalties must have names without dots .*, got '{name}'$"):
        as_modules({"r1": R1(1.0), name: R1(1.0)}, "penalties")


@pytest.mark.parametrize("name", ["keys", "a.b"])
def test_such_a_name_in_a_config_is_one_of_its_faults(name, composed):
    given = f"+loss.penalties={{{name}: {{_target_: atelier.losses.penalties.R1, weight: 1.0}}}}"
    with pytest.raises(ConfigError, match=rf"model: penalties must have names .*, got '{name}'"):
        check(composed(given))


def test_terms_keep_their_order_and_are_part_of_the_module():
    terms = {"second": Cycle(2.0), "none": None, "first": Adversarial(1.0, every=2)}
    found = chosen(terms, {"adversarial", "back"}, "Task")
    assert isinstance(found, nn.Module)
    assert [*found.items()] == [("second", terms["second"]), ("first", terms["first"])]


@pytest.mark.parametrize("kind", [TranslationTerm, TransferTerm, GeneratorTerm])
def test_what_terms_read_has_words(kind):
    def kinds(base):
        return [base, *(deeper for each in base.__subclasses__() for deeper in kinds(each))]

    assert {each.reads for each in kinds(kind)} <= {*WORDS, None}
