"""Plotly figures: accepted by plotly, equal to the numbers, readable."""

import json
import math
import re
import time
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import pytest
from starlette.testclient import TestClient

from app.figures import NETWORK_UNITS, growth_figure, network_figure, weber_figure
from app.figures.common import GROUP_COLOURS, SERIES_STYLES, log_ticks, round_step, short
from app.params import METRICS
from app.schemas import PlotlyFigure
from app.settings import PROJECT
from compute.growth import GROWTH_METRICS, Growth, describe_growth
from compute.network.bill import analyze
from compute.network.graph import Layer, Network
from compute.network.kinds import Conv2d, Flatten, Linear, MaxPool2d, ReLU
from compute.network.split import Split
from compute.weber import describe_weber


def figure(client: TestClient, address: str) -> dict[str, Any]:
    answer = client.get(f"/api/figures/{address}")
    PlotlyFigure.model_validate_json(answer.content)
    drawn = answer.json()
    assert json.loads(go.Figure(drawn).to_json())["data"] == drawn["data"]
    return drawn


@pytest.mark.parametrize("query", ["", "?scheme=depthwise&out_channels=128", "?in_channels=99&out_channels=40&base=3"])
def test_split_draws_each_group_where_it_is(client: TestClient, query: str) -> None:
    drawn = figure(client, f"split{query}")
    groups = client.get(f"/api/layer{query}").json()["groups"]
    (bars,) = drawn["data"]
    corners = zip(bars["x"], bars["width"], bars["base"], bars["y"], strict=True)
    assert [(x - w / 2, w, base, y) for x, w, base, y in corners] == [
        (g["in_start"], g["in_channels"], g["out_start"], g["out_channels"]) for g in groups
    ]
    colours = bars["marker"]["color"]
    assert all(a != b for a, b in pairwise(colours))
    assert len(set(colours)) == min(len(groups), len(GROUP_COLOURS))


def test_split_says_what_it_shows(client: TestClient) -> None:
    layout = figure(client, "split")["layout"]
    assert layout["title"]["text"] == ("64 → 64 channels, 3×3, logarithmic, n = 4: 12,736 params, 0.3449 of standard")
    assert layout["yaxis"]["range"] == [64, 0], "row 0 stands on top, as in a matrix"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("cumulative", [False, True])
def test_depth_lines_are_the_rows_of_the_api(client: TestClient, metric: str, cumulative: bool) -> None:
    query = "in_channels=6&groups=4&depth=6&stage=2&halve=false"
    drawn = figure(client, f"depth?{query}&metric={metric}&cumulative={str(cumulative).lower()}")
    rows = client.get(f"/api/depth?{query}").json()["rows"]
    key = f"cumulative_{metric}" if cumulative else metric
    assert [line["meta"]["scheme"] for line in drawn["data"]] == ["standard", "uniform", "logarithmic"]
    for line in drawn["data"]:
        of_scheme = [row for row in rows if row["scheme"] == line["name"]]
        assert line["x"] == [row["layer"] for row in of_scheme]
        assert line["y"] == [row[key] for row in of_scheme]


def test_depth_lines_differ_by_dash_and_marker_and_carry_their_names(client: TestClient) -> None:
    lines = figure(client, "depth")["data"]
    assert len({line["line"]["dash"] for line in lines}) == len({line["marker"]["symbol"] for line in lines}) == 3
    assert [line["text"][-1] for line in lines] == ["standard", "uniform", "logarithmic"]
    assert len({line["textposition"] for line in lines}) == 3
    assert not any("color" in line["line"] or "color" in line["marker"] for line in lines)


def test_a_line_that_breaks_off_is_named_at_its_last_point(client: TestClient) -> None:
    uniform = figure(client, "depth?in_channels=6&groups=4&depth=3&stage=1&cumulative=true")["data"][1]
    assert uniform["y"] == [None, None, None]
    assert uniform["text"] == ["", "", ""]


def test_depth_axes_have_titles_with_their_convention(client: TestClient) -> None:
    layout = figure(client, "depth?metric=flops&log=false")["layout"]
    assert layout["xaxis"]["title"]["text"] == "layer"
    assert layout["yaxis"]["title"]["text"] == "FLOPs per image, 2 per MAC, bias not counted"
    assert "type" not in layout["yaxis"]
    assert layout["hovermode"] == "x unified"
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"


def test_log_ticks() -> None:
    assert log_ticks(900, 2_000_000_000)["ticktext"] == [
        "100", "1\u2009k", "10\u2009k", "100\u2009k", "1\u2009M", "10\u2009M", "100\u2009M", "1\u2009G", "10\u2009G",
    ]  # fmt: skip
    assert log_ticks(1500, 9000)["tickvals"] == [1000, 2000, 5000, 10000, 20000, 50000]
    assert [short(n) for n in (1, 999, 20_000, 5 * 10**17)] == ["1", "999", "20\u2009k", "500\u2009P"]


def test_groups_have_the_pages_light_colours() -> None:
    tokens = (PROJECT / "static" / "css" / "tokens.css").read_text("utf-8")
    light = re.findall(r"--group-\d: light-dark\((#[0-9a-f]{6})", tokens)
    assert tuple(light) == GROUP_COLOURS


def accepted(drawn: dict[str, Any]) -> dict[str, Any]:
    """The figure as it travels, after plotly has taken it as it is."""
    PlotlyFigure.model_validate(drawn)
    travelled = json.loads(json.dumps(drawn))
    assert json.loads(go.Figure(drawn).to_json())["data"] == travelled["data"]
    return travelled


def small(groups: int = 1) -> dict[str, Any]:
    """Rows of a network whose ReLU, pool and flatten have no MACs; the flatten moves nothing at all."""
    layers = (
        Layer("flat", ReLU()),
        Layer("conv", Conv2d(8, (3, 3), padding=(1, 1), split=Split.uniform(groups))),
        Layer("pool", MaxPool2d((2, 2))),
        Layer("vector", Flatten()),
        Layer("fc", Linear(10)),
    )
    return {"label": f"n = {groups}", "rows": analyze(Network(layers, (4, 6, 6)))["rows"], "reference": groups == 1}


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("metric", NETWORK_UNITS)
def test_network_lines_are_the_rows_of_the_bill(metric: str, log: bool) -> None:
    series = [small(1), small(2), small(4)]
    each, summed = (accepted(network_figure(series, metric, cumulative, log)) for cumulative in (False, True))
    for line, trace, total in zip(series, each["data"], summed["data"], strict=True):
        rows = line["rows"]
        values = [row[metric] for row in rows]
        sums = [sum(values[: i + 1]) for i in range(len(rows))]
        if metric == "arithmetic_intensity":
            done, moved = (
                [sum(row[key] for row in rows[: i + 1]) for i in range(len(rows))]
                for key in ("flops", "memory_access_bytes")
            )
            sums = [a / b for a, b in zip(done, moved, strict=True)]
        assert trace["x"] == total["x"] == [0, 1, 2, 3, 4]
        assert trace["y"] == [value or None if log else value for value in values]
        assert total["y"] == [value or None if log else value for value in sums]


def test_layers_that_cost_nothing_are_gaps_on_a_log_axis_only() -> None:
    assert network_figure([small()], "macs", False, True)["data"][0]["y"] == [None, 36 * 288, None, None, 720]
    assert network_figure([small()], "macs", False, False)["data"][0]["y"] == [0, 36 * 288, 0, 0, 720]
    nothing = {**small(), "rows": small()["rows"][:1]}
    assert "type" not in accepted(network_figure([nothing], "macs", False, True))["layout"]["yaxis"]


def test_a_point_says_which_layer_it_is() -> None:
    trace = network_figure([small(2)], "params", False, False)["data"][0]
    assert trace["customdata"][1:3] == [["conv", "Conv2d", "8 × 6 × 6"], ["pool", "MaxPool2d", "8 × 3 × 3"]]
    assert trace["customdata"][4] == ["fc", "Linear", "10"]
    assert trace["hovertemplate"] == "%{customdata[0]} %{customdata[1]} %{customdata[2]}: %{y:,d} params"
    assert trace["meta"] == {"series": 0, "label": "n = 2", "reference": False}


def test_beyond_a_double_the_hover_has_every_digit() -> None:
    rows = [{**row, "macs": 2**60 + 1} for row in small()["rows"]]
    trace = accepted(network_figure([{**small(), "rows": rows}], "macs", True, True))["data"][0]
    assert trace["customdata"][1][3] == "2\u202f305\u202f843\u202f009\u202f213\u202f693\u202f954"
    assert trace["hovertemplate"].endswith(": %{customdata[3]} MACs")
    assert trace["y"][1] == float(2**61)


def test_eight_networks_differ_by_colour_dash_and_marker() -> None:
    traces = network_figure([{**small(4), "label": str(i)} for i in range(8)], "params", False, False)["data"]
    for part in (
        [trace["line"]["dash"] for trace in traces],
        [trace["marker"]["symbol"] for trace in traces],
        [trace["line"]["color"] for trace in traces],
    ):
        assert len(set(part)) == 8
    assert not {style["color"] for style in SERIES_STYLES} & set(GROUP_COLOURS)


def test_a_reference_is_drawn_thinner_and_open() -> None:
    reference, variant = network_figure([small(1), {**small(2)}], "macs", False, False)["data"]
    assert (reference["marker"]["symbol"], reference["line"]["width"]) == ("circle-open", 1.25)
    assert (variant["marker"]["symbol"], variant["line"]["width"]) == ("square", 2)


def test_network_lines_carry_their_names_where_they_fit_and_a_legend_where_not() -> None:
    fitting = network_figure([small(1), {**small(1), "label": "the same"}], "params", True, True)
    assert [trace["text"] for trace in fitting["data"]] == [["", "", "", "", "n = 1"], ["", "", "", "", "the same"]]
    assert [trace["textposition"] for trace in fitting["data"]] == ["top right", "bottom right"]
    assert fitting["layout"]["showlegend"] is False
    for crowded in ([small(1)] * 4, [{**small(1), "label": "a name too long to stand at the end of a line"}]):
        drawn = accepted(network_figure(crowded, "params", True, True))
        assert drawn["layout"]["showlegend"] is True
        assert not any("text" in trace["mode"] or "text" in trace for trace in drawn["data"])


def test_network_axes_have_titles_with_their_convention() -> None:
    titles = {
        metric: [network_figure([small()], metric, sums, True)["layout"]["yaxis"]["title"]["text"] for sums in (0, 1)]
        for metric in NETWORK_UNITS
    }
    assert titles == {
        "params": ["params, bias counted", "params, bias counted, summed up"],
        "macs": ["MACs per image, bias not counted", "MACs per image, bias not counted, summed up"],
        "flops": [
            "FLOPs per image, 2 per MAC, bias not counted",
            "FLOPs per image, 2 per MAC, bias not counted, summed up",
        ],
        "activations": [
            "activations, output elements per image",
            "activations, output elements per image, summed up",
        ],
        "memory_access_bytes": [
            "bytes per image, 4 an element, each moved once",
            "bytes per image, 4 an element, each moved once, summed up",
        ],
        "arithmetic_intensity": [
            "arithmetic intensity, FLOPs per byte",
            "arithmetic intensity, FLOPs per byte, of the sums",
        ],
    }


def test_hundreds_of_layers_are_drawn_in_milliseconds_and_few_bytes() -> None:
    rows = [{**row, "index": i} for i, row in enumerate(small()["rows"] * 69)]
    series = [{"label": str(i), "rows": rows, "reference": False} for i in range(4)]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        drawn = network_figure(series, "macs", True, True)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.015
    assert len(json.dumps(drawn, ensure_ascii=False, separators=(",", ":")).encode()) < 100 * 4 * len(rows)
    assert drawn["layout"]["xaxis"]["dtick"] == 50


def test_steps_between_layers_are_round() -> None:
    assert [round_step(n) for n in (1, 16, 17, 33, 81, 345, 1000)] == [1, 1, 2, 5, 10, 50, 100]


def test_log_ticks_below_one() -> None:
    assert log_ticks(0.02, 30)["ticktext"] == ["0.01", "0.1", "1", "10", "100"]


@pytest.mark.parametrize("halve", [False, True])
@pytest.mark.parametrize("metric", GROWTH_METRICS)
def test_growth_lines_are_the_rows_with_their_factor(metric: str, halve: bool) -> None:
    described = describe_growth(Growth(groups=3))
    drawn = accepted(growth_figure(described, metric, halve))
    for trace in drawn["data"]:
        series = trace["meta"]["series"]
        rows = [row for row in described["rows"] if (row["series"], row["halve"]) == (series, halve)]
        assert trace["x"] == [row["channels"] for row in rows] == [64, 128, 256, 512, 1024]
        assert trace["y"] == [row[metric] for row in rows]
        slope = next(
            s for s in described["slopes"] if (s["series"], s["metric"], s["halve"]) == (series, metric, halve)
        )
        factor = f"×{slope['factor']} per doubling" if slope["factor"] else "not exact here"
        assert trace["name"].endswith(f": {metric.replace('macs', 'MACs')} {factor}")


def test_each_growth_line_has_its_slope_written_on_it() -> None:
    described = describe_growth(Growth())
    written = {
        metric: [trace["text"][-1] for trace in growth_figure(described, metric, True)["data"]]
        for metric in GROWTH_METRICS
    }
    assert written == {
        "weights": [
            "standard: weights ×4 per doubling",
            "uniform n = 4: weights ×4 per doubling",
            "group width 16: weights ×2 per doubling",
            "logarithmic n = 4: weights ×4 per doubling",
        ],
        "macs": [
            "standard: MACs ×1 per doubling",
            "uniform n = 4: MACs ×1 per doubling",
            "group width 16: MACs ×1/2 per doubling",
            "logarithmic n = 4: MACs ×1 per doubling",
        ],
        "activations": ["every split: activations ×1/2 per doubling"],
    }


def test_sizes_stand_on_both_scales_in_their_groups_colours() -> None:
    described = describe_weber(64, 7)
    linear, logarithmic, law = accepted(weber_figure(described))["data"]
    assert linear["y"] == [32, 16, 8, 4, 2, 1, 1]
    assert [height + logarithmic["base"] for height in logarithmic["y"]] == [5, 4, 3, 2, 1, 0, 0]
    assert linear["marker"]["color"] == logarithmic["marker"]["color"] == list(GROUP_COLOURS[:7])
    assert [math.log2(x) for x in law["x"]] == pytest.approx(law["y"])


def test_the_panels_of_the_law_do_not_overlap() -> None:
    layout = weber_figure(describe_weber(99, 4, 3))["layout"]
    domains = [layout[axis]["domain"] for axis in ("xaxis", "xaxis2", "xaxis3")]
    assert all(a[1] < b[0] for a, b in pairwise(domains))
    assert layout["yaxis2"]["ticktext"] == ["1", "3", "9", "27"]
    assert layout["yaxis2"]["range"][1] > math.log(66, 3), "the widest group, 66 channels, is all in sight"
    assert layout["title"]["text"] == "99 channels in 4 logarithmic groups, beside the Weber–Fechner law"


def test_names_reach_plotly_as_text() -> None:
    """Plotly makes tags of what it writes, and decodes what is escaped."""
    layers = (Layer("<b>a</b> & b", ReLU()), Layer("conv2_1/3x3 'é\"", ReLU()))
    rows = analyze(Network(layers, (3, 4, 4)))["rows"]
    line = {"label": '<a href="x">y</a>', "rows": rows, "reference": False}
    plain = {"label": "ResNet-50 (2015), edited", "rows": rows, "reference": False}
    first, second = network_figure([line, plain], "activations", False, True)["data"]
    assert first["name"] == '&lt;a href="x"&gt;y&lt;/a&gt;'
    assert first["meta"]["label"] == line["label"]
    assert second["name"] == plain["label"]
    assert [point[0] for point in first["customdata"]] == ["&lt;b&gt;a&lt;/b&gt; &amp; b", "conv2_1/3x3 'é\""]
    assert [text for text in first.get("text", []) if text] in ([], [first["name"]])
