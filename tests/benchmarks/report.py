"""How figures are summed up and printed."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass
class Table:
    print_line: Callable[[str], None]

    def heading(self, name: str) -> None:
        self.print_line(f"\n{name}")

    def row(self, what: str, figure: str, aim: str = "") -> None:
        self.print_line(f"  {what:<58} {figure:>34}   {aim}".rstrip())

    def times(self, what: str, seconds: Sequence[float], aim: str = "") -> None:
        """Median, fastest and 95th percentile, in milliseconds."""
        ms = sorted(1000 * s for s in seconds)
        text = f"{statistics.median(ms):.1f} ms  min {ms[0]:.1f}  p95 {percentile(ms, 95):.1f}"
        self.row(what, text, aim)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share / 100 * (len(ordered) - 1)))]


def ratio(first: Sequence[float], second: Sequence[float]) -> float:
    """The median of the ratios of neighbours: steadier than a ratio of medians on a busy machine."""
    return statistics.median(a / b for a, b in zip(first, second, strict=True))
