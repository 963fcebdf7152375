"""JSON files: written so that they can be read, and read with the place of what is wrong in them."""

import json
from pathlib import Path
from typing import Any

import pytest

from ferstream.training.common.json_file import ShapeError, Share, map_of, read_json, write_json

KIND = map_of(a=list[map_of(b=Share)], c=dict[str, map_of(x=Share)], d=dict[str, dict[str, Share]], e=Share)  # type: ignore[misc]
GOOD: dict[str, Any] = {"a": [{"b": 0}], "c": {"k": {"x": 1}}, "d": {"k": {"l": 0.5}}, "e": 0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"a": [{"b": 2}]}, r"\(a.*b: expected"),
        ({"c": {"good": {"x": 1}, "bad": {"x": "1"}}, "e": 9}, r"\(c\.bad\.x: expected"),
        ({"c": {"good": {"x": 1}, "bad": {}}}, r"\(c\.bad\.x is missing"),
        ({"d": {"good": {"l": 0}, "bad": {"l": 0, "m": 7, "n": 8}}}, r"\(d\.bad\.m: expected"),
        ({"c": {"bad": 3}}, r"\(c\.bad is no map"),
        ({"e": None}, r"\(e: expected"),
    ],
)
def test_the_place_that_is_wrong_is_named_with_its_keys(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(GOOD | changes))
    with pytest.raises(ShapeError, match=said):
        read_json(path, KIND, "again")
    path.write_text(json.dumps(GOOD))
    assert read_json(path, KIND, "again") == GOOD


def test_what_is_written_is_json_whatever_files_are_called(tmp_path: Path) -> None:
    written = {"name": "Grüße \udcff", "value": 0.1}
    write_json(tmp_path / "a.json", written)
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == written
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "b.json", {"value": float("nan")})
