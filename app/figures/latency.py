"""Latency run by run, a line a grouping and way to run it; the median with its quartiles, and what MACs promise."""

from typing import Any

from app.figures.arms import SOFT, amount_axis, marker, row_name
from app.figures.common import MARGIN, Figure, layout_of
from app.figures.labels import LETTER

JITTER = (0.0, 0.16, -0.16, 0.08, -0.08)  # of the runs' places across their line, in turn
MS = 1000


def latency_figure(result: dict[str, Any]) -> Figure:
    """Trace i is row i, at y = i: its median, with the quartiles as error bars, and then every run. The last trace: the
    median of the standard layer, divided by what MACs promise."""
    rows = result["rows"]
    names = [row_name(row) for row in rows]
    standard = MS * rows[0]["median"]
    promises = [standard / row["promised"] for row in rows]
    times = [MS * seconds for row in rows for seconds in row["samples"]]
    layout = {
        **layout_of("Latency, run by run"),
        "xaxis": amount_axis("milliseconds of one pass", [*times, *promises]),
        "yaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(rows))),
            "ticktext": names,
            "range": [len(rows) - 0.5, -0.5],
            "zeroline": False,
            "showgrid": False,
        },
        "margin": {**MARGIN, "l": LETTER * max(map(len, names)) + 16},
        "hovermode": "closest",
        "showlegend": False,
    }
    promised = {
        "type": "scatter",
        "mode": "markers",
        "orientation": "h",
        "name": "what MACs promise",
        "meta": {},
        "x": promises,
        "y": list(range(len(rows))),
        "marker": {"symbol": "line-ns-open", "size": 20, "color": SOFT, "line": {"width": 2, "color": SOFT}},
        "hovertemplate": "MACs promise %{x:.3~g} ms<extra></extra>",
    }
    return {"data": [*(_strip(i, row) for i, row in enumerate(rows)), promised], "layout": layout}


def _strip(index: int, row: dict[str, Any]) -> dict[str, Any]:
    median, q1, q3 = (MS * row[name] for name in ("median", "q1", "q3"))
    runs = [MS * seconds for seconds in row["samples"]]
    look = marker(row["arm"], row["how"])
    empty = [0.0] * len(runs)
    return {
        "type": "scatter",
        "mode": "markers",
        "orientation": "h",
        "name": row_name(row),
        "meta": {"arm": row["arm"], "how": row["how"], "label": row["label"]},
        "x": [median, *runs],
        "y": [index, *(index + JITTER[i % len(JITTER)] for i in range(len(runs)))],
        "marker": {
            **look,
            "symbol": [look["symbol"], *["circle-open"] * len(runs)],
            "size": [13, *[5] * len(runs)],
            "opacity": [1.0, *[0.6] * len(runs)],
        },
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [q3 - median, *empty],
            "arrayminus": [median - q1, *empty],
            "color": look["color"],
            "thickness": 2,
            "width": 6,
        },
        "customdata": ["median", *(f"round {n}" for n in range(1, len(runs) + 1))],
        "hovertemplate": f"{row_name(row)}, %{{customdata}}: %{{x:.3~g}} ms<extra></extra>",
    }
