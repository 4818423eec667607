"""The table that `make torture` prints: what was tried, what was seen, what is allowed."""

from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import tabulate


@dataclass(frozen=True)
class Row:
    """One figure. part: of the torture. what: was tried or measured. figure: what was seen. limit: what may be; ""
    where the figure is only told. ok: whether it held. timed: it is about seconds, which on a busy machine say little.
    """

    part: str
    what: str
    figure: str
    limit: str = ""
    ok: bool = True
    timed: bool = False


def table(rows: Sequence[Row]) -> str:
    cells = [
        (row.part, row.what, row.figure, row.limit, "" if not row.limit else "held" if row.ok else "BROKEN")
        for row in rows
    ]
    return tabulate(cells, headers=("part", "what", "seen", "allowed", ""), disable_numparse=True)
