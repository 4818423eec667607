"""What every figure is made with: colours, ticks, and a layout without background."""

import math
from typing import Any

Figure = dict[str, Any]
Rows = list[dict[str, Any]]

# The page's light set: at least 3:1 on paper, told apart under normal, deutan, protan and tritan vision.
GROUP_COLOURS = ("#0793ce", "#5d59cd", "#8d478e", "#aa395a", "#ab6944", "#8e7e01", "#3f651e", "#017d72")
PREFIXES = ("", "k", "M", "G", "T", "P")


def layout_of(title: str) -> Figure:
    """A layout to start from: the page's surface shows through, and lines have room for a label at their end."""
    return {
        "title": {"text": title},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 72, "r": 88, "t": 48, "b": 48},
    }


def log_ticks(low: int, high: int) -> dict[str, Any]:
    """Ticks at 1 k, 10 k, 1 M ...; between them too where fewer than three would be in sight."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 2, 5), range(1, 10)):
        ticks = [step * 10**power for power in powers for step in steps]
        if sum(0.8 * low <= tick <= 1.25 * high for tick in ticks) >= 3:
            break
    return {"tickmode": "array", "tickvals": ticks, "ticktext": [short(tick) for tick in ticks]}


def short(number: int) -> str:
    """20000 -> 20 k."""
    power = min((len(str(number)) - 1) // 3, len(PREFIXES) - 1)
    digits = f"{number / 1000**power:g}"
    return f"{digits}\u2009{PREFIXES[power]}" if power else digits


def whole_step(layers: int) -> int:
    """Layers from one tick to the next, so that no more than 16 are written."""
    return max(1, math.ceil(layers / 16))
