import json
import math

from atelier.strict_json import to_json


def test_what_is_no_finite_number_is_null_at_any_depth():
    content = {"a": [1.5, math.nan, (math.inf, {"b": -math.inf})], "c": "NaN", "d": 2}
    assert json.loads(to_json(content)) == {"a": [1.5, None, [None, {"b": None}]], "c": "NaN", "d": 2}
    assert "NaN" not in to_json({"a": math.nan})
