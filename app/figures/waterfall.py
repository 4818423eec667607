"""From the factor that MACs promise to the one measured, a bar a step; and groups side by side, a bar a way."""

from textwrap import wrap
from typing import Any

from app.figures.arms import SOFT, reference, style
from app.figures.common import MARGIN, Figure, layout_of
from app.figures.labels import LETTER

LETTERS = 16  # of a line below a bar


def waterfall_figure(result: dict[str, Any]) -> Figure:
    """One bar for each step that ran, the promise hatched; error bars: quartiles."""
    steps = [step for step in result["steps"] if step["available"]]
    names = ["<br>".join(wrap(step["label"], LETTERS)) for step in steps]
    factors = [step["factor"] for step in steps]
    bars = {
        **_bars("factor", names, factors, style(result["arm"])["color"]),
        "meta": {"arm": result["arm"], "label": result["label"]},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, result["reference"] / step["q1"] - step["factor"]) for step in steps],
            "arrayminus": [max(0.0, step["factor"] - result["reference"] / step["q3"]) for step in steps],
            "thickness": 1.5,
            "width": 5,
        },
        "customdata": [[step["label"], 1000 * step["median"]] for step in steps],
        "hovertemplate": "%{customdata[0]}: ×%{y:.3~g}, %{customdata[1]:.3~g} ms<extra></extra>",
    }
    bars["marker"]["pattern"] = {"shape": ["/" if step["name"] == "promise" else "" for step in steps]}
    one = reference("the standard layer: ×1", [names[0], names[-1]], [1, 1], hoverinfo="skip")
    return {"data": [bars, one], "layout": _layout("Where did the speed-up go?", "times as fast as standard", factors)}


def parallel_figure(result: dict[str, Any]) -> Figure:
    """One bar for each way that ran; a line where more can't be had."""
    rows = [row for row in result["rows"] if row["available"]]
    names = [row["how"] for row in rows]
    speedups, ideal = [row["speedup"] for row in rows], result["ideal"]
    bars = {
        **_bars("speed-up", names, speedups, SOFT),
        "meta": {},
        "customdata": [1000 * row["median"] for row in rows],
        "hovertemplate": "%{x}: ×%{y:.3~g}, %{customdata:.3~g} ms<extra></extra>",
    }
    most = f"at most ×{ideal:.4g}"
    line = reference(f"{most}: sum ÷ widest group", [names[0], names[-1]], [ideal, ideal])
    label = {"xref": "paper", "x": 1, "xanchor": "left", "yref": "y", "y": ideal, "showarrow": False, "text": most}
    layout = _layout("Groups side by side", "times as fast as one after another", [*speedups, ideal])
    room = {"margin": {**layout["margin"], "r": LETTER * (len(most) + 2)}}
    return {"data": [bars, line], "layout": {**layout, **room, "annotations": [label]}}


def _bars(name: str, x: list[str], y: list[float], color: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "x": x,
        "y": y,
        "text": [f"×{value:.2f}" for value in y],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": color},
    }


def _layout(title: str, amount: str, values: list[float]) -> Figure:
    return {
        **layout_of(title),
        "xaxis": {"type": "category", "title": {"text": ""}, "tickangle": 0},
        "yaxis": {"title": {"text": amount}, "rangemode": "tozero", "range": [0, 1.2 * max([1, *values])]},
        "margin": {**MARGIN, "b": 88},
        "hovermode": "closest",
        "showlegend": False,
    }
