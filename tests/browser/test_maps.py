"""Feature maps while they are asked for, when they fail, and what they measure."""

import json
from typing import Any

import pytest
from playwright.sync_api import Route

from tests.browser.conftest import Open
from tests.browser.panels import MAPS, Groupscope

MAPS_URL = "**/api/feature-maps?*"
BUSY = "#maps .panel-body[aria-busy=true]"


def refuse(route: Route, code: str) -> None:
    """A failure as the server sends it to its own page."""
    error = {"code": code, "message": "Not now", "field": None, "hint": None}
    route.fulfill(status=200, headers={"Groupscope-Status": "503"}, json={"error": error})


def readout(view: Groupscope) -> list[float]:
    """min, max, mean, std and the share of zeros, as the page says them."""
    texts = view.page.locator("#maps .map-readout b").all_inner_texts()
    *values, zeros = (text.replace("\u2212", "-") for text in texts)
    return [*map(float, values), float(zeros.removesuffix("\u202f%")) / 100]


def stats(view: Groupscope, channel: int) -> Any:
    """The same from the API, within what three decimals leave."""
    body = view.get(f"/api/feature-maps?{view.query(*MAPS, tile=1)}")
    header = json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])
    columns = json.loads(header["__metadata__"]["stats"])
    return pytest.approx([columns[name][channel] for name in ("min", "max", "mean", "std", "zeros")], abs=5.1e-4)


def test_a_map_says_what_it_measures_to_pointer_and_keyboard(open_page: Open) -> None:
    view = open_page(size=64, relu=False)
    canvas = view.page.locator("#maps canvas[data-group='1']")
    canvas.scroll_into_view_if_needed()
    canvas.hover(position={"x": 20, "y": 20})
    title = view.page.locator("#maps .readout-title")
    assert title.inner_text().startswith("Map 32 · group 2")
    assert readout(view) == stats(view, 32)
    view.page.mouse.move(0, 0)
    view.page.locator(".map-cursor").focus()
    view.page.keyboard.press("Home")
    view.page.keyboard.press("ArrowRight")
    assert title.inner_text().startswith("Map 1 · group 1")
    assert readout(view) == stats(view, 1)


def test_maps_on_their_way_dim_the_old_ones_and_never_blank_them(open_page: Open) -> None:
    view = open_page(size=64)
    before = view.tiles()[0]
    held: list[Route] = []
    view.page.route(MAPS_URL, lambda route: held.append(route))
    view.set_range("kernel_size", 5)
    view.page.locator(BUSY).wait_for()
    assert (view.tiles()[0] == before).all()
    held[0].continue_()
    view.wait(kernel_size="5,5")
    assert view.page.locator(BUSY).count() == 0
    view.assert_maps_are_exact()


def test_a_superseded_fetch_is_aborted(open_page: Open) -> None:
    view = open_page(size=64)
    held: list[Route] = []
    view.page.route(MAPS_URL, lambda route: route.continue_() if held else held.append(route))
    with view.page.expect_event("requestfailed", lambda request: "kernel_size=5,5" in request.url):
        view.set_range("kernel_size", 5)
        view.page.wait_for_function("() => document.querySelector('#maps .panel-body[aria-busy=true]')")
        view.set_range("kernel_size", 7)
    view.wait(kernel_size="7,7")
    view.assert_maps_are_exact()


def test_a_busy_server_is_asked_again(open_page: Open) -> None:
    view = open_page(size=64)
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            return route.continue_()
        return refuse(route, "busy")

    view.page.route(MAPS_URL, answer)
    view.set_range("kernel_size", 5)
    view.wait_for_message("maps", "Not now")
    assert view.page.locator("#maps-message button").count() == 0
    view.wait(kernel_size="5,5")
    assert (len(asked), view.message("maps")) == (2, "")


def test_a_failed_engine_is_asked_again_by_hand_only(open_page: Open) -> None:
    view = open_page(size=64)
    view.page.clock.install()
    asked: list[str] = []
    mended: list[bool] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if mended:
            return route.continue_()
        return refuse(route, "engine_failed")

    view.page.route(MAPS_URL, answer)
    view.set_range("kernel_size", 5)
    view.wait_for_message("maps", "Not now")
    view.page.clock.fast_forward("01:00")
    mended.append(True)
    view.page.locator("#maps-message button", has_text="Try again").click()
    view.wait(kernel_size="5,5")
    assert (len(asked), view.message("maps")) == (2, "")


def test_maps_of_another_layer_are_marked_as_such(open_page: Open) -> None:
    view = open_page(size=64)
    for name in ("in_channels", "out_channels"):
        view.type_number(name, "2048")
    view.page.locator("#scheme-standard").check()
    view.set_range("size", 224)
    message = view.wait_for_message("maps", "still the maps of the last layer")
    assert "feature maps may need at most" in message.lower()
    assert view.page.locator("#maps .stale canvas").count() > 0
    view.type_number("in_channels", "64")
    view.type_number("out_channels", "64")
    view.wait(in_channels=64, out_channels=64)
    assert view.message("maps") == ""
    assert view.page.locator("#maps .stale").count() == 0
