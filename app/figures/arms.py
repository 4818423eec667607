"""How groupings that were measured are drawn, the same in every figure: colour and marker by scheme, open or dashed
where it runs as people write it."""

from collections.abc import Iterable
from typing import Any

from app.figures.common import SERIES_STYLES, Figure, log_ticks

ARMS = ("standard", "uniform", "logarithmic", "depthwise", "custom")
HOW = {"plain": "as written", "best": "at its best"}
LOG_FROM = 6  # largest over smallest: from here on small values would vanish on a linear axis
SOFT = "#6f6a5f"  # of roofs and references; the page has its own


def style(arm: str) -> dict[str, str]:
    return SERIES_STYLES[ARMS.index(arm)]


def marker(arm: str, how: str, size: float = 10) -> dict[str, Any]:
    look = style(arm)
    symbol = look["symbol"] if how == "best" else f"{look['symbol']}-open"
    return {"symbol": symbol, "size": size, "color": look["color"], "line": {"width": 2, "color": look["color"]}}


def row_name(row: dict[str, Any]) -> str:
    return f"{row['label']}, {HOW[row['how']]}"


def amount_axis(title: str, values: Iterable[float]) -> Figure:
    """Of times or factors: logarithmic where they lie far apart, else from 0."""
    known = [value for value in values if value > 0]
    axis: Figure = {"title": {"text": title}, "zeroline": False}
    if known and max(known) > LOG_FROM * min(known):
        return {**axis, "type": "log", **log_ticks(min(known), max(known))}
    return {**axis, "rangemode": "tozero"}


def reference(name: str, x: list[Any], y: list[Any], dash: str = "dash", **more: Any) -> dict[str, Any]:
    """A line that is no grouping's: a roof, a bound, a counted curve."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "meta": {},
        "x": x,
        "y": y,
        "line": {"dash": dash, "width": 1.5, "color": SOFT},
        "cliponaxis": False,
        "hovertemplate": f"{name}<extra></extra>",
        **more,
    }
