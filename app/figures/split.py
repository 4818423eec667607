"""Which channels see which: the connectivity matrix of a layer."""

from typing import Any

from app.figures.common import GROUP_COLOURS, Figure, layout_of


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
        **layout_of(_split_title(layer)),
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
