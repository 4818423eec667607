"""Rows as comma-separated values, RFC 4180, that a spreadsheet shows and never works out.

The page writes its own in static/js/model/csv.js, by the same rule.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# What makes a spreadsheet take text for a formula, as it comes and as wide as Chinese and Japanese write it.
FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """names: of the columns. rows: a value for each, or none."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def cell(value: Any) -> Any:
    """Numbers as they are; an apostrophe before text that begins as a formula does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value
