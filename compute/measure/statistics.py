"""What a handful of times says and what it does not: medians, their intervals, places that noise can't hand out."""

import math
from collections.abc import Hashable, Mapping, Sequence
from statistics import median, quantiles
from typing import TypeVar

CONFIDENCE = 0.99
FEW = 0.25  # five values of one distribution then seem apart in one case of fifty
Key = TypeVar("Key", bound=Hashable)


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Half of the values lie between them."""
    if len(values) < 2:
        return values[0], values[0]
    first, _, third = quantiles(values, n=4, method="inclusive")
    return first, third


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """An interval that holds the true median with at least `confidence`, whatever the values' distribution: from the
    k-th smallest to the k-th largest, since each value lies below the median with probability 1/2. Too few values for
    that give their whole range and, on both sides, FEW of its logarithm more. Values are positive."""
    ordered, n = sorted(values), len(values)
    below, k = 0.0, 0
    while k < n // 2:
        below += math.comb(n, k) / 2**n
        if 2 * below > 1 - confidence:
            break
        k += 1
    at = max(0, k - 1)
    low, high = ordered[at], ordered[n - 1 - at]
    if k > 0:
        return low, high
    more = (high / low) ** FEW
    return low / more, high * more


def ratios(reference: Sequence[float], values: Sequence[float]) -> list[float]:
    """How many times as fast as the reference, round by round: what slows a whole round down cancels out."""
    return [a / b for a, b in zip(reference, values, strict=True)]


def slower(faster: Sequence[float], values: Sequence[float], error: float) -> bool:
    """Whether `values` are longer beyond doubt: the interval of the ratio stays above 1 by more than `error`, by which
    the same thing measured twice was off."""
    return interval(ratios(values, faster))[0] > 1 + abs(error)


def places(samples: Mapping[Key, Sequence[float]], error: float = 0.0) -> list[list[Key]]:
    """Fastest first. Everything in one place is faster than everything in the next, beyond doubt and pair by pair; so
    where a ties with b and b with c, all three share a place, even if a could be told from c."""
    ordered = sorted(samples, key=lambda key: median(samples[key]))
    found: list[list[Key]] = []
    for at, key in enumerate(ordered):
        apart = all(slower(samples[a], samples[b], error) for a in ordered[:at] for b in ordered[at:])
        if found and not apart:
            found[-1].append(key)
        else:
            found.append([key])
    return found
