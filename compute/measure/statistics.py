"""What a handful of times says and what it does not: medians, their intervals, places that noise can't hand out."""

import math
from collections.abc import Hashable, Mapping, Sequence
from statistics import median, quantiles
from typing import TypeVar

CONFIDENCE = 0.99
Key = TypeVar("Key", bound=Hashable)


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Half of the values lie between them."""
    if len(values) < 2:
        return values[0], values[0]
    first, _, third = quantiles(values, n=4, method="inclusive")
    return first, third


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """An interval that holds the true median with at least `confidence`, whatever the values' distribution: from the
    k-th smallest to the k-th largest, since each value lies below the median with probability 1/2. With too few values
    for that it is their whole range, and holds it less surely."""
    ordered, n = sorted(values), len(values)
    below, k = 0.0, 0
    while k < n // 2:
        below += math.comb(n, k) / 2**n
        if 2 * below > 1 - confidence:
            break
        k += 1
    at = max(0, k - 1)
    return ordered[at], ordered[n - 1 - at]


def ratios(reference: Sequence[float], values: Sequence[float]) -> list[float]:
    """How many times as fast as the reference, round by round: what slows a whole round down cancels out."""
    return [a / b for a, b in zip(reference, values, strict=True)]


def slower(faster: Sequence[float], values: Sequence[float], error: float) -> bool:
    """Whether `values` are longer beyond doubt: the interval of the ratio stays above 1 by more than `error`, by which
    the same thing measured twice was off."""
    return interval(ratios(values, faster))[0] > 1 + abs(error)


def places(samples: Mapping[Key, Sequence[float]], error: float = 0.0) -> list[list[Key]]:
    """Fastest first; what can't be told from the fastest of a place shares it."""
    ordered = sorted(samples, key=lambda key: median(samples[key]))
    found: list[list[Key]] = []
    for key in ordered:
        if found and not slower(samples[found[-1][0]], samples[key], error):
            found[-1].append(key)
        else:
            found.append([key])
    return found
