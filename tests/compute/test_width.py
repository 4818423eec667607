"""Truth here: small networks whose widths a test writes out itself, walked step by step with exact fractions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.network import Layer, Network, Split, read, write
from compute.network.kinds import (
    Add,
    BatchNorm2d,
    ChannelShuffle,
    Concat,
    Conv2d,
    Flatten,
    GroupNorm,
    Linear,
    MaxPool2d,
)
from compute.network.nudge import EVALUATIONS, Nudge
from compute.network.policy import Policy, apply
from compute.network.width import hold
from compute.networks import load

FREE, LOG = Split(), Split("logarithmic", 4)


def conv(out_channels: int, split: Split = FREE, kernel: int = 3) -> Conv2d:
    return Conv2d(out_channels, kernel, padding=kernel // 2, split=split)


def network(*layers: tuple, channels: int = 3) -> Network:
    """(name, kind, *inputs)."""
    return Network(tuple(Layer(name, kind, tuple(inputs)) for name, kind, *inputs in layers), (channels, 8, 8))


def head(*layers: tuple) -> Network:
    return network(*layers, ("flat", Flatten()), ("fc", Linear(10)))


@dataclass(frozen=True)
class Case:
    """A network by its free widths: those it starts from, and the unit of each."""

    build: Callable[..., Network]
    start: tuple[int, ...]
    units: tuple[int, ...]
    fixed_width: tuple[str, ...] = ()
    low: tuple[int, ...] | None = None  # what a logarithmic split needs

    def walk(self, target: str) -> Iterator[tuple[float, int, tuple[int, ...]]]:
        """(factor, total, widths) from the narrowest to three times as wide, one class moved a step at a time."""
        least = tuple(max(u, -(-low // u) * u) for u, low in zip(self.units, self.low or self.units, strict=True))
        steps = []
        for index, (begun, unit, narrow) in enumerate(zip(self.start, self.units, least, strict=True)):
            levels = range(narrow // unit + 1, 3 * begun // unit + 1)
            steps.extend((Fraction(2 * level - 1, 2 * (begun // unit)), index) for level in levels)
        widths = list(least)
        yield 0.0, getattr(self.build(*widths), target), tuple(widths)
        for factor, index in sorted(steps):
            widths[index] += self.units[index]
            yield float(factor), getattr(self.build(*widths), target), tuple(widths)


CASES = {
    "chain": Case(lambda a, b: head(("a", conv(a)), ("b", conv(b)), ("n", BatchNorm2d())), (16, 24), (1, 1)),
    "ties": Case(lambda a, b, c: head(("a", conv(a)), ("b", conv(b)), ("c", conv(c))), (16, 16, 16), (1, 1, 1)),
    "uniform": Case(
        lambda a, b, c: head(("a", conv(a)), ("b", conv(b, Split.uniform(4))), ("c", conv(c, Split.uniform(6)))),
        (16, 24, 36),
        (4, 12, 6),
    ),
    "logarithmic": Case(
        lambda a, b: head(("a", conv(a)), ("b", conv(b, LOG))), (20, 11), (1, 1), low=(5, 5)
    ),
    "residual": Case(
        lambda a, b: head(
            ("a", conv(a)), ("b", conv(b)), ("c", conv(a)), ("sum", Add(), "a", "c"), ("d", conv(a)),
            ("+", Add(), "d", "sum"),
        ),
        (16, 12),
        (1, 1),
    ),
    "depthwise": Case(
        lambda a, b: head(("a", conv(a)), ("b", conv(2 * a, Split("depthwise"))), ("c", conv(b, kernel=1))),
        (8, 12),
        (1, 1),
    ),
    "as PyTorch writes depthwise": Case(
        lambda a, b: head(("a", conv(a)), ("b", conv(2 * a, Split.uniform(a))), ("c", conv(b, kernel=1))),
        (8, 12),
        (1, 1),
        ("b",),
    ),
    "fixed width": Case(
        lambda a, b: head(("a", conv(a)), ("b", conv(3 * a // 2, Split.uniform(a // 8))), ("c", conv(b, kernel=1))),
        (32, 10),
        (8, 1),
        ("b",),
    ),
    "a multiplier of the image": Case(
        lambda a, b: head(("a", conv(3 * a, Split("depthwise"))), ("b", conv(b))), (8, 12), (1, 1)
    ),
    "concat": Case(
        lambda a, b, c: head(("a", conv(a)), ("b", conv(b)), ("ab", Concat(), "a", "b"), ("c", conv(c))),
        (8, 12, 16),
        (1, 1, 1),
    ),
    "shuffle and norm": Case(
        lambda a, b: head(("a", conv(a)), ("s", ChannelShuffle(3)), ("b", conv(b)), ("n", GroupNorm(4))),
        (18, 20),
        (3, 4),
    ),
    "a unit of ShuffleNet": Case(
        lambda a, b, c: head(
            ("a", conv(a)), ("b", conv(b)), ("ab", Concat(), "a", "b"), ("c", conv(c, Split.uniform(2), 1)),
            ("s", ChannelShuffle(2)), ("d", conv(c, Split("depthwise"))), ("e", conv(a + b, Split.uniform(2), 1)),
            ("sum", Add(), "ab", "e"),
        ),
        (4, 12, 6),
        (2, 2, 2),
    ),
    "custom sizes stay": Case(
        lambda a, b: head(
            ("a", conv(a)), ("b", conv(12)), ("c", conv(8, Split.custom([(8, 4), (4, 4)]))), ("d", conv(b))
        ),
        (16, 20),
        (1, 1),
    ),
    "the last layer stays": Case(lambda a: network(("a", conv(a)), ("p", MaxPool2d(2)), ("b", conv(10))), (16,), (1,)),
    "added to the image": Case(
        lambda a, c: head(("a", conv(a)), ("b", conv(3)), ("sum", Add(), "input", "b"), ("c", conv(c))),
        (16, 16),
        (1, 1),
    ),
    "sums that cannot be tied stay": Case(
        lambda a: head(
            ("b", conv(8)), ("c", conv(8)), ("d", conv(10)), ("e", conv(6)),
            ("bc", Concat(), "b", "c"), ("de", Concat(), "d", "e"), ("sum", Add(), "bc", "de"), ("a", conv(a)),
        ),
        (16,),
        (1,),
    ),
    "sums with a side in common": Case(
        lambda a, b: head(
            ("a", conv(a)), ("b", conv(b)), ("c", conv(b)),
            ("ab", Concat(), "a", "b"), ("ac", Concat(), "a", "c"), ("sum", Add(), "ab", "ac"),
        ),
        (16, 12),
        (1, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("target", ["params", "macs"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_step_of_the_walk_is_closer(case, target):
    begun = case.build(*case.start)
    walk = list(case.walk(target))
    totals = [total for _, total, _ in walk]
    assert totals == sorted(totals)
    own = getattr(begun, target)
    for wanted in [*totals[:: max(1, len(totals) // 12)], own + 17, own - 17, 3 * own // 4, 5 * own // 4]:
        found, held = hold(begun, target, wanted, case.fixed_width)
        off = min(abs(total - wanted) for total in totals)
        if held.nudged:
            assert abs(held.reached - wanted) < off
            assert found not in [case.build(*widths) for _, _, widths in walk]
        else:
            assert abs(held.reached - wanted) == off
            assert found in [case.build(*widths) for _, total, widths in walk if total == held.reached]
        assert held.reached == getattr(found, target)
        assert read(write(found)).layers == found.layers
        assert (held.target, held.wanted) == (target, wanted)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_network_that_meets_its_target_is_left_as_it_is(case):
    begun = case.build(*case.start)
    for target in ("params", "macs"):
        found, held = hold(begun, target, getattr(begun, target), case.fixed_width)
        assert found is begun
        assert (held.factor, held.relative) == (1.0, 0.0)


def test_the_factor_is_the_last_step_taken_from_1():
    case = CASES["ties"]
    begun = case.build(16, 16, 16)
    factors = {widths: factor for factor, _, widths in case.walk("params")}
    wider, held = hold(begun, "params", case.build(20, 20, 19).params)
    assert wider == case.build(20, 20, 19)
    assert held.factor == factors[20, 20, 19] == 39 / 32
    assert not held.nudged
    narrower, held = hold(begun, "params", case.build(13, 13, 12).params)
    assert narrower == case.build(13, 13, 12)
    assert held.factor == factors[13, 13, 13] == 25 / 32  # the step that is not taken any more


def test_of_two_as_near_the_one_nearer_to_the_start(monkeypatch):
    monkeypatch.setattr("compute.network.nudge.CLOSE", 1)  # leave the proportions alone
    case = CASES["chain"]
    begun = case.build(16, 24)
    totals = [total for _, total, _ in case.walk("macs")]
    place = totals.index(begun.macs)
    assert hold(begun, "macs", (totals[place] + totals[place + 1]) // 2)[1].reached == begun.macs
    assert hold(begun, "macs", (totals[place] + totals[place - 1]) // 2)[1].reached == begun.macs
    assert (totals[place] + totals[place + 1]) % 2 == (totals[place] + totals[place - 1]) % 2 == 0


def test_a_wish_that_no_width_meets_is_said_to_be_spent():
    case = CASES["logarithmic"]
    found, held = hold(case.build(20, 11), "params", 1)
    assert found == case.build(5, 5)
    assert held.spent == "narrower"
    found, held = hold(case.build(20, 11), "params", 10**9, limit=100)
    assert found == case.build(100, 100)
    assert held.spent == "wider"
    assert hold(case.build(20, 11), "params", 5000)[1].spent == ""
    assert hold(case.build(5, 5), "params", case.build(5, 5).params + 1)[1].spent == ""  # lowest, and too few


def test_single_widths_step_where_proportion_cannot():
    """64 and 128 channels, one class: two groups of 32 are 128 wide next. The last one steps alone, by its groups."""

    def build(a, b):
        return head(("a", conv(a)), ("b", conv(b, Split.uniform(a // 32))))

    begun = build(64, 64)
    assert hold(begun, "params", build(64, 70).params, ["b"])[0] == build(64, 70)
    found, held = hold(begun, "params", build(64, 72).params + 100, ["b"])
    assert found == build(64, 72)
    assert (held.factor, held.nudged, held.steps, held.spent) == (1.0, True, (2, 32), "")


def test_what_reads_a_nudged_width_follows_by_whole_groups():
    """b reads 96, in 3 groups: 63 of its 64 channels, or 66, could be cut in three."""

    def build(a, b, c):
        return head(("a", conv(a)), ("b", conv(b, Split.uniform(a // 32))), ("c", conv(c, kernel=1)))

    found, held = hold(build(64, 64, 50), "params", build(96, 96, 50).params, ["b"])
    assert abs(held.relative) <= 0.001
    (_, _, _), (_, b, image), (_, _, _) = found.convolutions()
    assert (image[0] // b.split.groups, b.out_channels % b.split.groups) == (32, 0)


def steps(levels: list[int]) -> list[int]:
    return [1] * len(levels)


def moved(levels: list[int], index: int, level: int) -> list[int]:
    return [*levels[:index], level, *levels[index + 1 :]]


def test_the_search_is_bounded_and_says_whether_it_ended():
    costs = []

    def cost(levels):
        costs.append(levels)
        return sum(levels)

    found = Nudge([10, 10], 27, cost, steps, moved)
    assert (found.reached, found.levels, found.settled) == (27, [14, 13], True)
    assert (Nudge([10, 10], 90, cost, steps, moved).levels, Nudge([10, 10], 1, cost, steps, moved).levels) == (
        [14, 14],
        [6, 6],
    )
    costs.clear()
    assert not Nudge([10] * 400, 10**6, cost, steps, moved).settled
    assert len(costs) <= EVALUATIONS + 1
    assert Nudge([10, 10], 22, cost, steps, lambda levels, index, level: None).levels == [10, 10]


def test_two_steps_where_the_second_makes_up_for_the_first():
    weights = (30, 13)
    found = Nudge(
        [10, 10],
        447,
        lambda levels: sum(w * level for w, level in zip(weights, levels, strict=True)),
        steps,
        moved,
    )
    assert (found.reached, found.levels) == (447, [11, 9])


def test_the_limit_is_that_of_every_image():
    case = CASES["concat"]
    found, _ = hold(case.build(8, 12, 16), "params", 10**9, limit=50)
    assert found == case.build(20, 30, 50)


def test_a_network_wider_than_the_limit_grows_no_further():
    case = CASES["chain"]
    begun = case.build(16, 24)
    assert hold(begun, "params", 10**9, limit=10)[0] is begun


def test_nothing_to_widen_in_a_network_of_linear_layers():
    begun = network(("flat", Flatten()), ("fc", Linear(7)))
    found, held = hold(begun, "params", 5000)
    assert found is begun
    assert (held.reached, held.factor, held.spent) == (192 * 7 + 7, 1.0, "wider")


def test_no_share_of_nothing():
    begun = network(
        ("flat", Flatten()),
    )
    assert hold(begun, "macs", 0)[1].relative is None


CLOSE = [
    ("resnet-50", Policy("uniform", 4), 0.05),
    ("resnet-50", Policy("width", width=16), 0.05),
    ("resnet-50", Policy("logarithmic", 4, scope="all"), 0.05),
    ("resnet-50", Policy("root", 64), 0.05),
    ("resnext-101-32x8d", Policy("none"), 0.05),
    ("resnext-101-32x8d", Policy("depthwise"), 0.05),
    ("resnext-101-32x8d", Policy("width", width=16), 0.05),
    ("alexnet-2012", Policy("uniform", 4), 0.25),
    ("alexnet-2012", Policy("logarithmic", 4), 0.25),
    ("mobilenet-v2", Policy("none"), 0.05),
    ("mobilenet-v2", Policy("uniform", 4, scope="all"), 0.05),
    ("shufflenet-v1-g3", Policy("none", scope="all"), 0.25),
    ("shufflenet-v1-g3", Policy("depthwise"), 0.05),
    ("squeezenet-1.0", Policy("logarithmic", 4, scope="all"), 0.25),
    ("nin", Policy("root", 16), 0.05),
    ("log-group-cnn", Policy("none"), 0.1),
    ("vgg-16", Policy("width", width=32), 0.05),
    ("vgg-16", Policy("width", width=64), 0.05),
    ("log-group-cnn", Policy("width", width=16), 1.2),
    ("alexnet-2012", Policy("root", 64), 2.2),
    ("nin", Policy("width", width=32), 0.05),
]


@pytest.mark.parametrize("target", ["params", "macs"])
@pytest.mark.parametrize(("name", "policy", "percent"), CLOSE)
def test_published_networks_come_this_close(name, policy, percent, target):
    original = load(name)
    applied = apply(original, policy)
    variant, held = hold(applied.network, target, getattr(original, target), applied.fixed_width)
    assert held.reached == getattr(variant, target)
    assert abs(held.relative) * 100 < percent
    assert variant.input_shape == original.input_shape
    assert variant.shapes[variant.layers[-1].name] == original.shapes[original.layers[-1].name]
    assert read(write(variant)).layers == variant.layers
    for (layer, before, _), (_, after, image) in zip(
        applied.network.convolutions(), variant.convolutions(), strict=True
    ):
        if layer.name in applied.fixed_width:
            assert image[0] // after.split.groups == policy.width
        else:
            assert after.split == before.split


@given(
    st.sampled_from(["alexnet-2012", "nin", "squeezenet-1.0", "log-group-cnn", "shufflenet-v1-g2"]),
    st.sampled_from(
        [Policy("uniform", 4), Policy("logarithmic", 3), Policy("depthwise", scope="all"), Policy("width")]
    ),
    st.sampled_from(["params", "macs"]),
    st.floats(0.05, 8),
    st.floats(1, 2),
)
def test_more_wanted_is_never_narrower(name, policy, target, share, more):
    """But for single widths, nudged at the end."""
    original = load(name)
    applied = apply(original, policy)
    wanted = int(getattr(original, target) * share)
    small, less = hold(applied.network, target, wanted, applied.fixed_width)
    large, greater = hold(applied.network, target, int(wanted * more), applied.fixed_width)
    assert less.factor <= greater.factor
    if not (less.nudged or greater.nudged):
        assert less.reached <= greater.reached
        assert all(small.shapes[name][0] <= large.shapes[name][0] for name in small.shapes)
