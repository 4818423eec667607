"""The page of networks in Chromium: from an edit of a row, or a step of a slider, to the new table and chart.

Beside it, in turn, the time one empty frame takes in the same browser.
"""

import os
import shutil

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.report import Table
from tests.benchmarks.serving import serving
from tests.browser.conftest import FLAGS
from tests.browser.networks import PAINTED, PANELS

EDITS, WARM_UP = 30, 5
POLLING_MS = 100  # asking more often would take the time that is measured
NETWORKS = ("alexnet-2012", "resnet-50", "resnext-101-32x8d")
AIM = "p95 at most 100 ms"

# From the event's own time stamp to the first frame after the panel's data-painted is the new state's.
WATCH = """
() => {
  window.painted = [];
  const begin = (event) => {
    const sample = {};
    window.painted.push(sample);
    for (const id of ['layers', 'curves']) {
      const panel = document.getElementById(id);
      const before = panel.dataset.painted;
      const observer = new MutationObserver(() => {
        if (panel.dataset.painted === before) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => (sample[id] = performance.now() - event.timeStamp)));
      });
      observer.observe(panel, { attributes: true, attributeFilter: ['data-painted'] });
    }
  };
  document.querySelector('#layers').addEventListener('change', begin, { capture: true });
  document.querySelector('#groups').addEventListener('keydown', begin, { capture: true });
}
"""
ALL_SHOWN = """
(count) => window.painted.length === count && ['layers', 'curves'].every((id) => id in window.painted.at(-1))
"""
FRAME = """
() => new Promise((done) => {
  const begin = performance.now();
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
})
"""


def measure(table: Table) -> None:
    chromium = os.environ.get("GROUPSCOPE_CHROMIUM") or shutil.which("chromium")
    with serving() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for network in NETWORKS:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{server.url}/networks?network={network}&policy=uniform&groups=2")
            page.wait_for_function(PAINTED, arg=[list(PANELS), {}])
            edits(table, page, network)
            slides(table, page, network)
            page.close()
        browser.close()


def edits(table: Table, page: Page, network: str) -> None:
    """Output channels of a convolution whose only reader is the next one: each time a number not seen before."""
    layer = "conv4" if network.startswith("alexnet") else "layer1.0.conv1"
    page.evaluate(WATCH)
    page.locator(f'#layers tr[data-layer="{layer}"] .edit').click()
    page.wait_for_selector("#edit-out_channels")
    channels = int(page.input_value("#edit-out_channels"))
    frames = []
    for edit in range(1, EDITS + 1):
        page.fill("#edit-out_channels", str(channels + 2 * edit))
        page.press("#edit-out_channels", "Enter")
        page.wait_for_function(ALL_SHOWN, arg=edit, polling=POLLING_MS)
        page.wait_for_function(PAINTED, arg=[list(PANELS), {}], polling=POLLING_MS)  # who edits reads first
        frames.append(page.evaluate(FRAME) / 1000)
    report(table, page, f"{network}: edit of a row", frames)


def slides(table: Table, page: Page, network: str) -> None:
    page.evaluate("() => { window.painted = []; }")
    page.focus("#groups")
    frames = []
    for step in range(EDITS):
        page.keyboard.press("ArrowLeft" if step % 2 else "ArrowRight")
        page.wait_for_function(ALL_SHOWN, arg=step + 1, polling=POLLING_MS)
        frames.append(page.evaluate(FRAME) / 1000)
    report(table, page, f"{network}: step of the groups slider", frames)


def report(table: Table, page: Page, what: str, frames: list[float]) -> None:
    samples: list[dict[str, float]] = page.evaluate("() => window.painted")[WARM_UP:]
    for panel in ("layers", "curves"):
        table.times(f"{what} to {panel} shown", [sample[panel] / 1000 for sample in samples], AIM)
    table.times("  an empty frame, in turn", frames[WARM_UP:])
