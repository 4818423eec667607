"""What a person at the page waits for: real Chromium, real key presses, a real photograph."""

import os
import shutil
from collections.abc import Callable
from functools import partial

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.benchmarks.report import Table, percentile
from tests.benchmarks.serving import serving

PRESSES, LOADS = 80, 8
SCREEN: ViewportSize = {"width": 1440, "height": 900}
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
AIMS = {
    "split": "median at most 32 ms, p95 at most 60 ms",
    "numbers": "median at most 32 ms, p95 at most 60 ms",
    "maps": "median at most 80 ms, aim 40 ms",
    "depth": "p95 at most 120 ms",
}

# From the key's own time stamp to the frame after `data-painted` says the new state is on the panel.
WATCH = """
() => {
  window.painted = [];
  document.querySelector('#groups').addEventListener('keydown', (event) => {
    const sample = { key: event.timeStamp };
    window.painted.push(sample);
    for (const id of ['split', 'numbers', 'maps', 'depth']) {
      const panel = document.getElementById(id);
      const before = panel.dataset.painted;
      const observer = new MutationObserver(() => {
        if (panel.dataset.painted === before) return;
        observer.disconnect();
        sample[id] = performance.now() - sample.key;
        requestAnimationFrame(() => setTimeout(() => (sample[`${id}_shown`] = performance.now() - sample.key)));
      });
      observer.observe(panel, { attributes: true, attributeFilter: ['data-painted'] });
    }
  }, { capture: true });
}
"""
SETTLED = """
() => [...document.querySelectorAll('#split, #numbers, #maps, #depth')]
  .every((panel) => `?${panel.dataset.painted}` === location.search)
"""
SHOWS_SEED = """
(seed) => [...document.querySelectorAll('#split, #numbers, #maps, #depth')]
  .every((panel) => new URLSearchParams(panel.dataset.painted).get('seed') === seed)
"""
ALL_SHOWN = """
(presses) => window.painted.length === presses
  && ['split', 'numbers', 'maps', 'depth'].every((id) => `${id}_shown` in window.painted.at(-1))
"""
NOTE_FIRST_MAPS = """
new MutationObserver((_, observer) => {
  if (!document.querySelector('#maps[data-painted]')) return;
  observer.disconnect();
  window.mapsPainted = performance.now();
}).observe(document, { attributes: true, subtree: true, childList: true });
"""


def measure(table: Table) -> None:
    chromium = os.environ.get("GROUPSCOPE_CHROMIUM") or shutil.which("chromium")
    with serving() as server, sync_playwright() as playwright:
        launch = partial(playwright.chromium.launch, executable_path=chromium, args=FLAGS)
        first_loads(table, launch, server.url)
        browser = launch()
        for scheme in ("logarithmic", "uniform"):
            page = browser.new_page(viewport=SCREEN)
            page.goto(f"{server.url}/?scheme={scheme}&groups=4")
            page.wait_for_function(SETTLED)
            key_presses(table, page, scheme)
            page.close()
        browser.close()


def first_loads(table: Table, launch: Callable[[], Browser], url: str) -> None:
    """Each in a browser just started, nothing cached; the very first one also starts Chromium from a cold disk."""
    seconds, kilobytes = [], 0.0
    for _ in range(LOADS):
        browser = launch()
        page = browser.new_page(viewport=SCREEN)
        received: list[float] = []
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda event, sizes=received: sizes.append(event["encodedDataLength"]))
        page.add_init_script(NOTE_FIRST_MAPS)
        page.goto(url, wait_until="networkidle")
        page.wait_for_function("() => window.mapsPainted")
        seconds.append(page.evaluate("() => window.mapsPainted") / 1000)
        kilobytes = max(kilobytes, sum(received) / 1000)
        browser.close()
    table.row("first load, compressed", f"{kilobytes:.0f} kB", "at most 700 kB")
    table.times("first load to maps painted", seconds, "at most 1500 ms")


def key_presses(table: Table, page: Page, scheme: str) -> None:
    """Arrow keys on the groups slider, each under a seed that the page has not seen, so that nothing is at hand. From
    one logarithmic n to the next only the last group changes; from one uniform n to the next all 64 maps do."""
    page.evaluate(WATCH)
    for press in range(PRESSES):
        page.fill("#seed", str(1000 + press))
        page.press("#seed", "Enter")
        page.wait_for_function(SHOWS_SEED, arg=str(1000 + press))
        page.focus("#groups")
        page.keyboard.press("ArrowLeft" if press % 2 else "ArrowRight")
        page.wait_for_function(ALL_SHOWN, arg=press + 1)
    samples: list[dict[str, float]] = page.evaluate("() => window.painted")[10:]
    for panel, aim in AIMS.items():
        table.times(f"{scheme}: key press to {panel} painted", [s[panel] / 1000 for s in samples], aim)
        shown = [s[f"{panel}_shown"] for s in samples]
        table.row("  and the frame after it", f"median {percentile(shown, 50):.1f} ms  p95 {percentile(shown, 95):.1f}")
