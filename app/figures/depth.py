"""Cost against depth of a stack that widens as it goes, one line a scheme."""

from collections.abc import Iterable
from typing import Any

from app.figures.common import Figure, Rows, layout_of, log_ticks, whole_step

SERIES = {
    "standard": {"dash": "solid", "symbol": "circle"},
    "uniform": {"dash": "dash", "symbol": "square"},
    "logarithmic": {"dash": "dot", "symbol": "diamond"},
}
UNITS = {
    "params": "params, bias counted",
    "macs": "MACs per image, bias not counted",
    "flops": "FLOPs per image, 2 per MAC, bias not counted",
}


def depth_figure(rows: Rows, metric: str, cumulative: bool, log: bool) -> Figure:
    """Cost against depth, one line for each scheme in `rows` (of GET /api/depth); labels stand at the lines' ends."""
    key = f"cumulative_{metric}" if cumulative else metric
    series = {scheme: [row for row in rows if row["scheme"] == scheme] for scheme in SERIES}
    places = _label_places({scheme: _last(row[key] for row in lines) for scheme, lines in series.items()})
    values = [row[key] for row in rows if row[key]]
    sums = "all layers up to this one" if cumulative else "each layer"
    title = f"{UNITS[metric]}, summed up" if cumulative else UNITS[metric]
    layout = {
        **layout_of(f"Cost against depth: {sums}"),
        "xaxis": {"title": {"text": "layer"}, "dtick": whole_step(len(rows) // len(SERIES)), "zeroline": False},
        "yaxis": {"title": {"text": title}, "rangemode": "tozero", "exponentformat": "SI"},
        "hovermode": "x unified",
        "showlegend": False,
    }
    if log and values:
        layout["yaxis"] = {"title": {"text": title}, "type": "log", **log_ticks(min(values), max(values))}
    return {"data": [_line(scheme, lines, key, places[scheme]) for scheme, lines in series.items()], "layout": layout}


def _line(scheme: str, rows: Rows, key: str, place: str) -> dict[str, Any]:
    values = [row[key] for row in rows]
    end = max((i for i, value in enumerate(values) if value is not None), default=-1)
    style = SERIES[scheme]
    return {
        "type": "scatter",
        "mode": "lines+markers+text",
        "name": scheme,
        "meta": {"scheme": scheme},
        "x": [row["layer"] for row in rows],
        "y": values,
        "line": {"dash": style["dash"], "width": 2},
        "marker": {"symbol": style["symbol"], "size": 6},
        "text": [scheme if i == end else "" for i in range(len(rows))],
        "textposition": place,
        "cliponaxis": False,
        "customdata": [[row["in_channels"], row["out_channels"], row["height"], row["width"]] for row in rows],
        "hovertemplate": "%{y:,} (%{customdata[0]} → %{customdata[1]}, %{customdata[2]} × %{customdata[3]})",
    }


def _label_places(ends: dict[str, int]) -> dict[str, str]:
    """The highest line's label above its end, the lowest below: they never cover each other."""
    order = sorted(ends, key=lambda scheme: -ends[scheme])
    return dict(zip(order, ("top right", "middle right", "bottom right"), strict=True))


def _last(values: Iterable[int | None]) -> int:
    return [0, *(value for value in values if value is not None)][-1]
