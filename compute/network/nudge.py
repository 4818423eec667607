"""The finish of an equal budget: single widths a few steps up or down, where growing in proportion ends too far off.

Widths that grow together in proportion may step together too, by half of the network at once. From the nearest such
point, one width after the other takes the step that comes closest to the target, none more than a few from where it
was; what is tied to it follows.
"""

from collections.abc import Callable, Iterator

Levels = list[int]

CLOSE = 0.001  # of the wanted total: near enough to leave the proportions alone
REACH = 4  # steps of one width, at most
PAIRS = 8  # first steps of two, at most
EVALUATIONS, EVALUATED = 300, 30_000  # of the cost, and widths in them, at most: milliseconds of a published network


class Nudge:
    """What a search from `start` found. settled: no single step is closer."""

    def __init__(
        self,
        start: Levels,
        wanted: int,
        cost: Callable[[Levels], int],
        steps: Callable[[Levels], list[int]],
        moved: Callable[[Levels, int, int], Levels | None],
    ) -> None:
        """steps: levels -> by how much each may move. moved: (levels, which, its new level) -> levels, the others as
        its ties ask; None where it is illegal."""
        self._start, self._wanted, self._cost, self._steps, self._moved = start, wanted, cost, steps, moved
        self._left = min(EVALUATIONS, EVALUATED // max(1, len(start)))
        self.levels, self.reached = start, cost(start)
        while not self.close and self._left > 0 and self._step():
            pass
        self.settled = self.close or self._left > 0

    @property
    def close(self) -> bool:
        return near(self.reached, self._wanted)

    def _step(self) -> bool:
        """Takes the best step, or two of which the second makes up for the first; False where neither is closer."""
        begun, off = (self.reached, self.levels), self._off(self.reached)
        tried = sorted(self._tried(), key=lambda point: self._off(point[0]))
        if tried and self._off(tried[0][0]) < off:
            self.reached, self.levels = tried[0]
            return True
        best = begun
        for self.reached, self.levels in tried[:PAIRS]:
            best = min([best, *self._tried()], key=lambda point: self._off(point[0])) if self._left > 0 else best
        self.reached, self.levels = best
        return self._off(self.reached) < off

    def _off(self, total: int) -> int:
        return abs(total - self._wanted)

    def _tried(self) -> Iterator[tuple[int, Levels]]:
        """(total, levels) after steps towards the target, each width until it has passed it."""
        way = 1 if self.reached < self._wanted else -1
        here = self.levels
        for index, (level, begun, step) in enumerate(zip(here, self._start, self._steps(here), strict=True)):
            for there in (level + way * step * count for count in range(1, REACH + 1)):
                if self._left <= 0 or abs(there - begun) > REACH * step:
                    break
                self._left -= 1
                levels = self._moved(here, index, there)
                if levels is None:
                    continue
                total = self._cost(levels)
                yield total, levels
                if (total - self._wanted) * way >= 0:
                    break


def near(reached: int, wanted: int) -> bool:
    return abs(reached - wanted) <= CLOSE * wanted
