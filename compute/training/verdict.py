"""What a difference in accuracy is worth.

Several seeds: Student's t interval of the paired differences (same seeds, same batches). One seed: the interval of a
difference between two proportions on the same test images (discordant pairs, as in McNemar's test), which knows nothing
of other starts. Intervals hold for all pairs at once with CONFIDENCE (Bonferroni).
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from statistics import NormalDist, fmean, stdev
from typing import Any

CONFIDENCE = 0.95
STEPS = 2000  # of Simpson's rule


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """(mean, low, high), Student's t; of one value the interval is unknown and given as the value itself."""
    mean = fmean(values)
    if len(values) < 2:
        return mean, mean, mean
    half = t_quantile(1 - (1 - confidence) / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def verdict(
    accuracies: Mapping[str, Sequence[float]], discordant: Mapping[tuple[str, str], tuple[int, int]], test: int
) -> dict[str, Any]:
    """accuracies: shares of the test images, by arm, seed by seed. discordant: of one seed, for a pair of arms, how
    many images only the first got right, and only the second. {"sentence", "confidence", "seeds", "pairs": [{"a", "b",
    "difference", "low", "high", "noise"}]}."""
    seeds = len(next(iter(accuracies.values())))
    names = list(accuracies)
    every = len(names) * (len(names) - 1) // 2
    alpha = (1 - CONFIDENCE) / max(1, every)
    pairs = []
    for a, b in combinations(names, 2):
        if seeds > 1:
            differences = [x - y for x, y in zip(accuracies[a], accuracies[b], strict=True)]
            mean, low, high = mean_interval(differences, 1 - alpha)
        else:
            mean, low, high = _of_proportions(*discordant[a, b], test, alpha)
        pairs.append({"a": a, "b": b, "difference": mean, "low": low, "high": high, "noise": low <= 0 <= high})
    return {"sentence": _sentence(pairs, seeds, test), "pairs": pairs, "confidence": CONFIDENCE, "seeds": seeds}


def _of_proportions(first: int, second: int, test: int, alpha: float) -> tuple[float, float, float]:
    """Of (first - second) / test; half an image of continuity."""
    difference = (first - second) / test
    deviation = math.sqrt(max(0.0, first + second - (first - second) ** 2 / test)) / test
    half = NormalDist().inv_cdf(1 - alpha / 2) * deviation + 0.5 / test
    return difference, difference - half, difference + half


def _sentence(pairs: Sequence[Mapping[str, Any]], seeds: int, test: int) -> str:
    told = [p for p in pairs if not p["noise"]]
    basis = f"{seeds} seeds" if seeds > 1 else f"one seed and {test:,} test images"
    if not told:
        return f"With {basis}, no difference between the arms exceeds the noise{_more(seeds)}."
    parts = []
    for pair in told:
        better, worse = (pair["a"], pair["b"]) if pair["difference"] > 0 else (pair["b"], pair["a"])
        low, high = sorted((abs(pair["low"]), abs(pair["high"])))
        parts.append(f"{better} is ahead of {worse} by {100 * low:.1f} to {100 * high:.1f} points")
    rest = len(pairs) - len(told)
    tail = (
        f"; {'the other difference is' if rest == 1 else f'the other {rest} differences are'} within the noise"
        if rest
        else ""
    )
    one = "" if seeds > 1 else "; another seed may turn it round"
    return f"With {basis}: {', '.join(parts)}{tail}{one}."


def _more(seeds: int) -> str:
    return "" if seeds >= 5 else ": train more seeds to see smaller ones"


@lru_cache(maxsize=64)
def t_quantile(probability: float, freedom: int) -> float:
    """Student's t, probability above 0.5: bisection on the integrated density."""
    low, high = 0.0, 1.0
    while t_cumulative(high, freedom) < probability:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cumulative(middle, freedom) < probability else (low, middle)
    return high


def t_cumulative(t: float, freedom: int) -> float:
    """P(T <= t) for t >= 0: with t = sqrt(freedom) tan(angle) the density is a power of a cosine, which ends."""
    end = math.atan(t / math.sqrt(freedom))
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    width = end / STEPS
    inner = sum((4 if i % 2 else 2) * math.cos(i * width) ** (freedom - 1) for i in range(1, STEPS))
    return 0.5 + scale * width / 3 * (1 + inner + math.cos(end) ** (freedom - 1))
