"""Measuring by hand: start, watch, cancel, find again; every number on screen is the server's."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenMeasure, OpenNetworks
from tests.browser.measure import Measure
from tests.browser.test_looks import SCREENS, assert_fine

SMALL: dict[str, Any] = {"in_channels": 16, "out_channels": 16, "height": 12, "width": 12, "groups": 3, "rounds": 5}


def test_a_layer_is_measured_and_every_number_is_the_servers(open_measure: OpenMeasure) -> None:
    view = open_measure(**SMALL)
    assert view.number("promised", "#headline") == pytest.approx(16 * 16 / (8 * 8 + 4 * 4 + 4 * 4))
    assert "not measured yet" in view.page.locator("#headline").inner_text()
    view.start("layer")
    result = view.measured("layer")
    rows = result["rows"]
    assert view.cells("#latency", "median") == [row["median"] for row in rows]
    assert view.cells("#latency", "measured") == [row["measured"] for row in rows]
    assert view.cells("#latency", "promised") == [row["promised"] for row in rows]
    mine = {row["how"]: row for row in rows if row["arm"] == "logarithmic"}
    assert view.number("plain", "#headline") == mine["plain"]["measured"]
    assert view.number("best", "#headline") == mine["best"]["measured"]
    assert view.number("time", "#headline") == mine["best"]["median"]
    assert view.page.locator("#latency .gist").inner_text() == result["ranking"]["sentence"]
    assert result["conditions"]["sentence"] in view.page.locator("#latency .conditions").inner_text()
    assert "16 % 3" in view.page.locator("#latency .skipped").inner_text()
    strips = [trace for trace in view.traces("latency-chart") if "arm" in (trace["meta"] or {})]
    assert [strip["x"][1] for strip in strips] == pytest.approx([1000 * row["median"] for row in rows])
    points = [trace for trace in view.traces("roofline-chart") if "arm" in (trace["meta"] or {})]
    assert [(p["x"][0], p["y"][0]) for p in points] == [(row["intensity"], row["gflops"]) for row in rows]
    sentences = view.page.locator("#roofline .bounds li").all_inner_texts()
    assert all(row["bound"]["sentence"] in said for row, said in zip(rows, sentences, strict=True))
    view.page.reload()
    view.wait()
    assert view.measured("layer")["conditions"]["date"] == result["conditions"]["date"], "it is kept"
    view.set_range("batch", 2)
    view.wait(batch=2)
    assert view.result("layer") == "", "another layer's times are no use"
    assert view.page.locator("#latency .measured").is_hidden()
    view.set_range("batch", 1)
    assert view.measured("layer")["rows"] == rows


@pytest.mark.parametrize("kind", ["waterfall", "sweep", "parallel"])
def test_what_else_is_measured(open_measure: OpenMeasure, kind: str) -> None:
    view = open_measure(**SMALL)
    view.start(kind)
    result = view.measured(kind)
    said = view.page.locator(f"#{kind} .gist").inner_text()
    assert said == result["sentence"]
    view.page.evaluate("() => document.querySelectorAll('details').forEach((d) => (d.open = true))")
    if kind == "waterfall":
        steps = [step for step in result["steps"] if step["available"]]
        assert view.cells("#waterfall", "factor") == [step["factor"] for step in steps]
        assert view.traces("waterfall-chart")[0]["y"] == [step["factor"] for step in steps]
    elif kind == "sweep":
        assert view.cells("#sweep", "median") == [row["median"] for row in result["rows"]]
        assert view.cells("#sweep", "counted") == [row["counted"] for row in result["rows"]]
        assert {row["groups"] for row in result["rows"] if row["scheme"] == "uniform"} == {1, 2, 4, 8, 16}
    else:
        assert [row["how"] for row in result["rows"] if row["available"]] == ["one after another", "threads"]
        assert "devices" in view.page.locator("#parallel table").inner_text()
    chart = view.page.locator(f"#{kind}-chart")
    chart.focus()
    chart.press("Home")
    first = view.page.locator(f"#{kind} .chart-readout").inner_text()
    chart.press("ArrowRight")
    assert view.page.locator(f"#{kind} .chart-readout").inner_text() not in ("", first)


def test_a_measurement_can_be_cancelled_and_leaves_nothing(open_measure: OpenMeasure) -> None:
    view = open_measure(in_channels=96, out_channels=96, rounds=101)
    view.start("sweep")
    expect(view.page.locator("#sweep .stage")).to_contain_text(" of ", timeout=60_000)
    expect(view.page.locator("#queue")).to_contain_text("runs now")
    view.page.locator("#sweep-cancel").click()
    assert "Cancelled" in view.wait_for_message("sweep", "Cancelled")
    expect(view.page.locator("#queue li")).to_have_count(0)
    expect(view.page.locator("#sweep-run")).to_be_enabled()
    assert view.result("sweep") == ""


def test_two_people_measure_one_after_the_other(open_measure: OpenMeasure) -> None:
    first = open_measure(in_channels=64, out_channels=64, rounds=101)
    second = open_measure(**{**SMALL, "batch": 3})
    first.start("sweep")
    expect(first.page.locator("#sweep .stage")).to_contain_text(" of ", timeout=60_000)
    second.start("layer")
    expect(second.page.locator("#latency .stage")).to_contain_text("waiting")
    expect(second.page.locator("#queue li")).to_have_count(2)
    second.page.reload()
    expect(second.page.locator("#latency .stage")).to_contain_text("waiting")  # found again in the queue
    first.page.locator("#sweep-cancel").click()
    assert second.measured("layer")["conditions"]["batch"] == 3


def test_what_takes_too_long_says_so_beforehand(open_measure: OpenMeasure) -> None:
    view = open_measure(
        in_channels=256, out_channels=256, height=112, width=112, kernel_size="5,5", padding="2,2", batch=4, rounds=101
    )
    expect(view.page.locator("#layer-estimate")).to_contain_text("the limit is")
    expect(view.page.locator("#layer-run")).to_be_disabled()
    view.set_range("rounds", 5)
    view.set_range("batch", 1)
    view.set_range("height", 14)
    view.set_range("width", 14)
    expect(view.page.locator("#layer-run")).to_be_enabled()


def test_what_no_convolution_can_be_is_said_beside_its_field(open_measure: OpenMeasure) -> None:
    view = open_measure(**SMALL)
    view.type_number("kernel_size", "15")
    assert "must fit in the padded input" in view.wait_for_message("kernel_size", "must fit")
    expect(view.page.locator("#layer-run")).to_be_disabled()
    view.type_number("kernel_size", "3")
    expect(view.page.locator("#layer-run")).to_be_enabled()
    assert view.message("kernel_size") == ""
    view.type_number("batch", "none")
    assert "whole number" in view.message("batch")
    view.page.locator("#scheme").select_option("depthwise")
    view.type_number("out_channels", "24")
    assert "multiple of in_channels" in view.wait_for_message("out_channels", "multiple")


def test_what_is_kept_is_listed_opened_and_deleted(open_measure: OpenMeasure) -> None:
    view = open_measure(**{**SMALL, "in_channels": 20})
    view.start("parallel")
    view.measured("parallel")
    row = view.page.locator(f'#results tr[data-id="{view.result("parallel")}"]')
    expect(row).to_contain_text("20 → 16 channels")
    with view.page.expect_download() as csv:
        row.get_by_text("CSV").click()
    assert csv.value.path().read_text().count("\n") >= 5
    row.locator("a").first.click()
    view.wait(in_channels=20)
    assert view.measured("parallel")
    view.page.locator(f'#results tr[data-id="{view.result("parallel")}"] button').click()
    expect(view.page.locator("#parallel .blank")).to_be_visible()
    assert view.result("parallel") == ""


def test_the_layer_page_leads_here_with_its_layer(open_page: Any, server: str) -> None:
    view = open_page(in_channels=48, out_channels=96, groups=3, scheme="uniform", size=64, kernel_size="5,3")
    view.page.locator("#measure-layer").click()
    measure = Measure(view.page, server).wait(in_channels=48, out_channels=96, groups=3, height=64, width=64)
    assert measure.state["kernel_size"] == "5,3"
    assert "48 → 96 channels, 5 × 3" in re.sub(r"\s", " ", measure.page.locator("#headline h2").inner_text())


def test_a_network_is_measured_layer_by_layer(open_networks: OpenNetworks, server: str) -> None:
    document = {
        "name": "small", "input_shape": [3, 16, 16],
        "layers": [
            {"kind": "Conv2d", "name": "stem", "out_channels": 16, "kernel_size": 3, "padding": 1},
            {"kind": "Conv2d", "name": "wide", "out_channels": 16, "kernel_size": 3, "padding": 1},
            {"kind": "Conv2d", "name": "again", "out_channels": 16, "kernel_size": 3, "padding": 1},
        ],
    }  # fmt: skip
    view = open_networks(policy={"kind": "uniform", "groups": 4})
    view.page.click("#own-open")
    view.page.fill("#own-text", json.dumps(document))
    view.page.click("#own-use")
    view.wait(network="own")
    view.page.locator("#network-run").click()
    view.page.wait_for_function("() => document.getElementById('measured').dataset.result", timeout=60_000)
    kept = view.page.locator("#measured").get_attribute("data-result")
    result = Measure(view.page, server).get_json(f"/api/measurements/{kept}")
    assert view.page.locator("#measured .gist").inner_text() == result["sentence"]
    cells = view.page.locator('#measured [data-name="measured"]').all()
    assert [float(cell.get_attribute("data-value") or "nan") for cell in cells] == [
        row["measured"] for row in result["rows"]
    ]
    assert sum(row["count"] for row in result["rows"]) == 3


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_on_the_page_that_measures(open_measure: OpenMeasure, color_scheme: str, screen: str) -> None:
    """With everything measured, every table open, and a sentence about what cannot be."""
    width = SCREENS[screen][0]
    view = open_measure(screen=SCREENS[screen], color_scheme=color_scheme, **SMALL)
    for kind in ("layer", "waterfall", "sweep", "parallel"):
        if not view.result(kind):
            view.start(kind)
    for kind in ("layer", "waterfall", "sweep", "parallel"):
        view.measured(kind)
    if screen == "phone":
        view.page.locator("#sheet").click()
    view.page.evaluate("() => document.querySelectorAll('details').forEach((d) => (d.open = true))")
    view.type_number("batch", "none")
    assert_fine(view.page, width)
