"""Curves of a stack: accepted by plotly, equal to the numbers, readable."""

import json
from typing import Any

import httpx2
import plotly.graph_objects as go
import pytest

from app.figures import stack_scale_figure
from app.figures.common import MOST_TICKS, log_ticks, short
from app.schemas import PlotlyFigure
from app.settings import PROJECT

SAMPLE = json.loads((PROJECT / "static/samples/samples.json").read_text("utf-8"))[0]["id"]
STACK = {"size": 24, "in_channels": 12, "groups": 3, "modules": 5}
SCALE = {"image": SAMPLE, **STACK, "gain": "cut", "normalisation": "sum"}


def figure(http: httpx2.Client, name: str, query: dict[str, Any]) -> dict[str, Any]:
    answer = http.get(f"/api/figures/{name}", params=query)
    PlotlyFigure.model_validate_json(answer.content)
    drawn: dict[str, Any] = answer.json()
    assert json.loads(go.Figure(drawn).to_json())["data"] == drawn["data"]
    return drawn


def shares(http: httpx2.Client, query: dict[str, Any]) -> list[float]:
    """From the stem on, module by module."""
    modules = http.get("/api/stack", params=query).json()["modules"]
    return [1 / query["in_channels"], *(row["share"] for row in modules)]


@pytest.mark.parametrize("mixing", ["none", "shuffle", "pointwise", "rotated"])
def test_a_line_a_side_is_the_share_after_each_module(http: httpx2.Client, mixing: str) -> None:
    one = {**STACK, "mixing": mixing}
    two = {**one, "b_scheme": "uniform", "b_groups": 4}
    as_a = {**one, "scheme": "uniform", "groups": 4}
    (alone,) = figure(http, "stack-reach", one)["data"]
    first, second = figure(http, "stack-reach", two)["data"]
    assert alone == first
    assert (first["name"], second["name"]) == ("A", "B")
    assert first["x"] == second["x"] == [0, 1, 2, 3, 4, 5]
    assert first["y"] == pytest.approx(shares(http, one), abs=0)
    assert second["y"] == pytest.approx(shares(http, as_a), abs=0)
    assert first["line"]["dash"] != second["line"]["dash"]
    assert first["marker"]["symbol"] != second["marker"]["symbol"]


def test_the_axes_of_the_share_say_what_they_are(http: httpx2.Client) -> None:
    layout = figure(http, "stack-reach", {**STACK, "modules": 16})["layout"]
    assert layout["title"]["text"] == "Share of channel pairs that are connected"
    assert layout["xaxis"]["title"]["text"] == "module (0: the stem)"
    assert layout["yaxis"]["tickformat"] == ".0%"
    low, high = layout["yaxis"]["range"]
    assert low == 0
    assert high > 1, "a line along 100% is in sight"


def test_six_arms_are_those_of_the_numbers(http: httpx2.Client) -> None:
    drawn = figure(http, "stack-scale", SCALE)
    arms = http.get("/api/stack/scale", params=SCALE).json()["arms"]
    assert [line["y"] for line in drawn["data"]] == [arm["rms"] for arm in arms]
    assert [line["name"] for line in drawn["data"]] == [
        "cut, no normalisation",
        "cut, convolution normalised",
        "cut, sum normalised",
        "fan-in, no normalisation",
        "fan-in, convolution normalised",
        "fan-in, sum normalised",
    ]
    assert all(line["x"] == [0, 1, 2, 3, 4, 5] for line in drawn["data"])
    assert len({line["line"]["dash"] for line in drawn["data"]}) == 6
    assert len({line["marker"]["symbol"] for line in drawn["data"]}) == 6


def test_the_arm_that_was_asked_for_is_wider(http: httpx2.Client) -> None:
    lines = figure(http, "stack-scale", SCALE)["data"]
    assert [line["meta"]["chosen"] for line in lines] == [False, False, True, False, False, False]
    widths = [line["line"]["width"] for line in lines]
    assert widths[2] > max(widths[:2] + widths[3:])


def test_powers_of_ten_are_marked_where_the_values_lie(http: httpx2.Client) -> None:
    drawn = figure(http, "stack-scale", SCALE)
    axis = drawn["layout"]["yaxis"]
    assert axis["type"] == "log"
    values = [value for line in drawn["data"] for value in line["y"]]
    assert axis["tickvals"][0] <= min(values) <= max(values) <= axis["tickvals"][-1]
    assert [short(value) for value in axis["tickvals"]] == axis["ticktext"]
    assert sum(min(values) <= 1.25 * tick <= 1.6 * max(values) for tick in axis["tickvals"]) >= 2


def test_what_has_no_place_on_the_axis_is_a_gap() -> None:
    """Zero has no logarithm, and a stack that grew past float32 no number."""
    rms = [1.0, 0.0, None, 1e-30, 1e25]
    arm = {"gain": "cut", "normalisation": "none", "rms": rms, "chosen": True}
    drawn = stack_scale_figure([arm])
    assert drawn["data"][0]["y"] == [1.0, None, None, 1e-30, 1e25]
    assert json.loads(go.Figure(drawn).to_json())["data"] == drawn["data"]
    assert len(drawn["layout"]["yaxis"]["tickvals"]) <= MOST_TICKS
    dead = stack_scale_figure([{**arm, "rms": [0.0, 0.0]}])
    assert dead["data"][0]["y"] == [None, None]
    assert "tickvals" not in dead["layout"]["yaxis"]


def test_ticks_of_many_decades_are_few_and_written_short() -> None:
    ticks = log_ticks(1e-9, 1e23)
    assert ticks["tickvals"] == [10.0**power for power in range(-9, 22, 3)]
    assert ticks["ticktext"][:4] == ["1e-09", "1e-06", "0.001", "1"]
    assert ticks["ticktext"][-3:] == ["1\u2009P", "1e+18", "1e+21"]
