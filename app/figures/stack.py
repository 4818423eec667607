"""A stack against depth: how far its channels are connected, and how strong its maps are."""

from collections.abc import Sequence
from typing import Any

from app.figures.common import SERIES_STYLES, Figure, layout_of, log_ticks, whole_step

NORMALISATIONS = {"none": "no normalisation", "conv": "convolution normalised", "sum": "sum normalised"}


def stack_reach_figure(shares: dict[str, list[float]]) -> Figure:
    """Share of the C x C pairs (channel of the stem, channel after a module) that are connected; shares by side, from
    the stem on."""
    modules = len(next(iter(shares.values()))) - 1
    lines = [_line(name, values, i, "%{y:.1%} of pairs connected") for i, (name, values) in enumerate(shares.items())]
    axis = {"title": {"text": "pairs connected"}, "tickformat": ".0%", "range": [0, 1.04], "zeroline": False}
    return {"data": lines, "layout": {**_layout("Share of channel pairs that are connected", modules), "yaxis": axis}}


def stack_scale_figure(arms: list[dict[str, Any]]) -> Figure:
    """Root mean square against depth on a logarithmic axis; arms: of GET /api/stack/scale. The chosen one is wider."""
    values = [value for arm in arms for value in arm["rms"] if value]
    lines = []
    for i, arm in enumerate(arms):
        name = f"{arm['gain']}, {NORMALISATIONS[arm['normalisation']]}"
        line = _line(name, [value or None for value in arm["rms"]], i, "%{y:.3~g}")
        line["line"]["width"] = 3.5 if arm["chosen"] else 1.5
        line["meta"] |= {"chosen": arm["chosen"]}
        lines.append(line)
    axis = {"title": {"text": "root mean square of all maps"}, "type": "log", "zeroline": False}
    if values:
        axis |= log_ticks(min(values), max(values))
    return {"data": lines, "layout": {**_layout("What keeps the scale", len(arms[0]["rms"]) - 1), "yaxis": axis}}


def _line(name: str, values: Sequence[float | None], index: int, hover: str) -> dict[str, Any]:
    style = SERIES_STYLES[index]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "meta": {"series": index},
        "x": list(range(len(values))),
        "y": list(values),
        "line": {"dash": style["dash"], "width": 2, "color": style["color"]},
        "marker": {"symbol": style["symbol"], "size": 6, "color": style["color"]},
        "cliponaxis": False,
        "hovertemplate": hover,
    }


def _layout(title: str, modules: int) -> Figure:
    axis = {"title": {"text": "module (0: the stem)"}, "dtick": whole_step(modules), "zeroline": False}
    return {**layout_of(title), "xaxis": axis, "hovermode": "x unified", "showlegend": False}
