"""Latency against the number of groups beside the curve that MACs alone would draw."""

import math
from dataclasses import replace
from typing import Any

from app.figures.arms import HOW, SOFT, amount_axis, marker, reference, style
from app.figures.common import MOST_TICKS, Figure, layout_of
from app.figures.labels import Label, end_labels, room_for

SCHEMES = ("uniform", "logarithmic")
MS = 1000
STEPS = 100  # of the x axis, as end_labels counts
LETTERS = 28


def sweep_figure(result: dict[str, Any]) -> Figure:
    """For each scheme the fastest way with its quartiles, what people write (dotted), and the first point's time in
    proportion to MACs (dashed, soft)."""
    lines = {scheme: [row for row in result["rows"] if row["scheme"] == scheme] for scheme in SCHEMES}
    most = max(row["groups"] for row in result["rows"])
    traces = [
        trace
        for scheme, rows in lines.items()
        if rows
        for trace in (_line(scheme, rows, "best"), _line(scheme, rows, "plain"), _counted(scheme, rows))
    ]
    times = [value for trace in traces for value in trace["y"]]
    axis = amount_axis("milliseconds of one pass", times)
    labels = _labels(traces, most, axis.get("type") == "log")
    for index, trace in enumerate(traces):
        if label := labels.get(index):
            trace |= {"mode": f"{trace['mode']}+text", "text": label.text(), "textposition": label.place}
    layout = {
        **layout_of("Latency against the number of groups"),
        "xaxis": {
            "title": {"text": "groups"},
            "type": "log",
            **_ticks(sorted({row["groups"] for row in result["rows"]})),
            "zeroline": False,
        },
        "yaxis": axis,
        "hovermode": "closest",
        **room_for(labels),
    }
    return {"data": traces, "layout": layout}


def _line(scheme: str, rows: list[dict[str, Any]], how: str) -> dict[str, Any]:
    best, look = how == "best", style(scheme)
    values = [MS * row["median" if best else "plain_median"] for row in rows]
    spread = {
        "type": "data",
        "symmetric": False,
        "array": [MS * row["q3"] - value for row, value in zip(rows, values, strict=True)],
        "arrayminus": [value - MS * row["q1"] for row, value in zip(rows, values, strict=True)],
        "color": look["color"],
        "thickness": 1.5,
        "width": 4,
    }
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"{scheme}, {HOW[how]}",
        "meta": {"arm": scheme, "how": how},
        "x": [row["groups"] for row in rows],
        "y": values,
        "line": {"dash": "solid" if best else "dot", "width": 2 if best else 1.5, "color": look["color"]},
        "marker": marker(scheme, how, 8),
        **({"error_y": spread} if best else {}),
        "cliponaxis": False,
        "customdata": [row["promised"] for row in rows],
        "hovertemplate": f"{scheme}, {HOW[how]}, n = %{{x}}: %{{y:.3~g}} ms<extra></extra>",
    }


def _counted(scheme: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    name = f"{scheme}, by MACs alone"
    line = reference(name, [row["groups"] for row in rows], [MS * row["counted"] for row in rows], mode="lines+markers")
    hover = f"{name}, n = %{{x}}: %{{y:.3~g}} ms<extra></extra>"
    symbol = {"symbol": style(scheme)["symbol"], "size": 4, "color": SOFT}
    return {**line, "meta": {"counted": scheme}, "marker": symbol, "hovertemplate": hover}


def _labels(traces: list[dict[str, Any]], most: int, log: bool) -> dict[int, Label]:
    """end_labels counts equal steps; these points stand at logarithmic ones."""
    span = math.log(most) if most > 1 else 1.0
    ends: list[list[float | None]] = [
        [*[None] * round(STEPS * math.log(trace["x"][-1]) / span), trace["y"][-1]] for trace in traces
    ]
    found = end_labels([trace["name"] for trace in traces], ends, log, LETTERS)
    return {index: replace(label, end=len(traces[index]["x"]) - 1) for index, label in found.items()}


def _ticks(numbers: list[int]) -> dict[str, Any]:
    """Those that were run, where they are few."""
    step = math.ceil(len(numbers) / MOST_TICKS)
    shown = numbers[::step]
    return {"tickmode": "array", "tickvals": shown, "ticktext": [str(n) for n in shown]}
