"""The page that measures as the stories see it: what runs, what came out, its tables and charts."""

from dataclasses import dataclass
from typing import Any

from tests.browser.panels import Groupscope

PANELS = {"layer": "latency", "waterfall": "waterfall", "sweep": "sweep", "parallel": "parallel"}

PAINTED = """
([panels, wanted]) => panels.every((id) => {
  const { painted } = document.getElementById(id).dataset;
  const state = new URLSearchParams(painted);
  return painted && `?${painted}` === location.search && Object.entries(wanted).every(([k, v]) => state.get(k) === v);
})
"""
# Its result is there, and its chart is drawn from it.
MEASURED = """
([id, before]) => {
  const panel = document.getElementById(id);
  const { painted, result } = panel.dataset;
  return result && result !== before && `?${painted}` === location.search && panel.querySelector('.main-svg') !== null;
}
"""


@dataclass
class Measure(Groupscope):
    def wait(self, **state: object) -> "Measure":
        wanted = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in state.items()}
        self.page.wait_for_function(PAINTED, arg=[["headline", *PANELS.values()], wanted], timeout=60_000)
        return self

    def start(self, kind: str) -> None:
        self.page.locator(f"#{kind}-run:enabled").click()

    def measured(self, kind: str, before: str = "") -> dict[str, Any]:
        """The result on screen, as the server has it."""
        panel = PANELS[kind]
        self.page.wait_for_function(MEASURED, arg=[panel, before], timeout=90_000)
        result: dict[str, Any] = self.get_json(f"/api/measurements/{self.result(kind)}")
        return result

    def result(self, kind: str) -> str:
        return self.page.locator(f"#{PANELS[kind]}").get_attribute("data-result") or ""

    def cells(self, within: str, name: str) -> list[float]:
        """The plain digits behind a column."""
        cells = self.page.locator(f'{within} [data-name="{name}"]')
        return [float(cell.get_attribute("data-value") or "nan") for cell in cells.all()]

    def traces(self, chart: str) -> list[dict[str, Any]]:
        """What Plotly drew: of each line its meta and its points."""
        script = "id => document.getElementById(id).data.map(({ meta, x, y }) => ({ meta, x: [...x], y: [...y] }))"
        return list(self.page.evaluate(script, chart))
