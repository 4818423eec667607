"""Latency run by run, a line a grouping and way to run it; the median with its quartiles, and what MACs promise."""

from typing import Any

from app.figures.arms import SOFT, amount_axis, marker, row_name
from app.figures.common import MARGIN, Figure, layout_of
from app.figures.labels import LETTER

JITTER = (0.0, 0.16, -0.16, 0.08, -0.08)  # of the runs' places across their line, in turn
MS = 1000


def latency_figure(result: dict[str, Any]) -> Figure:
    """Trace i is row i, at y = i: a bar from quartile to quartile with the median on it, and every run. The last trace:
    the median of the standard layer, divided by what MACs promise."""
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
    """One path: from quartile to quartile through the median, and then, with gaps between, every run."""
    look, runs = marker(row["arm"], row["how"]), row["samples"]
    around = [MS * row[name] for name in ("q1", "median", "q3")]
    points: list[tuple[float | None, float, str, int]] = [
        (around[0], index, "a quarter of the runs below", 0),
        (around[1], index, "median", 13),
        (around[2], index, "a quarter of the runs above", 0),
    ]
    for number, seconds in enumerate(runs):
        place = index + JITTER[number % len(JITTER)]
        points += [(None, place, "", 0), (MS * seconds, place, f"round {number + 1}", 5)]
    x, y, words, sizes = (list(part) for part in zip(*points, strict=True))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "orientation": "h",
        "name": row_name(row),
        "meta": {"arm": row["arm"], "how": row["how"], "label": row["label"]},
        "x": x,
        "y": y,
        "line": {"width": 3, "color": look["color"]},
        "marker": {
            **look,
            "symbol": [*[look["symbol"]] * 3, *["circle-open"] * (2 * len(runs))],
            "size": sizes,
            "line": {"width": [*[2] * 3, *[1] * (2 * len(runs))], "color": look["color"]},
        },
        "customdata": words,
        "hovertemplate": f"{row_name(row)}, %{{customdata}}: %{{x:.3~g}} ms<extra></extra>",
    }
