"""What two runs of a stack have in common: channels that hold the same numbers, and groups that need not run twice.

One run follows another: it is the same stack with another grouping on the same dense weights, or the same stack on a
dyed stem. A group of the follower is taken over when the other run has the same group, reading the same channels, and
all it reads holds the same numbers there. What is taken over differs by exactly nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from compute.grouping import Span
from compute.stack.spec import StackSpec

Same = tuple[bool, ...]


@dataclass(frozen=True)
class Shared:
    """Of one module of the follower: the groups it must run itself, and which of its channels are the other run's.
    `same` is in channel order; `run` are spans of its grouping, unrotated."""

    run: tuple[Span, ...]
    same: Same


def shared(spec: StackSpec, leader: StackSpec, stem: Same) -> Iterator[Shared]:
    """Module by module from 1 on; `stem`: which channels of the stem are the same in both runs."""
    theirs = {_place(span) for span in leader.grouping.spans}
    same = stem
    for module in range(1, spec.modules + 1):
        entering = _entering(spec, leader, module, same)
        turn, total = spec.rotation(module), spec.channels
        run: list[Span] = []
        after = [False] * total
        for span in spec.grouping.spans:
            reads = _range(span.in_start, span.in_channels, turn, total)
            writes = _range(span.out_start, span.out_channels, turn, total)
            added = writes if spec.residual else []
            if _place(span) in theirs and all(entering[c] for c in (*reads, *added)):
                for c in writes:
                    after[c] = True
            else:
                run.append(span)
        same = tuple(after)
        yield Shared(tuple(run), same)


def _entering(spec: StackSpec, leader: StackSpec, module: int, same: Same) -> Same:
    if not spec.mixed(module):
        return same
    if spec.mixing == "shuffle":  # each run deals by its own groups
        return tuple(same[ours] and ours == theirs for ours, theirs in zip(spec.order, leader.order, strict=True))
    return (all(same),) * len(same)


def _place(span: Span) -> tuple[int, int, int, int]:
    return span.in_start, span.in_channels, span.out_start, span.out_channels


def _range(start: int, count: int, turn: int, total: int) -> list[int]:
    return [(start + turn + c) % total for c in range(count)]
