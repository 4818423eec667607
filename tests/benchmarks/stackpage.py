"""The stack page in Chromium: from a key press to the chosen module's maps, from a change of looks to its pixels, from
a click to the value taken apart. Beside it, in turn, the same stack in bare torch and an empty frame."""

import os
import shutil
import statistics
from collections.abc import Callable

import torch
from playwright.sync_api import Page, sync_playwright
from torch import Tensor

from tests.benchmarks.maps import _seconds
from tests.benchmarks.networkpage import FRAME
from tests.benchmarks.report import Table, percentile
from tests.benchmarks.serving import serving
from tests.benchmarks.stack import bare_forward
from tests.browser.conftest import FLAGS
from tests.browser.stack import PAINTED, PANELS

PRESSES, LOOKS, CLICKS, WARM_UP = 40, 24, 24, 6
POLLING_MS = 100  # asking more often would take the time that is measured
MODULES, CHANNELS, SIZE = 8, 64, 112

# From the event's own time stamp to the first frame after the maps' data-painted is the new state's.
WATCH = """
() => {
  window.painted = [];
  window.watchOnce = (element, type) => element.addEventListener(type, (event) => {
    const sample = {};
    window.painted.push(sample);
    const panel = document.getElementById('maps');
    const before = panel.dataset.painted;
    const observer = new MutationObserver(() => {
      if (panel.dataset.painted === before) return;
      observer.disconnect();
      sample.painted = performance.now() - event.timeStamp;
      requestAnimationFrame(() => setTimeout(() => (sample.shown = performance.now() - event.timeStamp)));
    });
    observer.observe(panel, { attributes: true, attributeFilter: ['data-painted'] });
  }, { capture: true });
  for (const id of ['groups', 'depth_module']) window.watchOnce(document.getElementById(id), 'keydown');
  for (const id of ['scaling', 'colours', 'order']) window.watchOnce(document.getElementById(id), 'change');
  window.ahead = 0;
  document.addEventListener('maps-ahead', () => (window.ahead += 1));
}
"""
SHOWN = "(count) => window.painted.length === count && 'shown' in window.painted.at(-1)"

# From the click on a map to the frame after its value stands taken apart in the dialog.
CLICK = """
(channel) => new Promise((done) => {
  const dialog = document.getElementById('inspector');
  const canvas = document.querySelector('#maps-a canvas[data-group="0"]');
  const { columns, tileWidth, gap } = canvas.dataset;
  const zoom = canvas.clientWidth / canvas.width;
  const box = canvas.getBoundingClientRect();
  const step = (Number(tileWidth) + Number(gap)) * zoom;
  const [column, row] = [channel % columns, Math.floor(channel / columns)];
  const at = { clientX: box.left + column * step + 5, clientY: box.top + row * step + 5 };
  const begin = performance.now();
  let opened = 0;
  const ready = () => {
    if (dialog.open && !opened) requestAnimationFrame(() => setTimeout(() => (opened ||= performance.now() - begin)));
    if (!opened || dialog.dataset.painted === undefined) return requestAnimationFrame(ready);
    requestAnimationFrame(() => setTimeout(() => done([opened, performance.now() - begin])));
  };
  canvas.dispatchEvent(new MouseEvent('click', { ...at, bubbles: true }));
  ready();
})
"""


@torch.inference_mode()
def measure(table: Table) -> None:
    torch.set_num_threads(2)
    chromium = os.environ.get("GROUPSCOPE_CHROMIUM") or shutil.which("chromium")
    with serving() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{server.url}/stack?module={MODULES}&modules={MODULES}&in_channels={CHANNELS}&size={SIZE}&groups=4")
        page.wait_for_function(PAINTED, arg=[list(PANELS), {}])
        page.evaluate(WATCH)
        presses(table, page, bare_forward())
        looks(table, page)
        clicks(table, page)
        browser.close()


def presses(table: Table, page: Page, forward: Callable[[], Tensor]) -> None:
    """Arrow keys on the groups slider, each under a seed that neither page nor server has seen."""
    bare, frames = [], []
    for press in range(PRESSES):
        page.fill("#seed", str(1000 + press))
        page.press("#seed", "Enter")
        page.wait_for_function(PAINTED, arg=[list(PANELS), {"seed": str(1000 + press)}], polling=POLLING_MS)
        page.focus("#groups")
        page.keyboard.press("ArrowLeft" if press % 2 else "ArrowRight")
        page.wait_for_function(SHOWN, arg=press + 1, polling=POLLING_MS)
        page.wait_for_function(PAINTED, arg=[list(PANELS), {}], polling=POLLING_MS)
        bare.append(_seconds(forward))
        frames.append(page.evaluate(FRAME) / 1000)
    samples = taken(page)
    table.times("key press to maps of module 8 painted", [s["painted"] / 1000 for s in samples])
    table.times("  and the frame after it", [s["shown"] / 1000 for s in samples])
    table.times("  bare forward of the stack, in turn", bare[WARM_UP:])
    table.times("  an empty frame, in turn", frames[WARM_UP:])
    ours, aim = (statistics.median(values) for values in ([s["shown"] / 1000 for s in samples], bare[WARM_UP:]))
    allowed = 2 * aim + statistics.median(frames[WARM_UP:])
    table.row("  allowed: 2 x bare + one frame", f"{1000 * ours:.1f} of {1000 * allowed:.1f} ms", "at most")


def looks(table: Table, page: Page) -> None:
    """Nothing is computed anew: another depth that is at hand, another scale, other colours, another order."""
    page.wait_for_function("() => document.querySelectorAll('.film-frame.waiting').length === 0", polling=POLLING_MS)
    choices = {"scaling": ("shared", "map"), "colours": ("viridis", "grey"), "order": ("energy", "channel")}
    for what in ("depth_module", *choices):
        page.evaluate("() => { window.painted = []; }")
        for step in range(LOOKS):
            if what == "depth_module":
                page.focus("#depth_module")
                page.keyboard.press("ArrowRight" if step % 2 else "ArrowLeft")
            else:
                page.select_option(f"#{what}", choices[what][step % 2])
            page.wait_for_function(SHOWN, arg=step + 1, polling=POLLING_MS)
            page.wait_for_function(PAINTED, arg=[list(PANELS), {}], polling=POLLING_MS)
        samples = taken(page)
        table.times(f"{what} to maps repainted", [s["painted"] / 1000 for s in samples], "median at most 32 ms")
        shown = [s["shown"] for s in samples]
        table.row("  and the frame after it", f"median {percentile(shown, 50):.1f} ms  p95 {percentile(shown, 95):.1f}")


def clicks(table: Table, page: Page) -> None:
    samples = []
    for click in range(CLICKS):
        samples.append(page.evaluate(CLICK, click % 30))
        page.keyboard.press("Escape")
        page.wait_for_function("() => !document.getElementById('inspector').open")
        page.wait_for_function(PAINTED, arg=[list(PANELS), {}], polling=POLLING_MS)
    table.times("click to inspector open", [s[0] / 1000 for s in samples[WARM_UP:]], "median at most 100 ms")
    table.times("  and its value taken apart", [s[1] / 1000 for s in samples[WARM_UP:]])


def taken(page: Page) -> list[dict[str, float]]:
    samples: list[dict[str, float]] = page.evaluate("() => window.painted")
    return samples[WARM_UP:]
