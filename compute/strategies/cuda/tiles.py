"""Cuts a convolution over uneven groups into tiles of matrix products; no torch.

Group j is a product of (output pixels, K) and (K, b_j), K = taps x a_j terms long. A tile is some of the pixels times
some of the b_j columns. Columns are listed here; the kernel crosses them with the pixels.
"""

from dataclasses import dataclass
from functools import lru_cache

from compute.grouping import Grouping

WIDTHS = (16, 32, 64, 128)  # columns of a tile: tensor cores take no fewer than 16
BLOCK_K = 32  # terms that are summed at a time
FIELDS = 8  # numbers of a column: in_start, a, out_start, b, weight_start, first, form, 0
ALIGNED = 16  # elements: where each group's packed weights may start
READING = 16  # columns' worth of arithmetic that reading a tile's inputs is reckoned at, to choose a width


@dataclass(frozen=True)
class Column:
    """Output channels [first, first + width) of a group, over all pixels.

    weight_start: of the group's filters among all packed ones, which lie as (b, k_h, k_w, a). whole: each BLOCK_K terms
    lie in one tap, so that neighbouring terms are neighbouring channels.
    """

    in_start: int
    in_channels: int
    out_start: int
    out_channels: int
    weight_start: int
    first: int
    width: int
    whole: bool

    @property
    def form(self) -> int:
        """Which of the kernel's forms computes it: two for each width."""
        return 2 * WIDTHS.index(self.width) + (not self.whole)

    @property
    def fields(self) -> tuple[int, ...]:
        return (
            self.in_start, self.in_channels, self.out_start, self.out_channels,
            self.weight_start, self.first, self.form, 0,
        )  # fmt: skip


@dataclass(frozen=True)
class Tiles:
    """columns: those with most terms first, so that the last to finish are short. weight_starts: of each group in turn.
    weights: elements of all packed filters. in_step, out_step: the largest powers of two up to 16 that all groups'
    bounds among the input's, the output's channels are multiples of."""

    columns: tuple[Column, ...]
    weight_starts: tuple[int, ...]
    weights: int
    in_step: int
    out_step: int

    @property
    def forms(self) -> int:
        """The forms that occur, one bit each."""
        mask = 0
        for column in self.columns:
            mask |= 1 << column.form
        return mask


@lru_cache(maxsize=256)
def tiles(grouping: Grouping, taps: int, widest: int = WIDTHS[-1]) -> Tiles:
    """taps: k_h x k_w. widest: the widest tile that may be used."""
    columns: list[Column] = []
    starts: list[int] = []
    total, ins, outs = 0, ALIGNED, ALIGNED
    for span in grouping.spans:
        a, b = span.in_channels, span.out_channels
        width = _width(b, widest)
        ins, outs = ins | span.in_start | a, outs | span.out_start | b
        starts.append(total)
        columns += [
            Column(span.in_start, a, span.out_start, b, total, first, width, a % BLOCK_K == 0)
            for first in range(0, b, width)
        ]
        total += -(-taps * a * b // ALIGNED) * ALIGNED
    columns.sort(key=lambda column: -column.in_channels)
    return Tiles(tuple(columns), tuple(starts), total, ins & -ins, outs & -outs)


def _width(channels: int, widest: int) -> int:
    """The width that wastes least; of equals the wider, which reads its inputs less often."""
    return min((w for w in WIDTHS if w <= widest), key=lambda w: (-(-channels // w) * (w + READING), -w))
