"""Cost against depth of real networks: one line a network or a variant of one, a point a layer."""

from html import escape
from itertools import accumulate
from typing import Any

from app.figures.common import EXACT, SERIES_STYLES, Figure, Rows, layout_of, log_ticks, plotted, round_step
from app.figures.labels import Label, end_labels, room_for
from compute.formulas import digits

# Metric: the axis' title with its unit and convention, and the unit as a hover says it.
NETWORK_UNITS = {
    "params": ("params, bias counted", "params"),
    "macs": ("MACs per image, bias not counted", "MACs"),
    "flops": ("FLOPs per image, 2 per MAC, bias not counted", "FLOPs"),
    "activations": ("activations, output elements per image", "activations"),
    "memory_access_bytes": ("bytes per image, 4 an element, each moved once", "bytes"),
    "arithmetic_intensity": ("arithmetic intensity, FLOPs per byte", "FLOPs per byte"),
}
TITLES = {
    "params": "Params",
    "macs": "MACs",
    "flops": "FLOPs",
    "activations": "Activations",
    "memory_access_bytes": "Memory access",
    "arithmetic_intensity": "Arithmetic intensity",
}
INTENSITY = "arithmetic_intensity"
LETTERS = 24  # of a label at a line's end, at most


def network_figure(series: list[dict[str, Any]], metric: str, cumulative: bool, log: bool) -> Figure:
    """series: [{"label", "rows", "reference"}], rows of GET /api/networks/{id}; `metric` is a key of NETWORK_UNITS.

    Point i of trace s is layer i of series s; a reference has open markers and a thin line. On a log axis, layers that
    cost nothing are null and the line passes over them. customdata: [name, kind, shape], and the value in digits where
    a double would not hold it. Names are written for Plotly, that in `meta` as it is.
    """
    lines = [_values(line["rows"], metric, cumulative) for line in series]
    drawn = [[value or None for value in values] if log else values for values in lines]
    costs = [value for values in lines for value in values if value]
    labels = end_labels([line["label"] for line in series], drawn, log and bool(costs), LETTERS)
    title, _ = NETWORK_UNITS[metric]
    sums = "all layers up to this one" if cumulative else "each layer"
    together = ", of the sums" if metric == INTENSITY else ", summed up"
    axis = {"title": {"text": f"{title}{together if cumulative else ''}"}}
    layout = {
        **layout_of(f"{TITLES[metric]} against depth: {sums}"),
        "xaxis": {
            "title": {"text": "layer, by its place in the network"},
            "dtick": round_step(max(len(values) for values in lines)),
            "zeroline": False,
        },
        "yaxis": {**axis, "rangemode": "tozero", "exponentformat": "SI"},
        "hovermode": "x unified",
        **room_for(labels),
    }
    if log and costs:
        layout["yaxis"] = {**axis, "type": "log", **log_ticks(min(costs), max(costs))}
    traces = [
        _line(index, line, values, metric, labels.get(index))
        for index, (line, values) in enumerate(zip(series, drawn, strict=True))
    ]
    return {"data": traces, "layout": layout}


def _values(rows: Rows, metric: str, cumulative: bool) -> list[Any]:
    if not cumulative:
        return [row[metric] for row in rows]
    if metric != INTENSITY:
        return list(accumulate(row[metric] for row in rows))
    flops = accumulate(row["flops"] for row in rows)
    moved = accumulate(row["memory_access_bytes"] for row in rows)
    return [done / by if by else 0.0 for done, by in zip(flops, moved, strict=True)]


def _line(index: int, line: dict[str, Any], values: list[Any], metric: str, label: Label | None) -> dict[str, Any]:
    rows, reference = line["rows"], line["reference"]
    style = SERIES_STYLES[index % len(SERIES_STYLES)]
    long = any(value is not None and value > EXACT for value in values)
    said = "%{customdata[3]}" if long else "%{y:,.4~g}" if metric == INTENSITY else "%{y:,d}"
    return {
        "type": "scatter",
        "mode": "lines+markers+text" if label else "lines+markers",
        "name": _literal(line["label"]),
        "meta": {"series": index, "label": line["label"], "reference": reference},
        "x": [row["index"] for row in rows],
        "y": [plotted(value) for value in values],
        "connectgaps": True,
        "line": {"dash": style["dash"], "width": 1.25 if reference else 2, "color": style["color"]},
        "marker": {
            "symbol": f"{style['symbol']}-open" if reference else style["symbol"],
            "size": 6,
            "color": style["color"],
        },
        **({"text": [_literal(text) for text in label.text()], "textposition": label.place} if label else {}),
        "cliponaxis": False,
        "customdata": [
            [_literal(row["name"]), row["kind"], _shape(row), *([_digits(value)] if long else [])]
            for row, value in zip(rows, values, strict=True)
        ],
        "hovertemplate": (
            f"%{{customdata[0]}} %{{customdata[1]}} %{{customdata[2]}}: {said} {NETWORK_UNITS[metric][1]}"
        ),
    }


def _literal(text: str) -> str:
    """Plotly reads tags in what it writes, links among them: what a client calls its layers is text."""
    return escape(text, quote=False)


def _shape(row: dict[str, Any]) -> str:
    return " × ".join(map(str, row["output_shape"]))


def _digits(value: int | None) -> str:
    return "" if value is None else digits(value)
