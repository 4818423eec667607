"""The page that trains as the stories see it: which run is on screen, how far it is, its tables and charts."""

from dataclasses import dataclass
from typing import Any

from tests.browser.panels import Groupscope

PANELS = ("headline", "plan", "curves", "accuracy", "confusion", "learn")

OWN = ("x", "y", "confusion", "arm", "module", "run", "compare")  # the page's, unknown to the API

PAINTED = """
([panels, wanted]) => panels.every((id) => {
  const { painted } = document.getElementById(id).dataset;
  const state = new URLSearchParams(painted);
  return painted && `?${painted}` === location.search && Object.entries(wanted).every(([k, v]) => state.get(k) === v);
}) && document.getElementById('runs').dataset.shown
"""
PHASE = "(phases) => phases.includes(document.getElementById('train-bar').dataset.phase)"
# All of a run that ended is on screen: every panel shows it.
SHOWN = """
([panels, phase]) => {
  const run = new URLSearchParams(location.search).get('run');
  return run && document.getElementById('train-bar').dataset.phase === phase
    && panels.every((id) => document.getElementById(id).dataset.run === run);
}
"""


@dataclass
class Train(Groupscope):
    def wait(self, **state: object) -> "Train":
        wanted = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in state.items()}
        self.page.wait_for_function(PAINTED, arg=[PANELS, wanted], timeout=60_000)
        return self

    def start(self) -> str:
        """The id of the new run."""
        before = self.run
        self.page.locator("#train-run:enabled").click()
        self.page.wait_for_function(
            "(before) => (new URLSearchParams(location.search).get('run') ?? before) !== before", arg=before
        )
        return self.run

    def plan(self) -> dict[str, Any]:
        """What the server plans for the state on the page."""
        asked = self.query(*(name for name in self.state if name not in OWN))
        plan: dict[str, Any] = self.get_json(f"/api/trainings/plan?{asked}")
        return plan

    @property
    def run(self) -> str:
        return self.state.get("run", "")

    @property
    def points(self) -> int:
        """Steps that the curves on screen hold."""
        return int(self.page.locator("#curves").get_attribute("data-points") or 0)

    def phase(self, *phases: str) -> None:
        self.page.wait_for_function(PHASE, arg=list(phases), timeout=120_000)

    def ended(self, phase: str = "done") -> dict[str, Any]:
        """The record of the run on screen, once every panel shows it."""
        self.page.wait_for_function(SHOWN, arg=[["curves", "accuracy", "confusion", "learn"], phase], timeout=120_000)
        return self.record()

    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = self.get_json(f"/api/trainings/{self.run}")
        return record

    def values(self, within: str, name: str) -> list[float]:
        """The plain digits behind a column."""
        cells = self.page.locator(f'{within} [data-name="{name}"]')
        return [float(cell.get_attribute("data-value") or "nan") for cell in cells.all()]

    def traces(self, chart: str) -> list[dict[str, Any]]:
        """What Plotly drew: of each trace its type, meta and points."""
        script = "id => document.getElementById(id).data.map(({ type, meta, x, y, z }) => ({ type, meta, x, y, z }))"
        return list(self.page.evaluate(script, chart))

    def open_all(self) -> None:
        self.page.evaluate("() => document.querySelectorAll('details').forEach((d) => (d.open = true))")
