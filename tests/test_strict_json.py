import json
import math
import re

import pytest

from atelier.errors import UserError
from atelier.strict_json import record_in, to_json


def test_what_is_no_finite_number_is_null_at_any_depth():
    content = {"a": [1.5, math.nan, (math.inf, {"b": -math.inf})], "c": "NaN", "d": 2}
    assert json.loads(to_json(content)) == {"a": [1.5, None, [None, {"b": None}]], "c": "NaN", "d": 2}
    assert "NaN" not in to_json({"a": math.nan})


def test_a_record_is_a_mapping_and_anything_else_is_named(tmp_path):
    path = tmp_path / "run.json"
    path.write_text('{"a": [1]}')
    assert record_in(path, "it") == {"a": [1]}
    for damage in (b"", b"{", b"[]", b"3", b"null", b"\xff\xfe"):
        path.write_bytes(damage)
        with pytest.raises(UserError, match=f"^{re.escape(str(path))}: its record cannot be read \\(.+\\)$"):
            record_in(path, f"{path}: its record")
