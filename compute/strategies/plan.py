"""Ways to cut one grouped convolution into native calls; no torch.

A native call is what cuDNN and oneDNN know: `groups` equal blocks over neighbouring channels. Groups that differ in
width lie inside such blocks as a block diagonal, the rest of the block is zeros: fewer and wider calls for more
arithmetic.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from compute.grouping import Grouping, Span

MOST_WORK = 3.0  # a plan that does more than this many times the exact work never won
NARROW = 16  # channels: below it a group leaves vector lanes empty
WIDTHS = (16, 32)  # of blocks that gather narrow groups
FEW = (2, 4, 8)  # blocks that a whole split may fall into


@dataclass(frozen=True)
class Call:
    """One native call: `groups` equal blocks over in_channels and out_channels from in_start and out_start on. It
    computes the groups first .. last - 1 of the split, each inside one block."""

    groups: int
    in_start: int
    in_channels: int
    out_start: int
    out_channels: int
    first: int
    last: int

    @property
    def block(self) -> tuple[int, int]:
        """(in, out) channels of each block."""
        return self.in_channels // self.groups, self.out_channels // self.groups

    @property
    def connections(self) -> int:
        """Pairs of channels it multiplies, zeros included."""
        return self.in_channels * self.out_channels // self.groups

    @property
    def padded(self) -> bool:
        """Whether some block holds more than one group, and zeros between them."""
        return self.last - self.first > self.groups


@dataclass(frozen=True)
class Plan:
    """Native calls that together are the layer, in channel order."""

    name: str
    calls: tuple[Call, ...]

    @property
    def padded(self) -> bool:
        return any(call.padded for call in self.calls)

    @property
    def connections(self) -> int:
        return sum(call.connections for call in self.calls)


@lru_cache(maxsize=1024)
def plans(grouping: Grouping) -> tuple[Plan, ...]:
    """Every plan worth a try, the plain one first: `native` where all groups are alike, else `runs` of equal
    neighbours. Those that come to the same calls are named once; those that do too much work are left out."""
    spans = grouping.spans
    exact = sum(span.in_channels * span.out_channels for span in spans)
    seen: set[tuple[Call, ...]] = set()
    kept: list[Plan] = []
    for name, calls, any_work in _candidates(grouping):
        if calls is None or calls in seen:
            continue
        plan = Plan(name, calls)
        if kept and not any_work and plan.connections > MOST_WORK * exact:
            continue
        seen.add(calls)
        kept.append(plan)
    return tuple(kept)


def loop(grouping: Grouping) -> Plan:
    """A call a group: what anyone would write."""
    return Plan("loop", tuple(_exact(grouping, i, i + 1) for i in range(grouping.groups)))


Calls = tuple[Call, ...]


def _candidates(grouping: Grouping) -> Iterator[tuple[str, Calls | None, bool]]:
    count = grouping.groups
    if grouping.equal:
        yield "native", (_exact(grouping, 0, count),), True
        if grouping.sizes[0][0] < NARROW and count > 1:
            for width in WIDTHS:
                yield f"supergroups-{width}", _tiled(grouping.spans, grouping.in_channels // width), True
    else:
        yield "runs", _runs(grouping), True
    if count <= 64:
        yield "loop", loop(grouping).calls, grouping.groups <= 8
    if not grouping.equal:
        yield "widest+rest", _widest_and_rest(grouping), False
        for blocks in FEW:
            yield "half-blocks" if blocks == 2 else f"{blocks}-blocks", _tiled(grouping.spans, blocks), False
    yield "dense", _tiled(grouping.spans, 1), False


def _runs(grouping: Grouping) -> Calls:
    calls, first = [], 0
    for count, _, _ in grouping.runs:
        calls.append(_exact(grouping, first, first + count))
        first += count
    return tuple(calls)


def _exact(grouping: Grouping, first: int, last: int) -> Call:
    """Equal neighbours as one call without a zero."""
    return _call(grouping.spans[first:last], last - first)


def _widest_and_rest(grouping: Grouping) -> Calls | None:
    """The group with most work alone; what stands before and behind it in as few calls as may be."""
    spans = grouping.spans
    at = max(range(len(spans)), key=lambda i: spans[i].in_channels * spans[i].out_channels)
    sides = [spans[:at], spans[at : at + 1], spans[at + 1 :]]
    calls: list[Call] = []
    for side in sides:
        if side:
            calls += _tiled(side, 2) or _tiled(side, 1) or ()
    return tuple(calls)


def _tiled(spans: tuple[Span, ...], blocks: int) -> Calls | None:
    """`spans` as one call of `blocks` equal blocks, each group inside one; None where borders do not allow it."""
    if blocks < 1 or blocks > len(spans):
        return None
    call = _call(spans, blocks)
    if call.in_channels % blocks or call.out_channels % blocks:
        return None
    a, b = call.block
    for span in spans:
        in_start, out_start = span.in_start - call.in_start, span.out_start - call.out_start
        places = {in_start // a, (in_start + span.in_channels - 1) // a}
        places |= {out_start // b, (out_start + span.out_channels - 1) // b}
        if len(places) > 1:
            return None
    return (call,)


def _call(spans: tuple[Span, ...], blocks: int) -> Call:
    head, tail = spans[0], spans[-1]
    return Call(
        blocks,
        head.in_start,
        tail.in_start + tail.in_channels - head.in_start,
        head.out_start,
        tail.out_start + tail.out_channels - head.out_start,
        head.index,
        tail.index + 1,
    )
