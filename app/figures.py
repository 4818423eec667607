"""Numbers of `compute` as Plotly figures: plain dicts that `plotly.graph_objects.Figure` accepts, pure functions.

Plotly itself is not needed here. Colours of groups are set (a notebook has no style sheet); series differ by dash and
marker, and the page gives them its own colours.
"""

import math
from collections.abc import Iterable
from typing import Any

Figure = dict[str, Any]
Rows = list[dict[str, Any]]

# The page's light set: at least 3:1 on paper, told apart under normal, deutan, protan and tritan vision.
GROUP_COLOURS = ("#0793ce", "#5d59cd", "#8d478e", "#aa395a", "#ab6944", "#8e7e01", "#3f651e", "#017d72")
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
PREFIXES = ("", "k", "M", "G", "T", "P")


def split_figure(layer: dict[str, Any]) -> Figure:
    """The connectivity matrix of a layer as compute describes it: a bar from in_start to in_end, out_start to out_end
    for each group, so that thousands of channels cost a few numbers each."""
    groups = layer["groups"]
    trace = {
        "type": "bar",
        "x": [g["in_start"] + g["in_channels"] / 2 for g in groups],
        "width": [g["in_channels"] for g in groups],
        "base": [g["out_start"] for g in groups],
        "y": [g["out_channels"] for g in groups],
        "marker": {"color": [GROUP_COLOURS[g["index"] % len(GROUP_COLOURS)] for g in groups], "line": {"width": 0}},
        "customdata": [[g["index"], _span(g, "in"), _span(g, "out"), _shape(g), g["params"]] for g in groups],
        "hovertemplate": (
            "group %{customdata[0]}<br>input channels %{customdata[1]}<br>output channels %{customdata[2]}<br>"
            "filters %{customdata[3]}<br>%{customdata[4]:,} params<extra></extra>"
        ),
        "showlegend": False,
    }
    last = groups[-1]
    layout = {
        **_layout(_split_title(layer)),
        "xaxis": {
            "title": {"text": "input channel"},
            "range": [0, last["in_start"] + last["in_channels"]],
            "constrain": "domain",
        },
        "yaxis": {
            "title": {"text": "output channel"},
            "range": [last["out_start"] + last["out_channels"], 0],
            "scaleanchor": "x",
            "constrain": "domain",
        },
        "bargap": 0,
        "hovermode": "closest",
    }
    return {"data": [trace], "layout": layout}


def depth_figure(rows: Rows, metric: str, cumulative: bool, log: bool) -> Figure:
    """Cost against depth, one line for each scheme in `rows` (of GET /api/depth); labels stand at the lines' ends."""
    key = f"cumulative_{metric}" if cumulative else metric
    series = {scheme: [row for row in rows if row["scheme"] == scheme] for scheme in SERIES}
    places = _label_places({scheme: _last(row[key] for row in lines) for scheme, lines in series.items()})
    values = [row[key] for row in rows if row[key]]
    sums = "all layers up to this one" if cumulative else "each layer"
    title = f"{UNITS[metric]}, summed up" if cumulative else UNITS[metric]
    layout = {
        **_layout(f"Cost against depth: {sums}"),
        "xaxis": {"title": {"text": "layer"}, "dtick": _whole_step(len(rows) // len(SERIES)), "zeroline": False},
        "yaxis": {"title": {"text": title}, "rangemode": "tozero", "exponentformat": "SI"},
        "hovermode": "x unified",
        "showlegend": False,
    }
    if log and values:
        layout["yaxis"] = {"title": {"text": title}, "type": "log", **log_ticks(min(values), max(values))}
    return {"data": [_line(scheme, lines, key, places[scheme]) for scheme, lines in series.items()], "layout": layout}


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


def _whole_step(layers: int) -> int:
    return max(1, math.ceil(layers / 16))


def _layout(title: str) -> Figure:
    return {
        "title": {"text": title},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 72, "r": 88, "t": 48, "b": 48},
    }


def _split_title(layer: dict[str, Any]) -> str:
    groups = layer["groups"]
    kernel = "×".join(map(str, groups[0]["weight_shape"][2:]))
    total_in = groups[-1]["in_start"] + groups[-1]["in_channels"]
    ends = f"{total_in} → {layer['output_shape'][0]} channels, {kernel}"
    share = f"{layer['params']:,} params, {layer['ratios']['params']:.4g} of standard"
    return f"{ends}, {layer['scheme']}, n = {len(groups)}: {share}"


def _span(group: dict[str, Any], side: str) -> str:
    start, channels = group[f"{side}_start"], group[f"{side}_channels"]
    return f"{start}–{start + channels - 1}" if channels > 1 else f"{start}"


def _shape(group: dict[str, Any]) -> str:
    return " × ".join(map(str, group["weight_shape"]))
