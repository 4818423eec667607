"""Group sizes on a linear and on a logarithmic scale, beside the law of Weber and Fechner."""

from typing import Any

from app.figures.common import GROUP_COLOURS, SERIES_STYLES, Figure, layout_of
from compute.formulas import digits

PANELS = ((0.0, 0.26), (0.37, 0.63), (0.74, 1.0))  # shares of the width
TICKS = 12  # groups with a number of their own; more, and the axis chooses


def weber_figure(described: dict[str, Any]) -> Figure:
    """`described` by describe_weber. Bars in the groups' colours, twice; the logarithmic axis begins one step below a
    single channel, so that a group of one still shows."""
    sizes, base = described["sizes"], described["base"]
    law = described["law"]
    channels = [size["channels"] for size in sizes]
    powers = [base**step for step in range(_steps(max(channels), base) + 1)]
    logarithmic = {
        "title": {"text": f"channels, logarithmic to base {base}"},
        "type": "linear",
        "range": [-1, max(size["log"] for size in sizes) + 0.25],
        "tickmode": "array",
        "tickvals": list(range(len(powers))),
        "ticktext": [digits(power) for power in powers],
    }
    axes = {
        **_panel(1, "group", {"title": {"text": "channels"}, "rangemode": "tozero"}, len(sizes)),
        **_panel(2, "group", logarithmic, len(sizes)),
        **_panel(3, "stimulus, in multiples of the threshold", {"title": {"text": "sensation"}}, 0),
    }
    title = f"{digits(described['channels'])} channels in {len(sizes)} logarithmic groups, beside the Weber–Fechner law"
    curve = {
        "type": "scatter",
        "mode": "lines",
        "name": "law",
        "meta": {"part": "law"},
        "xaxis": "x3",
        "yaxis": "y3",
        "x": [point["stimulus"] for point in law["points"]],
        "y": [point["sensation"] for point in law["points"]],
        "line": {"width": 2, "color": SERIES_STYLES[0]["color"]},
        "hovertemplate": "stimulus %{x:.3~g}, sensation %{y:.3~g}<extra></extra>",
    }
    data = [
        _bars(sizes, "linear", 1, channels, 0),
        _bars(sizes, "logarithmic", 2, [size["log"] + 1 for size in sizes], -1),
        curve,
    ]
    layout = {**layout_of(title), **axes, "bargap": 0.25, "hovermode": "closest", "showlegend": False}
    return {"data": data, "layout": layout}


def _bars(sizes: list[dict[str, Any]], part: str, panel: int, heights: list[float], base: int) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": part,
        "meta": {"part": part},
        "xaxis": _axis("x", panel),
        "yaxis": _axis("y", panel),
        "x": [size["group"] + 1 for size in sizes],
        "y": heights,
        "base": base,
        "marker": {
            "color": [GROUP_COLOURS[size["group"] % len(GROUP_COLOURS)] for size in sizes],
            "line": {"width": 0},
        },
        "customdata": [[size["channels"], round(size["log"], 4)] for size in sizes],
        "hovertemplate": "group %{x}: %{customdata[0]:,d} channels, logarithm %{customdata[1]}<extra></extra>",
    }


def _panel(panel: int, title: str, vertical: dict[str, Any], groups: int) -> dict[str, Any]:
    number = str(panel) if panel > 1 else ""
    whole = {"dtick": 1} if 0 < groups <= TICKS else {}
    return {
        f"xaxis{number}": {
            "title": {"text": title},
            "domain": list(PANELS[panel - 1]),
            "anchor": _axis("y", panel),
            "zeroline": False,
            **whole,
        },
        f"yaxis{number}": {**vertical, "anchor": _axis("x", panel), "zeroline": False},
    }


def _axis(letter: str, panel: int) -> str:
    return f"{letter}{panel}" if panel > 1 else letter


def _steps(most: int, base: int) -> int:
    """The highest power of base that is no more than `most`."""
    step = 0
    while base ** (step + 1) <= most:
        step += 1
    return step
