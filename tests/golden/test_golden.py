import importlib.util
from pathlib import Path

import pytest
import torch

spec = importlib.util.spec_from_file_location("curves", Path(__file__).with_name("curves.py"))
curves = importlib.util.module_from_spec(spec)
spec.loader.exec_module(curves)


@pytest.mark.parametrize("model", curves.NAMES)
def test_three_steps(model):
    found, expected = curves.curve(model), curves.stored(model)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        torch.testing.assert_close(torch.tensor(found[name]), torch.tensor(values), rtol=1e-4, atol=1e-6, msg=name)
