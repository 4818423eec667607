"""Charts keep their axes, whatever happens to the window and the theme around them."""

from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import Open, OpenNetworks, OpenStack

WATCH = """
() => {
  window.drawn = {};
  for (const chart of document.querySelectorAll('.js-plotly-plot')) {
    window.drawn[chart.id] = 0;
    chart.on('plotly_afterplot', () => { window.drawn[chart.id] += 1; });
  }
}
"""
ALL_DRAWN = "() => Object.values(window.drawn).every((times) => times > 0)"
RANGES = """
() => Object.fromEntries([...document.querySelectorAll('.js-plotly-plot')].map((chart) => {
  const axes = Object.entries(chart._fullLayout).filter(([key]) => /^[xy]axis\\d*$/.test(key));
  return [chart.id, Object.fromEntries(axes.map(([key, { type, range }]) => [key, [type, ...range]]))];
}))
"""


def assert_axes_stay(page: Page, charts: int) -> None:
    """Through two heights, which change no chart's width, and the other theme."""
    page.wait_for_function("(n) => document.querySelectorAll('.js-plotly-plot').length === n", arg=charts)
    before: dict[str, Any] = page.evaluate(RANGES)
    assert all(axes for axes in before.values())
    steps = [
        lambda: page.set_viewport_size({"width": 1440, "height": 1000}),
        lambda: page.set_viewport_size({"width": 1440, "height": 1100}),
        lambda: page.click("#theme"),
    ]
    for step in steps:
        page.evaluate(WATCH)
        step()
        page.wait_for_function(ALL_DRAWN)
        assert page.evaluate(RANGES) == before


def test_axes_of_the_calculator_stay(open_page: Open) -> None:
    assert_axes_stay(open_page(size=32).page, 1)


def test_axes_of_the_networks_stay(open_networks: OpenNetworks) -> None:
    assert_axes_stay(open_networks().page, 3)


def test_axes_of_the_stack_stay(open_stack: OpenStack) -> None:
    view = open_stack(size=32, in_channels=16, modules=4, module=2)
    assert_axes_stay(view.page, 2)
