"""What a layer costs as its channels double: one line a split, its factor per doubling written on it."""

from typing import Any

from app.figures.common import SERIES_STYLES, Figure, layout_of, log_ticks, plotted
from app.figures.labels import Label, end_labels, room_for
from compute.formulas import digits

NAMES = {
    "weights": ("weights", "weights, bias not counted"),
    "macs": ("MACs", "MACs per image, bias not counted"),
    "activations": ("activations", "activations, output elements per image"),
}
REGIMES = {False: "constant resolution", True: "resolution halved at each doubling"}
LETTERS = 60  # of a label at a line's end, at most: the factors belong on the lines


def growth_figure(described: dict[str, Any], metric: str, halve: bool) -> Figure:
    """`described` by describe_growth; metric: weights, macs or activations. Both axes are logarithmic, so that a factor
    per doubling is a slope; a split that does not fit leaves out its points.

    Activations do not depend on the split: one line says so for all.
    """
    slopes = [slope for slope in described["slopes"] if (slope["metric"], slope["halve"]) == (metric, halve)]
    if metric == "activations":
        slopes = [{**slope, "label": "every split"} for slope in slopes if slope["series"] == "standard"]
    rows = [
        [row for row in described["rows"] if (row["series"], row["halve"]) == (slope["series"], halve)]
        for slope in slopes
    ]
    lines = [[row[metric] for row in line] for line in rows]
    names = [_name(slope) for slope in slopes]
    labels = end_labels(names, lines, True, LETTERS)
    channels = [row["channels"] for row in rows[0]]
    costs = [value for line in lines for value in line if value is not None]
    name, title = NAMES[metric]
    layout = {
        **layout_of(f"{name[0].upper()}{name[1:]} against channels, {REGIMES[halve]}"),
        "xaxis": {
            "title": {"text": "channels of the layer, doubled at each stage"},
            "type": "log",
            "tickmode": "array",
            "tickvals": [plotted(c) for c in channels],
            "ticktext": [digits(c) for c in channels],
            "zeroline": False,
        },
        "yaxis": {"title": {"text": title}, "type": "log", **log_ticks(min(costs), max(costs))},
        "hovermode": "closest",
        **room_for(labels),
    }
    traces = [
        _line(index, slope, line, metric, names[index], labels.get(index))
        for index, (slope, line) in enumerate(zip(slopes, rows, strict=True))
    ]
    return {"data": traces, "layout": layout}


def _name(slope: dict[str, Any]) -> str:
    """uniform n = 4: weights ×4 per doubling."""
    factor = f"×{slope['factor']} per doubling" if slope["factor"] else "not exact here"
    return f"{slope['label']}: {NAMES[slope['metric']][0]} {factor}"


def _line(
    index: int, slope: dict[str, Any], rows: list[dict[str, Any]], metric: str, name: str, label: Label | None
) -> dict[str, Any]:
    style = SERIES_STYLES[index]
    return {
        "type": "scatter",
        "mode": "lines+markers+text" if label else "lines+markers",
        "name": name,
        "meta": {"series": slope["series"], "label": slope["label"], "factor": slope["factor"]},
        "x": [plotted(row["channels"]) for row in rows],
        "y": [plotted(row[metric]) for row in rows],
        "line": {"dash": style["dash"], "width": 2, "color": style["color"]},
        "marker": {"symbol": style["symbol"], "size": 6, "color": style["color"]},
        **({"text": label.text(), "textposition": label.place} if label else {}),
        "cliponaxis": False,
        "customdata": [
            [digits(row["channels"]), digits(row["height"]), digits(row["width"]), _digits(row[metric])] for row in rows
        ],
        "hovertemplate": (
            f"{slope['label']}, %{{customdata[0]}} channels at %{{customdata[1]}} × %{{customdata[2]}}:"
            f" %{{customdata[3]}} {NAMES[metric][0]}<extra></extra>"
        ),
    }


def _digits(value: int | None) -> str:
    return "" if value is None else digits(value)
