"""What two runs of a stack have in common: channels that hold the same numbers, and groups that need not run twice.

One run follows another: it is the same stack with another grouping on the same dense weights, or the same stack on a
dyed stem. The convolution of a group is taken over when the other run has the same group, reading the same channels,
and all it reads holds the same numbers there; so is what leaves the module, where the identity is the same too. What
is taken over differs by exactly nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from compute.grouping import Span
from compute.stack.spec import StackSpec

Channels = tuple[int, ...]


@dataclass(frozen=True)
class Shared:
    """Of one module of the follower: the groups it must run itself (spans of its grouping, unrotated), and its channels
    that are the other run's: in the convolution's answer, and, fewer, in what leaves."""

    run: tuple[Span, ...]
    conv: Channels
    output: Channels


@lru_cache(maxsize=8)
def shared(spec: StackSpec, leader: StackSpec, stem: frozenset[int]) -> tuple[Shared, ...]:
    """Module by module from 1 on; `stem`: the channels of the stem that are the same in both runs."""
    return tuple(_walk(spec, leader, stem))


def _walk(spec: StackSpec, leader: StackSpec, same: frozenset[int]) -> Iterator[Shared]:
    theirs = {_place(span) for span in leader.grouping.spans}
    for module in range(1, spec.modules + 1):
        entering = _entering(spec, leader, module, same)
        run: list[Span] = []
        taken: list[int] = []
        for span in spec.grouping.spans:
            reads = _turned(spec, module, span.in_start, span.in_channels)
            if _place(span) in theirs and entering.issuperset(reads):
                taken += _turned(spec, module, span.out_start, span.out_channels)
            else:
                run.append(span)
        output = [channel for channel in taken if channel in entering] if spec.residual else taken
        same = frozenset(output)
        yield Shared(tuple(run), tuple(taken), tuple(output))


def _entering(spec: StackSpec, leader: StackSpec, module: int, same: frozenset[int]) -> frozenset[int]:
    if not spec.mixed(module):
        return same
    if spec.mixing == "shuffle":  # each run deals by its own groups
        pairs = enumerate(zip(spec.order, leader.order, strict=True))
        return frozenset(place for place, (ours, theirs) in pairs if ours == theirs and ours in same)
    return same if len(same) == spec.channels else frozenset()


def _place(span: Span) -> tuple[int, int, int, int]:
    return span.in_start, span.in_channels, span.out_start, span.out_channels


def _turned(spec: StackSpec, module: int, start: int, count: int) -> list[int]:
    turn, total = spec.rotation(module), spec.channels
    return [(start + turn + c) % total for c in range(count)]
