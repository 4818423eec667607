"""Arithmetic intensity against achieved work per second, under what the device was measured to do at most."""

import math
from typing import Any

from app.figures.arms import marker, reference, row_name
from app.figures.common import Figure, layout_of, log_ticks
from app.figures.labels import HEIGHT, LETTER, LINE_HEIGHT, WIDTH

GIGA = 1e9
NARROW = (1, 4, 16)  # channels of the groups whose caps are drawn
SIDES = {"middle right": (1, 0), "middle left": (-1, 0), "top center": (0, -1), "bottom center": (0, 1)}
Point = tuple[float, float]


def roofline_figure(result: dict[str, Any]) -> Figure:
    """Trace i is row i, one point; the roofs follow. result: of a layer, or of ceilings alone."""
    rows, top = result.get("rows", []), result.get("ceilings", result)
    peak, knee = top["peak_gflops"], top["peak_gflops"] * GIGA / top["memory_bytes_per_second"]
    x = [row["intensity"] for row in rows] or [knee]
    y = [row["gflops"] for row in rows] or [peak]
    left, right = min([*x, knee]) / 3, max([*x, knee]) * 4
    low, high = min([*y, *(point["gflops"] for point in top["narrow"][:1]), peak / 10]) / 2, peak * 2.5
    points, roofs = [_point(row) for row in rows], _roofs(top, rows, left, right, low, high)
    _label([(math.log(right / left), math.log(high / low)), (math.log(left), math.log(low))], points, roofs)
    layout = {
        **layout_of("Roofline of this device"),
        "xaxis": _axis("arithmetic intensity, FLOPs per byte", left, right),
        "yaxis": _axis("GFLOP/s", low, high),
        "hovermode": "closest",
        "showlegend": False,
    }
    return {"data": [*points, *roofs], "layout": layout}


def _axis(title: str, low: float, high: float) -> Figure:
    ticks = log_ticks(low, high)
    span = [math.log10(low), math.log10(high)]
    return {"title": {"text": title}, "type": "log", **ticks, "range": span, "zeroline": False}


def _point(row: dict[str, Any]) -> dict[str, Any]:
    held = row["bound"]
    words = f", held back by: {held['name']}" if held else ""
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": row_name(row),
        "meta": {"arm": row["arm"], "how": row["how"], "label": row["label"]},
        "x": [row["intensity"]],
        "y": [row["gflops"]],
        "marker": marker(row["arm"], row["how"], 12),
        "text": [""],
        "textposition": "middle right",
        "cliponaxis": False,
        "hovertemplate": f"{row_name(row)}: %{{y:.3~g}} GFLOP/s at %{{x:.3~g}} FLOPs per byte{words}<extra></extra>",
    }


def _roofs(
    top: dict[str, Any], rows: list[dict[str, Any]], left: float, right: float, low: float, high: float
) -> list[dict[str, Any]]:
    peak = top["peak_gflops"]
    cache, memory = (top[f"{name}_bytes_per_second"] / GIGA for name in ("cache", "memory"))
    roofs = [
        _named(
            f"at most {peak:.3g} GFLOP/s: {top['peak_from']}",
            [peak / max(cache, memory), right],
            [peak, peak],
            "top left",
        ),
        *(
            _named(f"{name}, {rate:.3g} GB/s", [peak / rate, _start(rate, left, low)], None, "bottom right", rate)
            for name, rate in (("cache", cache), ("memory", memory))
        ),
    ]
    for point in top["narrow"]:
        if point["width"] in NARROW and point["gflops"] < peak:
            name = f"groups of {point['width']} channel{'s' if point['width'] > 1 else ''}"
            roofs.append(_named(name, [left, right], [point["gflops"]] * 2, "bottom left", thin=True))
    best = sorted((row for row in rows if row["how"] == "best"), key=lambda row: row["intensity"])
    caps = [row["gflops"] * row["median"] / (row["calls"] * top["call_seconds"]) for row in best]
    if caps and min(caps) < high:
        intensities = [row["intensity"] for row in best]
        roofs.append(_named("what starting the calls leaves", intensities, caps, "top left", thin=True))
    return roofs


def _start(rate: float, left: float, low: float) -> float:
    """Where a bandwidth's line enters the frame."""
    return max(left, low / rate)


def _named(
    name: str, x: list[float], y: list[float] | None, place: str, rate: float = 0.0, thin: bool = False
) -> dict[str, Any]:
    """A roof with its name at its last point; y: None where it is `rate` times x."""
    heights = y if y is not None else [rate * at for at in x]
    text = [*[""] * (len(x) - 1), name]
    line = reference(name, x, heights, "dot" if thin else "solid", mode="lines+text", text=text, textposition=place)
    line["line"]["width"] = 1 if thin else 2
    line["cliponaxis"] = True
    return line


def _label(frame: list[Point], points: list[dict[str, Any]], roofs: list[dict[str, Any]]) -> None:
    """Names each grouping once, at its fastest point, where no other point or name stands. frame: the axes' spans and
    starts, in logarithms."""
    (width, height), (left, low) = frame

    def place(trace: dict[str, Any]) -> Point:
        """Of its last point, in CSS pixels from the left and from the top."""
        x, y = math.log(trace["x"][-1]), math.log(trace["y"][-1])
        return WIDTH * (x - left) / width, HEIGHT * (1 - (y - low) / height)

    places = [place(point) for point in points]
    taken = [(x - 8, x + 8, y) for x, y in places]
    for roof in roofs:
        x, y = place(roof)
        up, side = roof["textposition"].split()
        letters = LETTER * len(roof["text"][-1])
        taken.append(
            (x - letters * (side == "left"), x + letters * (side == "right"), y + (8 if up == "bottom" else -8))
        )
    for index, point in enumerate(points):
        name = point["meta"]["label"]
        for side, (across, down) in SIDES.items() if point["meta"]["how"] == "best" else ():
            letters = LETTER * (len(name) + 2)
            start = places[index][0] + {1: 10, -1: -10 - letters, 0: -letters / 2}[across]
            box = (start, start + letters, places[index][1] + 16 * down)
            others = [*taken[:index], *taken[index + 1 :]]
            if not any(a < box[1] and box[0] < b and abs(box[2] - c) < LINE_HEIGHT for a, b, c in others):
                point["text"], point["textposition"] = [name], side
                taken.append(box)
                break
