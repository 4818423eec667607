"""What a client calls its network and its layers, written by Plotly: text, whatever it looks like."""

import json
from collections.abc import Callable

from playwright.sync_api import Page

from app.figures import network_figure
from compute.network import analyze, read

NAMES = (
    '<a href="https://example.org/">y</a>',
    '<span style="position:fixed">y</span>',
    "a < b & c > d",
    "ResNet-50 (2015)",
)

DRAW = """
async (figure) => {
  const host = document.createElement("div");
  document.body.append(host);
  await Plotly.newPlot(host, figure.data, {...figure.layout, showlegend: true, width: 900, height: 600});
  const texts = [...host.querySelectorAll(".legendtext")].map((text) => text.textContent);
  return {texts, tags: host.querySelectorAll(".main-svg a, .main-svg [style*=fixed]").length};
}
"""


def test_names_are_written_as_they_are(new_page: Callable[..., Page]) -> None:
    rows = analyze(read({"layers": [{"kind": "Conv2d", "out_channels": 4, "kernel_size": 3}]}))["rows"]
    series = [{"label": name, "rows": rows, "reference": False} for name in NAMES]
    page = new_page("/networks")
    page.wait_for_function("() => window.Plotly")
    drawn = page.evaluate(DRAW, json.loads(json.dumps(network_figure(series, "macs", False, True))))
    assert drawn == {"texts": list(NAMES), "tags": 0}
