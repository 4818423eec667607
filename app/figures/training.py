"""What training runs have learned, as figures: curves, accuracy against params, confusion, energy by group."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.figures.arms import marker, style
from app.figures.common import GROUP_COLOURS, Figure, layout_of

X_TITLES = {
    "steps": "training steps",
    "seconds": "seconds of training, testing not counted",
    "macs": "MACs spent: three forwards a training image",
}
Y_TITLES = {"accuracy": "accuracy on held-out images", "loss": "loss: training (line), held-out (markers)"}
PALE = 0.35  # of single seeds under their mean, and of a run that is compared


def curves_figure(record: dict[str, Any], x: str, y: str, compare: dict[str, Any] | None = None) -> Figure:
    """A line an arm, the mean over its seeds where there are several, each seed pale beneath; name at the line's end.
    accuracy: of held-out images, at each evaluation. loss: of training, and as markers of held-out images."""
    traces = [*(_lines(compare, x, y, "earlier: ", PALE) if compare else ()), *_lines(record, x, y, "", 1.0)]
    shares = {"tickformat": ".0%", "rangemode": "tozero"} if y == "accuracy" else {"rangemode": "tozero"}
    layout = {
        **layout_of(f"{'Accuracy' if y == 'accuracy' else 'Loss'} against {x}"),
        "xaxis": {"title": {"text": X_TITLES[x]}, "exponentformat": "SI", "rangemode": "tozero", "zeroline": False},
        "yaxis": {"title": {"text": Y_TITLES[y]}, "zeroline": False, **shares},
        "hovermode": "closest",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top"},
    }
    return {"data": traces, "layout": layout}


def _lines(record: Mapping[str, Any], x: str, y: str, before: str, opacity: float) -> Iterator[dict[str, Any]]:
    for arm in record["arms"]:
        runs = record["history"].get(arm["arm"], [])
        several = len(runs) > 1
        name = f"{before}{arm['label']}"
        if y == "loss":
            curves = [(_at(run, x), run["loss"]) for run in runs]
            held_out = [(_tested(run, x), [one["loss"] for one in run["evaluations"]]) for run in runs]
            yield from _family(arm, name, curves, "lines", opacity, several)
            yield from _family(arm, f"{name}, held-out", held_out, "markers", opacity, several)
        else:
            points = [(_tested(run, x), [one["accuracy"] for one in run["evaluations"]]) for run in runs]
            yield from _family(arm, name, points, "lines+markers", opacity, several)


def _at(run: Mapping[str, Any], x: str) -> list[float]:
    return run[x]  # type: ignore[no-any-return]


def _tested(run: Mapping[str, Any], x: str) -> list[float]:
    return [one["step" if x == "steps" else x] for one in run["evaluations"]]


Curve = tuple[list[float], list[float]]


def _family(
    arm: Mapping[str, Any], name: str, curves: list[Curve], mode: str, opacity: float, several: bool
) -> Iterator[dict[str, Any]]:
    """Single seeds without a name, then their mean as far as all of them go."""
    if several:
        for curve in curves:
            yield {**_trace(arm, name, curve, mode, PALE * opacity), "showlegend": False, "hoverinfo": "skip"}
    yield _trace(arm, name, _mean(curves), mode, opacity)


def _mean(curves: list[Curve]) -> Curve:
    """Of the seeds that have come so far, place by place."""
    longest = max((len(xs) for xs, _ in curves), default=0)
    places = [[(xs[i], ys[i]) for xs, ys in curves if i < min(len(xs), len(ys))] for i in range(longest)]
    xs, ys = ([sum(point[k] for point in place) / len(place) for place in places if place] for k in (0, 1))
    return xs, ys


def _trace(arm: Mapping[str, Any], name: str, curve: Curve, mode: str, opacity: float) -> dict[str, Any]:
    look = style(arm["arm"])
    return {
        "type": "scatter",
        "mode": mode,
        "name": name,
        "meta": {"arm": arm["arm"], "label": arm["label"]},
        "x": curve[0],
        "y": curve[1],
        "line": {"dash": look["dash"], "width": 2, "color": look["color"]},
        "marker": {"symbol": look["symbol"], "size": 7, "color": look["color"]},
        "opacity": opacity,
        "hovertemplate": f"{name}, %{{x:.4~s}}: %{{y:.4f}}<extra></extra>",
    }


def accuracy_figure(record: dict[str, Any]) -> Figure:
    """Each arm where its params put it: the mean over seeds with its 95 % interval, and every seed."""
    layout = {
        **layout_of("Accuracy against params"),
        "xaxis": {"title": {"text": "params, all that is learned"}, "exponentformat": "SI", "zeroline": False},
        "yaxis": {"title": {"text": "accuracy on held-out images"}, "tickformat": ".1%", "zeroline": False},
        "hovermode": "closest",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top"},
    }
    return {"data": [trace for arm in record["arms"] for trace in _reached(arm)], "layout": layout}


def _reached(arm: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    seeds = arm.get("seeds", [])
    base = {"type": "scatter", "mode": "markers", "meta": {"arm": arm["arm"], "label": arm["label"]}}
    hover = f"{arm['label']}, %{{customdata}}: %{{y:.2%}}, %{{x:,}} params<extra></extra>"
    if len(seeds) > 1:
        yield {
            **base,
            "name": f"{arm['label']}, seeds",
            "x": [arm["params"]] * len(seeds),
            "y": [one["accuracy"] for one in seeds],
            "customdata": [f"seed {one['seed']}" for one in seeds],
            "marker": marker(arm["arm"], "plain", 7),
            "opacity": 0.6,
            "showlegend": False,
            "hovertemplate": hover,
        }
    mean = arm.get("accuracy_mean")
    yield {
        **base,
        "name": arm["label"],
        "x": [arm["params"]] if seeds else [],
        "y": [mean] if seeds else [],
        "customdata": ["mean" if len(seeds) > 1 else "one seed"],
        "marker": marker(arm["arm"], "best", 12),
        "hovertemplate": hover,
        **(_error(arm) if len(seeds) > 1 else {}),
    }


def _error(arm: Mapping[str, Any]) -> dict[str, Any]:
    mean = arm["accuracy_mean"]
    spread = {
        "type": "data",
        "symmetric": False,
        "array": [arm["accuracy_high"] - mean],
        "arrayminus": [mean - arm["accuracy_low"]],
        "color": style(arm["arm"])["color"],
        "thickness": 1.5,
    }
    return {"error_y": spread}


def confusion_figure(record: dict[str, Any], arm: str) -> Figure:
    """Rows the true classes, columns the guessed ones, counts over all seeds that have ended."""
    found = next(one for one in record["arms"] if one["arm"] == arm)
    matrices = [one["confusion"] for one in found.get("seeds", [])]
    classes = record["data"]["classes"]
    counts = [[sum(m[i][j] for m in matrices) for j in range(len(classes))] for i in range(len(classes))]
    axis = {"tickmode": "array", "tickvals": list(range(len(classes))), "ticktext": classes, "zeroline": False}
    layout = {
        **layout_of(f"Confusion of {found['label']}"),
        "xaxis": {**axis, "title": {"text": "guessed"}, "tickangle": -45},
        "yaxis": {**axis, "title": {"text": "true"}, "autorange": "reversed"},
        "margin": {"l": 112, "r": 24, "t": 48, "b": 112},
    }
    heat = {
        "type": "heatmap",
        "z": counts if matrices else [],
        "text": counts if matrices else [],
        "texttemplate": "%{text}",
        "colorscale": [[0, "rgba(11,110,153,0)"], [1, "#0b6e99"]],
        "showscale": False,
        "hovertemplate": "%{z} of true %{y} guessed as %{x}<extra></extra>",
        "meta": {"arm": arm},
    }
    return {"data": [heat], "layout": layout}


def energy_figure(record: dict[str, Any], arm: str) -> Figure:
    """Stacked shares, a colour a group: of each module's squared weights, and of its squared activations."""
    look: Mapping[str, Any] = next((one for one in record["looks"] if one["arm"] == arm), {"modules": []})
    kinds = ("weight_energy", "weights"), ("activation_energy", "activations")
    bars = [(f"module {module['module']}, {word}", module, key) for module in look["modules"] for key, word in kinds]
    groups = max((len(module["groups"]) for module in look["modules"]), default=0)
    traces = [
        {
            "type": "bar",
            "name": f"group {j + 1}",
            "meta": {"group": j},
            "x": [name for name, _, _ in bars],
            "y": [module["groups"][j][key] for _, module, key in bars],
            "marker": {"color": GROUP_COLOURS[j % len(GROUP_COLOURS)]},
            "hovertemplate": f"group {j + 1}: %{{y:.1%}} of %{{x}}<extra></extra>",
        }
        for j in range(groups)
    ]
    layout = {
        **layout_of("Energy by group"),
        "barmode": "stack",
        "yaxis": {"title": {"text": "share of the module's sum of squares"}, "tickformat": ".0%"},
        "showlegend": groups <= len(GROUP_COLOURS),
    }
    return {"data": traces, "layout": layout}
