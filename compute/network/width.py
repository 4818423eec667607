"""Equal budgets: every convolution of a network wider or narrower by one factor, until its total meets a target.

As the factor grows from 0, each variable of compute/network/ties.py steps by the smallest unit that keeps it legal, at
f = (step - 1/2) / (steps it began with), rounding to the nearest; steps at one factor are taken in the order of the
layers. No step makes the network cheaper, so bisection finds the two neighbours of the target. Where the nearer one is
not near, compute/network/nudge.py moves single variables.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from operator import mul
from typing import Any

from compute.grouping import shares
from compute.network.document import Limits
from compute.network.graph import Network
from compute.network.kinds import BatchNorm2d, Conv2d, GroupNorm, Kind, Linear
from compute.network.nudge import Levels, Nudge, near
from compute.network.patience import check
from compute.network.split import Split
from compute.network.ties import CONST, Form, Ties, variables


@dataclass(frozen=True)
class Held:
    """target: params or macs. wanted, reached: its totals. factor: nearest to 1 of those that make these widths, or,
    where single ones were `nudged`, those they were nudged from.

    spent: "wider" or "narrower" where that would be closer and every width is as large, or as small, as it may be.
    steps: (smallest, largest) step of a width, in channels, where no single one is closer.
    """

    target: str
    wanted: int
    reached: int
    factor: float
    nudged: bool
    spent: str
    steps: tuple[int, int] | None

    @property
    def changed(self) -> bool:
        return self.factor != 1 or self.nudged

    @property
    def relative(self) -> float | None:
        """(reached - wanted) / wanted."""
        return (self.reached - self.wanted) / self.wanted if self.wanted else None


def hold(
    network: Network, target: str, wanted: int, fixed_width: Iterable[str] = (), limit: int = Limits.channels
) -> tuple[Network, Held]:
    """`network` at the widths where its total of `target` (params, macs) is closest to `wanted`.

    fixed_width: layers of equal groups that keep their width, so that their number follows the channels.
    No image grows beyond `limit` channels.
    """
    fixed = frozenset(fixed_width)
    walk = _Walk(Ties(network, fixed), limit)
    cost = _Cost(walk, target)
    levels = walk.closest(cost, wanted)
    factor, variant = walk.factor(levels), walk.network(levels)
    if not near(cost(levels), wanted) and walk.loosens:
        walk = _Walk(Ties(variant, fixed, loose=True), limit)
        cost, levels = _Cost(walk, target), walk.start
    nudge = Nudge(levels, wanted, cost, walk.steps, walk.moved)
    if nudge.levels != levels:
        variant = walk.network(nudge.levels)
    return variant, Held(
        target,
        wanted,
        nudge.reached,
        factor,
        nudge.levels != levels,
        walk.spent(nudge.levels, nudge.reached, wanted),
        walk.extremes(nudge.levels) if nudge.settled else None,
    )


class _Walk:
    """Levels: how many units wide each free variable is. `start`: as it is; `low`, `high`: how far it may go."""

    def __init__(self, ties: Ties, limit: int) -> None:
        self.ties = ties
        widths = ties.widths
        units = [1] * len(widths)
        low, high = [1] * len(widths), [max(limit, width) for width in widths]
        for form, n in ties.multiples:
            for v, k in variables(form):
                units[v] = lcm(units[v], n * k.denominator // gcd(n * k.denominator, k.numerator))
        for form, least in ties.minima:
            whole = self._width(form)
            for v, _ in variables(form):
                low[v] = max(low[v], -(-widths[v] * least // whole))
        images = {id(form): form for name, form in ties.forms.items() if len(ties.network.shapes[name]) == 3}
        for form in images.values():  # features have no limit of channels
            whole = self._width(form)
            for v, _ in variables(form):
                high[v] = max(widths[v], min(high[v], widths[v] * limit // whole))
        self.free = sorted({v for form in images.values() for v, _ in variables(form)})
        self.units = {v: units[v] for v in self.free}
        self.start = [widths[v] // units[v] for v in self.free]
        self.low = [-(-low[v] // units[v]) for v in self.free]
        self.high = [high[v] // units[v] for v in self.free]
        self._compile()

    def channels(self, levels: Levels) -> list[int]:
        """The value of each Form in `self.slots`."""
        return [constant + sum([k * levels[v] for v, k in terms]) for constant, terms in self._terms]

    def at(self, factor: Fraction) -> Levels:
        p, q = factor.numerator, factor.denominator
        bounds = zip(self.start, self.low, self.high, strict=True)
        return [min(high, max(low, (2 * t * p + q) // (2 * q))) for t, low, high in bounds]

    def factor(self, levels: Levels) -> float:
        """The step last taken on the way here from 1."""
        pairs = list(zip(levels, self.start, strict=True))
        up = [(2 * level - 1) / (2 * t) for level, t in pairs if level > t]
        down = [(2 * level + 1) / (2 * t) for level, t in pairs if level < t]
        return max(up) if up else min(down, default=1.0)

    def spent(self, levels: Levels, reached: int, wanted: int) -> str:
        if reached < wanted and levels == self.high:
            return "wider"
        return "narrower" if reached > wanted and levels == self.low else ""

    @property
    def loosens(self) -> bool:
        """Some layer's output could step by less than its input makes it."""
        return any(
            self.ties.follows(layer.name, kind) and image[0] // kind.split.count(image[0]) > 1
            for layer, kind, image in self.ties.network.convolutions()
        )

    def steps(self, levels: Levels) -> list[int]:
        """By how many units each free variable must move here to stay legal."""
        channels, steps = self.channels(levels), [1] * len(self.free)
        for source, target, width in self._groups:
            for place, k in self._terms[target][1]:
                if place in dict(self._terms[source][1]):  # its groups step with it
                    continue
                steps[place] = lcm(steps[place] * k, channels[source] // width) // k
        return steps

    def extremes(self, levels: Levels) -> tuple[int, int] | None:
        """The smallest and the largest step, in channels."""
        steps = [step * unit for step, unit in zip(self.steps(levels), self.units.values(), strict=True)]
        return (min(steps), max(steps)) if steps else None

    def moved(self, levels: Levels, index: int, level: int) -> Levels | None:
        """`levels` with this one changed, and what reads it in groups of a fixed width with as many outputs a group as
        before, or nearly; None where that is illegal."""
        if not self.low[index] <= level <= self.high[index]:
            return None
        moved = [*levels[:index], level, *levels[index + 1 :]]
        if not self._groups:
            return moved
        before, after = self.channels(levels), self.channels(moved)
        for source, target, width in self._groups:
            groups = after[source] // width
            if after[target] % groups == 0:
                continue
            constant, terms = self._terms[target]
            if constant or len(terms) > 1 or terms[0][0] == index:
                return None
            ((place, k),) = terms
            unit = lcm(groups, k)
            channels = max(1, round(before[target] * groups * width / before[source] / unit)) * unit
            further, moved[place] = channels // k - moved[place], channels // k
            if not self.low[place] <= moved[place] <= self.high[place]:
                return None
            for slot, times in self._moves[place]:
                after[slot] += times * further
        legal = all(after[target] % (after[source] // width) == 0 for source, target, width in self._groups)
        return moved if legal else None

    def closest(self, cost: "_Cost", wanted: int) -> Levels:
        """The point of the walk whose cost is nearest to `wanted`; of two as near, the one nearer to factor 1."""
        least, most = self._bracket(cost, wanted)
        if least == most:
            return least
        if cost(least) >= wanted:
            return least
        if cost(most) <= wanted:
            return most
        steps = self._steps(least, most)
        before, after = 0, len(steps)
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if cost(_taken(least, steps[:middle])) < wanted else (before, middle)
        below, above = _taken(least, steps[:before]), _taken(least, steps[:after])
        short, over = wanted - cost(below), cost(above) - wanted
        if short == over:
            return below if cost(self.start) < wanted else above
        return below if short < over else above

    def network(self, levels: Levels) -> Network:
        """The network at these widths."""
        if levels == self.start:
            return self.ties.network
        network, values = self.ties.network, self.channels(levels)
        kinds: dict[str, Kind] = {}
        for layer, kind, image in network.convolutions():
            width, split = values[self.slot[layer.name]], kind.split
            if layer.name in self.ties.fixed_width and split.scheme in ("standard", "uniform"):
                groups = split.count(image[0]) * values[self.slot[network.feeds[layer.name][0]]] // image[0]
                split = Split.uniform(groups)
            if width != kind.out_channels or split != kind.split:
                kinds[layer.name] = replace(kind, out_channels=width, split=split)
        return network.with_kinds(kinds)

    def _bracket(self, cost: "_Cost", wanted: int) -> tuple[Levels, Levels]:
        """Two points around the target, few steps apart; one and the same where that is the start itself."""
        lower = upper = Fraction(1)
        least = most = self.start
        begun = cost(self.start)
        while begun != wanted and (most if begun < wanted else least) != (self.high if begun < wanted else self.low):
            if begun < wanted:
                lower, least, upper = upper, most, upper * 2
                most = self.at(upper)
                if cost(most) >= wanted:
                    break
            else:
                upper, most, lower = lower, least, lower / 2
                least = self.at(lower)
                if cost(least) <= wanted:
                    break
        while sum(most) - sum(least) > max(8, len(self.free)):
            middle = (lower + upper) / 2
            levels = self.at(middle)
            if cost(levels) < wanted:
                lower, least = middle, levels
            else:
                upper, most = middle, levels
        return least, most

    def _steps(self, least: Levels, most: Levels) -> list[int]:
        """Which variable steps next, and next, from `least` to `most`."""
        steps = [
            ((2 * level - 1) / (2 * t), index)
            for index, (low, high, t) in enumerate(zip(least, most, self.start, strict=True))
            for level in range(low + 1, high + 1)
        ]
        return [index for _, index in sorted(steps)]

    def _width(self, form: Form) -> int:
        return int(sum(k * (1 if v == CONST else self.ties.widths[v]) for v, k in form.items()))

    def _compile(self) -> None:
        places = {v: place for place, v in enumerate(self.free)}
        slots: dict[frozenset[tuple[int, Any]], int] = {}
        ids = {
            key: slots.setdefault(frozenset(form.items()), len(slots))
            for key, form in {id(form): form for form in self.ties.forms.values()}.items()
        }
        self.slot = {name: ids[id(form)] for name, form in self.ties.forms.items()}
        self._terms: list[tuple[int, list[tuple[int, int]]]] = []
        for items in slots:
            form = dict(items)
            terms = [(places[v], int(k * self.units[v])) for v, k in variables(form)]
            self._terms.append((int(form.get(CONST, 0)), terms))
        self._moves: list[list[tuple[int, int]]] = [[] for _ in self.free]  # the slots of each, and how far they move
        for slot, (_, terms) in enumerate(self._terms):
            for place, times in terms:
                self._moves[place].append((slot, times))
        feeds = self.ties.network.feeds
        self._groups = [(self.slot[feeds[name][0]], self.slot[name], width) for name, width in self.ties.loose.items()]


class _Cost:
    """A network's params or MACs as a function of levels; whole numbers throughout."""

    def __init__(self, walk: _Walk, target: str) -> None:
        ties = walk.ties
        self.walk, self.params = walk, target == "params"
        self.single: dict[int, int] = {}  # slot -> coefficient
        self.pairs: dict[tuple[int, int, int], int] = {}  # (in, out, groups) -> coefficient
        self.logarithmic: dict[tuple[int, int, int, int], int] = {}  # (in, out, groups, base) -> coefficient
        network, slot = ties.network, walk.slot
        for layer in network.layers:
            kind, before, after = layer.kind, slot[network.feeds[layer.name][0]], slot[layer.name]
            if isinstance(kind, Conv2d):
                self._convolution(ties, layer.name, kind, before, after)
            elif isinstance(kind, Linear):
                _count(self.single, before, kind.out_features)
            elif isinstance(kind, BatchNorm2d | GroupNorm) and kind.affine and self.params:
                _count(self.single, after, 2)
        self.fixed = 0
        self.fixed = getattr(network, target) - self(walk.start)  # what depends on no width

    def __call__(self, levels: Levels) -> int:
        check()
        c = self.walk.channels(levels)
        total = self.fixed + sum([k * c[i] for i, k in self.single.items()])
        total += sum([k * c[i] * c[j] // n for (i, j, n), k in self.pairs.items()])
        for (i, j, n, base), k in self.logarithmic.items():
            total += k * _logarithmic(c[i], c[j], n, base)
        return total

    def _convolution(self, ties: Ties, name: str, kind: Conv2d, before: int, after: int) -> None:
        _, height, width = ties.network.shapes[name]
        channels = ties.network.shapes[ties.network.feeds[name][0]][0]
        groups, taps = kind.split.count(channels), kind.taps * (1 if self.params else height * width)
        if kind.bias and self.params:
            _count(self.single, after, 1)
        if ties.follows(name, kind):
            _count(self.single, after, taps * (channels // groups))
        elif kind.split.scheme == "logarithmic":
            _count(self.logarithmic, (before, after, kind.split.groups, kind.split.base), taps)
        elif kind.split.scheme != "custom":
            _count(self.pairs, (before, after, groups), taps)


def _logarithmic(a: int, b: int, n: int, base: int) -> int:
    """Connections of a logarithmic split of a in- and b out-channels."""
    return sum(map(mul, shares(a, base, n), shares(b, base, n)))


def _count(terms: dict[Any, int], key: Any, coefficient: int) -> None:
    terms[key] = terms.get(key, 0) + coefficient


def _taken(levels: Levels, steps: list[int]) -> Levels:
    moved = list(levels)
    for index in steps:
        moved[index] += 1
    return moved
