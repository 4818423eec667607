"""Which channels of the stem can influence which channels after a module: exact, as a product of boolean matrices.

A row is an int: bit i says that stem channel i can reach the channel. A group's outputs all see the union of its
inputs, so a module costs one `or` a channel, whatever the kernel.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_

from compute.stack.spec import StackSpec

Rows = tuple[int, ...]


@dataclass(frozen=True)
class Reach:
    """rows: (C,) ints, row o for channel o after the module; bit i (from the lowest) for stem channel i."""

    rows: Rows

    @property
    def connected(self) -> int:
        """Pairs (stem channel, channel) of the C × C there are."""
        return sum(row.bit_count() for row in self.rows)

    @property
    def share(self) -> float:
        return self.connected / len(self.rows) ** 2

    def texts(self) -> list[str]:
        """Row by row, character i is `1` where stem channel i can reach the channel."""
        return [f"{row:0{len(self.rows)}b}"[::-1] for row in self.rows]


def reaches(spec: StackSpec) -> Iterator[Reach]:
    """After the stem (each channel itself), then after each module in turn."""
    rows = tuple(1 << i for i in range(spec.channels))
    yield Reach(rows)
    for module in range(1, spec.modules + 1):
        rows = _through(spec, module, _mixed(spec, module, rows))
        yield Reach(rows)


def reach(spec: StackSpec, module: int) -> Reach:
    """After `module`; 0 is the stem. Raises SpecError."""
    spec.module(module)
    return next(found for m, found in enumerate(reaches(spec)) if m == module)


def _mixed(spec: StackSpec, module: int, rows: Rows) -> Rows:
    if not spec.mixed(module):
        return rows
    if spec.mixing == "shuffle":
        return tuple(rows[channel] for channel in spec.order)
    return (reduce(or_, rows),) * len(rows)


def _through(spec: StackSpec, module: int, rows: Rows) -> Rows:
    """The groups' unions; the identity adds what channel o itself had."""
    total, turn = len(rows), spec.rotation(module)
    after = list(rows) if spec.residual else [0] * total
    for span in spec.grouping.spans:
        read = (rows[(turn + c) % total] for c in range(span.in_start, span.in_start + span.in_channels))
        union = reduce(or_, read)
        for c in range(span.out_start, span.out_start + span.out_channels):
            after[(turn + c) % total] |= union
    return tuple(after)
