"""What a handful of times says: against exact binomials, and against noise made with fixed seeds."""

import math
import random
from itertools import combinations, pairwise, product
from statistics import median

import pytest
import torch

from compute.counts import count_layer
from compute.errors import SpecError
from compute.grouping import Grouping
from compute.measure import (
    MeasureSpec,
    NetworkLayer,
    NetworkMeasureSpec,
    bound,
    bytes_moved,
    estimate,
    interval,
    label_of,
    places,
    promised,
    quartiles,
    sizes_text,
)
from compute.measure.roofline import caps, narrow_cap
from compute.measure.spec import thinned
from compute.spec import ConvSpec

LAYER = ConvSpec(Grouping.logarithmic(64, 64, 4), height=56, width=56)
TOP = {
    "peak_gflops": 200.0, "memory_bytes_per_second": 20e9, "cache_bytes_per_second": 60e9, "cache_size_bytes": 8 << 20,
    "narrow": [{"width": 1, "gflops": 10.0}, {"width": 8, "gflops": 80.0}, {"width": 64, "gflops": 200.0}],
    "call_seconds": 5e-6,
}  # fmt: skip


def covered(n: int, k: int) -> float:
    """Chance that the median of a continuous distribution lies between the k-th smallest and the k-th largest of n."""
    return sum(math.comb(n, i) for i in range(k, n - k + 1)) / 2**n


@pytest.mark.parametrize("n", [8, 9, 15, 31, 100])
def test_the_interval_is_the_narrowest_that_is_sure_enough(n: int) -> None:
    values = list(range(1, n + 1))
    low, high = interval(values)
    assert low + high == n + 1
    assert covered(n, low) >= 0.99
    assert low == n // 2 or covered(n, low + 1) < 0.99


def test_few_values_give_more_than_their_range() -> None:
    assert interval([16.0, 1.0, 2.0]) == (0.5, 32.0)
    assert interval([3.0]) == (3.0, 3.0)
    assert quartiles([1.0]) == (1.0, 1.0)
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 4.0)


def noisy(rng: random.Random, seconds: float, noise: float, rounds: list[float]) -> list[float]:
    """Each round is slower or faster as a whole; each run has noise of its own, and now and then a long tail."""
    return [seconds * r * rng.lognormvariate(0, noise) * (1.5 if rng.random() < 0.03 else 1) for r in rounds]


@pytest.mark.parametrize(("arms", "count"), [(2, 15), (8, 15), (2, 5), (8, 9)])
def test_noise_is_not_ranked(arms: int, count: int) -> None:
    """1,000 times: the same thing measured under several names shares one place, at least in 97 of 100."""
    rng = random.Random(1707)
    same = 0
    for _ in range(1000):
        rounds = [rng.lognormvariate(0, 0.2) for _ in range(count)]
        same += len(places({arm: noisy(rng, 1.0, 0.03, rounds) for arm in range(arms)})) == 1
    assert same >= 970


def test_a_real_difference_is_found() -> None:
    """1,000 times: 15 % with 3 % noise, at least in 95 of 100."""
    rng = random.Random(1707)
    found = 0
    for _ in range(1000):
        rounds = [rng.lognormvariate(0, 0.2) for _ in range(15)]
        slow, fast = (noisy(rng, seconds, 0.03, rounds) for seconds in (1.15, 1.0))
        found += places({"slow": slow, "fast": fast}) == [["fast"], ["slow"]]
    assert found >= 950


def test_the_error_of_the_day_widens_ties() -> None:
    a, b = [1.0] * 15, [1.04] * 15
    assert places({"b": b, "a": a}) == [["a"], ["b"]]
    assert places({"b": b, "a": a}, error=0.05) == [["a", "b"]]
    assert places({"b": b, "a": a}, error=-0.05) == [["a", "b"]], "in whichever direction it was off"


def test_a_chain_of_ties_is_one_place() -> None:
    """x ties with y and y with z: wherever a line were drawn, it would part two that can't be told apart."""
    x = [1.0] * 15
    y = [0.99] * 5 + [1.01] * 5 + [1.03] * 5
    z = [1.02] * 15
    assert places({"x": x, "z": z}) == [["x"], ["z"]]
    assert len(places({"x": x, "y": y})) == len(places({"y": y, "z": z})) == 1
    assert places({"z": z, "y": y, "x": x}) == [["x", "y", "z"]]
    assert places({"z": z, "y": y, "x": x, "far": [3.0] * 15}) == [["x", "y", "z"], ["far"]]
    assert places({"only": [1.0]}) == [["only"]]


def test_places_part_only_what_can_be_told_apart() -> None:
    """Of many random races, whatever they hold: every pair of two places was measured apart."""
    rng = random.Random(5)
    for _ in range(200):
        rounds = [rng.lognormvariate(0, 0.2) for _ in range(15)]
        samples = {arm: noisy(rng, rng.uniform(1, 1.2), 0.03, rounds) for arm in range(6)}
        found = places(samples, 0.01)
        assert sorted(arm for place in found for arm in place) == list(range(6))
        for better, worse in combinations(found, 2):
            for a, b in product(better, worse):
                each = sorted(y / x for x, y in zip(samples[a], samples[b], strict=True))
                assert each[2] > 1.01, "the third smallest of 15: 99 %"


def test_arms_are_the_legal_splits_and_the_rest_says_why_not() -> None:
    arms, skipped = MeasureSpec(LAYER).legal_arms()
    assert {name: arm.groups for name, arm in arms.items()} == {
        "standard": 1,
        "uniform": 4,
        "logarithmic": 4,
        "depthwise": 64,
    }
    assert skipped == {}
    uneven = Grouping.custom([(10, 20), (8, 4), (7, 7)])
    arms, skipped = MeasureSpec(ConvSpec(uneven, height=8, width=8)).legal_arms()
    assert list(arms) == ["standard", "logarithmic", "custom"]
    assert "25 % 3" in skipped["uniform"]
    assert "out_channels" in skipped["depthwise"]
    one = ConvSpec(Grouping.uniform(64, 64, 1), height=8, width=8)
    assert MeasureSpec(one).legal_arms()[1] == {
        "uniform": "the same as standard",
        "logarithmic": "the same as standard",
    }


@pytest.mark.parametrize(
    "change",
    [{"kind": "all"}, {"batch": 0}, {"dtype": "int8"}, {"memory_format": "NHWC"}, {"rounds": 4}, {"rounds": 102}],
)
def test_what_cannot_be_measured_names_its_field(change: dict[str, object]) -> None:
    with pytest.raises(SpecError) as refused:
        MeasureSpec(LAYER, **change)  # type: ignore[arg-type]
    assert refused.value.field == next(iter(change))


def test_sweeps_take_every_legal_number_or_thin_it_evenly() -> None:
    swept = MeasureSpec(LAYER, "sweep").swept()
    assert [g.groups for g in swept["uniform"]] == [1, 2, 4, 8, 16, 32, 64]
    assert [g.groups for g in swept["logarithmic"]] == [1, 2, 3, 4, 5, 6, 7]
    assert thinned(tuple(range(1, 101)))[0] == 1
    assert thinned(tuple(range(1, 101)))[-1] == 100
    assert len(thinned(tuple(range(1, 101)))) == 24
    assert all(a < b for a, b in pairwise(thinned(tuple(range(50)))))


def test_promises_and_bytes_by_hand() -> None:
    assert promised(LAYER) == pytest.approx(64 * 64 / (32 * 32 + 16 * 16 + 8 * 8 + 8 * 8))
    counts = count_layer(LAYER)
    layers = [torch.nn.Conv2d(a, b, 3) for a, b in LAYER.grouping.sizes]
    weights = sum(layer.weight.numel() for layer in layers)
    for dtype in ("float32", "bfloat16", "float64"):
        size = torch.empty(0, dtype=getattr(torch, dtype)).element_size()
        assert bytes_moved(counts, 3, dtype) == size * (3 * 2 * 64 * 56 * 56 + weights)
    assert sizes_text(Grouping.custom([(2, 3), (2, 3), (4, 1)])) == "2x3,2x3,4x1"
    assert sizes_text(Grouping.depthwise(64, 64)) == "64*(1x1)"
    assert label_of(LAYER.grouping) == "logarithmic n = 4"


def test_the_lowest_roof_is_named_with_its_numbers() -> None:
    split = LAYER.grouping
    # half of the work at 32 channels and so on: seconds add up
    shares = [(32 * 32, 80 + 24 / 56 * 120), (16 * 16, 80 + 8 / 56 * 120), (8 * 8, 80.0), (8 * 8, 80.0)]
    expected = sum(w for w, _ in shares) / sum(w / rate for w, rate in shares)
    assert narrow_cap(split, TOP["narrow"]) == pytest.approx(expected)
    found = caps(split, 80_000_000, 1_600_000, 4, TOP)
    assert found == {
        "compute": 200.0,
        "memory": pytest.approx(50 * 60.0),
        "calls": pytest.approx(4000.0),
        "narrow groups": pytest.approx(expected),
    }
    assert caps(split, 80_000_000, 16_000_000, 4, TOP)["memory"] == pytest.approx(5 * 20.0), "past the cache"
    assert "narrow groups" not in caps(split, 80_000_000, 1_600_000, 1, TOP, 1.3, alone=False)
    assert bound(split, 80_000_000, 16_000_000, 4, 90.0, TOP)["name"] == "memory"
    assert "90%" in bound(split, 80_000_000, 16_000_000, 4, 90.0, TOP)["sentence"]
    low = bound(split, 80_000_000, 1_600_000, 4, 10.0, TOP)
    assert low["name"] == "narrow groups"
    assert "the rest goes into" in low["sentence"]
    assert bound(Grouping.standard(4, 4), 10_000, 1_000, 1, 1.0, TOP)["name"] == "calls"


def test_an_estimate_grows_with_what_is_asked() -> None:
    base = estimate(MeasureSpec(LAYER), 100.0)
    assert estimate(MeasureSpec(LAYER, rounds=45), 100.0) > 1.5 * base
    assert estimate(MeasureSpec(LAYER, batch=64), 100.0) > 10 * base
    assert estimate(MeasureSpec(LAYER), 100.0, ceilings_known=False) > base
    assert estimate(MeasureSpec(LAYER, backward=True, batch=16), 100.0) > 2 * estimate(
        MeasureSpec(LAYER, batch=16), 100.0
    )
    twice = NetworkMeasureSpec((NetworkLayer("a", 3, LAYER, LAYER), NetworkLayer("b", 1, LAYER, LAYER)))
    once = NetworkMeasureSpec((NetworkLayer("a", 3, LAYER, LAYER),))
    assert estimate(twice, 100.0) > 1.5 * estimate(once, 100.0)
    with pytest.raises(SpecError, match="no convolution"):
        NetworkMeasureSpec(())


def test_medians_here_are_pythons() -> None:
    assert quartiles([4.0, 1.0, 3.0, 2.0])[0] <= median([4.0, 1.0, 3.0, 2.0]) <= quartiles([4.0, 1.0, 3.0, 2.0])[1]
