"""Plotly figures: accepted by plotly, equal to the numbers, readable."""

import json
import re
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import pytest
from starlette.testclient import TestClient

from app.figures.common import GROUP_COLOURS, log_ticks, short
from app.params import METRICS
from app.schemas import PlotlyFigure
from app.settings import PROJECT


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
