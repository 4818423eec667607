"""The networks page as the stories see it: its state, its numbers, its table, its chart."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from urllib.request import Request, urlopen

from playwright.sync_api import Page

PANELS = ("headline", "bill", "policies", "layers", "curves", "growth", "memory", "devices", "weber", "takeaway")

# Every panel shows the same state, that state is the address, and holds what is asked for.
PAINTED = """
([panels, wanted]) => {
  const painted = panels.map((id) => document.getElementById(id).dataset.painted);
  if (!painted.every((query) => query && `?${query}` === location.search)) return false;
  const state = new URLSearchParams(painted[0]);
  return Object.entries(wanted).every(([key, value]) => state.get(key) === value);
}
"""


@dataclass
class Networks:
    page: Page
    server: str

    def wait(self, **state: object) -> "Networks":
        """Until every panel shows one and the same state, with these values in it."""
        wanted = {key: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
                  for key, value in state.items()}  # fmt: skip
        self.page.wait_for_function(PAINTED, arg=[list(PANELS), wanted], timeout=60_000)
        return self

    @property
    def state(self) -> dict[str, str]:
        return dict(parse_qsl(self.page.url.split("?", 1)[1], keep_blank_values=True))

    def post(self, path: str, body: object) -> Any:
        request = Request(self.server + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request) as answer:
            return json.loads(answer.read())

    def value(self, name: str, within: str = "") -> float:
        """The plain digits behind a number on the page."""
        return float(self.page.locator(f'{within} [data-name="{name}"]').first.get_attribute("data-value") or "nan")

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def row(self, layer: str) -> dict[str, str]:
        """The cells of one layer's row by their names, their plain digits."""
        cells = self.page.locator(f'#layers tr[data-layer="{layer}"] td[data-name]')
        pairs = cells.evaluate_all("(cells) => cells.map((c) => [c.dataset.name, c.dataset.value])")
        return {name: value for name, value in pairs if value is not None}

    def rows(self) -> list[str]:
        names = "(rows) => rows.map((row) => row.dataset.layer)"
        return list(self.page.locator("#layers tbody tr[data-layer]").evaluate_all(names))

    def curves(self) -> list[dict[str, Any]]:
        """What Plotly has drawn, line by line."""
        drawn: list[dict[str, Any]] = self.page.evaluate(
            """() => document.querySelector('#curves-chart').data.map(({ name, y }) => ({ name, y: [...y] }))"""
        )
        return drawn

    def edit(self, layer: str) -> None:
        """Open the form of one layer."""
        self.page.locator(f'#layers tr[data-layer="{layer}"] .edit').click()
        self.page.wait_for_selector("#layers .editor-form input")

    def change(self, field: str, value: str) -> None:
        """Write into a field of the open form, and leave it."""
        box = self.page.locator(f"#edit-{field}")
        if box.evaluate("(input) => input.tagName") == "SELECT":
            box.select_option(value)
        else:
            box.fill(value)
            box.press("Enter")
