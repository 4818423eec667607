"""What every figure is made with: colours, ticks, and a layout without background."""

import math
from typing import Any

Figure = dict[str, Any]
Rows = list[dict[str, Any]]

# The page's light set: at least 3:1 on paper, told apart under normal, deutan, protan and tritan vision.
GROUP_COLOURS = ("#0793ce", "#5d59cd", "#8d478e", "#aa395a", "#ab6944", "#8e7e01", "#3f651e", "#017d72")
# For a notebook; the page gives lines its own. At least 4.5:1 on paper, told apart as the groups are, and from them.
SERIES_STYLES = tuple(
    {"color": color, "dash": dash, "symbol": symbol}
    for color, dash, symbol in (
        ("#55524a", "solid", "circle"),
        ("#0b6e99", "dash", "square"),
        ("#b3400f", "dot", "diamond"),
        ("#954fc7", "dashdot", "triangle-up"),
        ("#73351b", "longdash", "cross"),
        ("#570ad5", "longdashdot", "x"),
        ("#607a4f", "8px,3px,2px,3px,2px,3px", "triangle-down"),
        ("#a40c7d", "2px,6px", "star"),
    )
)
EXACT = 2**53  # beyond it a double, and so a chart's own number, may be off
MARGIN = {"l": 72, "r": 88, "t": 48, "b": 48}  # CSS pixels
MOST_TICKS = 16
PREFIXES = ("", "k", "M", "G", "T", "P")


def layout_of(title: str) -> Figure:
    """A layout to start from: the page's surface shows through, and lines have room for a label at their end."""
    return {
        "title": {"text": title},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": MARGIN,
    }


def log_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks at 1 k, 10 k, 1 M ...; between them too where fewer than three would be in sight, and fewer where there
    would be more than MOST_TICKS."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = range(first, last + 1, math.ceil((last - first + 1) / MOST_TICKS))
    for steps in ((1,), (1, 2, 5), range(1, 10)):
        ticks = [step * 10**power for power in powers for step in steps]
        if sum(0.8 * low <= tick <= 1.25 * high for tick in ticks) >= 3:
            break
    return {
        "tickmode": "array",
        "tickvals": [plotted(tick) for tick in ticks],
        "ticktext": [short(tick) for tick in ticks],
    }


def short(number: float) -> str:
    """20000 -> 20 k; past the prefixes 1e+18."""
    if number >= 1000 ** len(PREFIXES):
        return f"{number:g}"
    power = min((len(str(int(number))) - 1) // 3, len(PREFIXES) - 1)
    digits = f"{number / 1000**power:g}"
    return f"{digits}\u2009{PREFIXES[power]}" if power else digits


def whole_step(layers: int) -> int:
    """Layers from one tick to the next, so that no more than 16 are written."""
    return max(1, math.ceil(layers / 16))


def round_step(layers: int) -> int:
    """As whole_step, for hundreds of layers: 1, 2, 5, 10, 20 ..."""
    steps = (step * int(10**power) for power in range(len(str(layers))) for step in (1, 2, 5))
    return next(step for step in steps if 16 * step >= layers)


def plotted(value: float | None) -> float | None:
    """A number that JSON of any writer can hold: what a double would round anyway goes as a double."""
    return float(value) if value is not None and value > EXACT else value
