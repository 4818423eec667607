"""Cost against depth: the chart's points are the API's rows, and leave as CSV, PNG and SVG."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.browser.conftest import Open
from tests.browser.panels import Groupscope


def curves(view: Groupscope) -> dict[str, list[Any]]:
    """What Plotly has drawn, by scheme; None is a gap."""
    traces: list[dict[str, Any]] = view.page.evaluate(
        """() => document.querySelector('#depth .js-plotly-plot').data
            .map(({ meta, y }) => ({ scheme: meta?.scheme, y: [...y] }))"""
    )
    return {trace["scheme"]: trace["y"] for trace in traces if trace["scheme"]}


def rows(view: Groupscope) -> list[dict[str, Any]]:
    state = view.state
    query = view.query("in_channels", "kernel_size", "bias", "groups", "base", "depth", "stage", "halve")
    return list(view.get_json(f"/api/depth?{query}&height={state['size']}&width={state['size']}")["rows"])


@pytest.mark.parametrize("metric", ["params", "macs", "flops"])
def test_the_chart_is_the_rows(open_page: Open, metric: str) -> None:
    view = open_page(size=64, metric=metric, depth=9, stage=3)
    for scheme, drawn in curves(view).items():
        assert drawn == [row[metric] for row in rows(view) if row["scheme"] == scheme]
    view.page.locator("#cumulative").check()
    view.wait(cumulative=True)
    for scheme, drawn in curves(view).items():
        assert drawn == [row[f"cumulative_{metric}"] for row in rows(view) if row["scheme"] == scheme]


def test_controls_of_the_chart(open_page: Open) -> None:
    view = open_page(size=64)
    flat = curves(view)["standard"]
    assert flat[0] == flat[4] == flat[8]
    view.page.locator("#halve").uncheck()
    view.wait(halve=False)
    grown = curves(view)["standard"]
    assert grown[4] == 4 * grown[0]
    view.set_range("depth_layers", 5)
    view.wait(depth=5)
    assert len(curves(view)["standard"]) == 5
    view.page.locator("#log").uncheck()
    view.wait(log=False)
    axis = view.page.evaluate("() => document.querySelector('#depth .js-plotly-plot').layout.yaxis.type")
    assert axis != "log"


def test_an_impossible_n_is_explained(open_page: Open) -> None:
    view = open_page(size=32, scheme="depthwise", in_channels=24, out_channels=24)
    assert set(curves(view)["logarithmic"]) == {None}  # no point in any layer
    assert "every group needs a channel on both sides" in view.page.locator("#depth").inner_text()


def test_a_stack_that_cannot_be_counted_is_refused_until_it_can(open_page: Open) -> None:
    view = open_page(size=32, depth=64, stage=8)
    drawn = curves(view)
    view.set_range("stage", 1)
    assert "2^53" in view.wait_for_message("depth", "2^53")
    assert curves(view) == drawn
    view.set_range("stage", 8)
    view.wait(stage=8)
    assert view.message("depth") == ""
    assert curves(view) == drawn


def test_downloads(open_page: Open, tmp_path: Path) -> None:
    view = open_page(size=64, depth=6)
    files = {}
    for kind in ("CSV", "PNG", "SVG"):
        with view.page.expect_download() as download:
            view.page.locator("#depth button", has_text=kind).click()
        files[kind] = tmp_path / kind
        download.value.save_as(files[kind])
    table = list(csv.DictReader(io.StringIO(files["CSV"].read_text())))
    expected = rows(view)
    assert [int(row["macs"]) for row in table] == [row["macs"] for row in expected]
    assert [row["scheme"] for row in table] == [row["scheme"] for row in expected]
    with Image.open(files["PNG"]) as picture:
        assert picture.size[0] > 300
    assert "<svg" in files["SVG"].read_text()[:200]
