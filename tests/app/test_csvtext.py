"""Text in a CSV stays text: the server's files by the same cases as the page's."""

import csv
import io
import json
from pathlib import Path

import pytest

from app.csvtext import csv_text

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/cells.json").read_text("utf-8"))


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: ascii(case["text"]))
def test_a_cell_is_shown_and_not_worked_out(case: dict[str, str]) -> None:
    text = csv_text(("name", "macs"), [{"name": case["text"], "macs": -3}])
    assert text == f"name,macs\r\n{case['csv']},-3\r\n"
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["name"].removeprefix("'") == case["text"].removeprefix("'")


def test_numbers_stay_numbers_and_truths_are_words() -> None:
    row = {"number": -1.5e-9, "truth": True, "lie": False, "nothing": None}
    assert csv_text(tuple(row), [row]) == "number,truth,lie,nothing\r\n-1.5e-09,true,false,\r\n"
