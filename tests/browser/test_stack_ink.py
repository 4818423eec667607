"""Ink on the stack page: it stops at walls until they are opened, and every number is the API's."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route

from app.stackparams import STACK_NUMBERS
from tests.browser.conftest import OpenStack
from tests.browser.stack import Stack
from tests.browser.test_looks import AXE, SCREENS

SMALL: dict[str, Any] = {"size": 32, "in_channels": 16, "modules": 4, "scheme": "uniform", "groups": 2}

# Opaque pixels in the middle of each cell of the strip, row by row: which of them are the surface's.
EMPTY = """
([rows, channels]) => {
  const shown = document.querySelector('.ink-canvas');
  const canvas = Object.assign(document.createElement('canvas'), { width: shown.width, height: shown.height });
  const context = canvas.getContext('2d'); // a copy: Chromium warns of a canvas that is read again and again
  context.drawImage(shown, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const pixels = new Uint32Array(data.buffer);
  const names = [...document.querySelectorAll('.ink-names > span')];
  return names.slice(0, rows).map((name) => Array.from({ length: channels }, (_, c) => {
    const y = Math.round((parseFloat(name.style.top) + 4) * devicePixelRatio);
    return pixels[y * canvas.width + Math.floor(((c + 0.3) * canvas.width) / channels)] === pixels[canvas.width - 1];
  }));
}
"""
INK_CELLS = """
(rows) => rows.map((row) =>
  Object.fromEntries([...row.querySelectorAll('td[data-name]')].map((cell) => [cell.dataset.name, cell.dataset.value])))
"""


def ink_of(view: Stack, **more: object) -> list[dict[str, Any]]:
    """Of the stem and each module, as the API has it for the dye on the page."""
    dyed: dict[str, Any] = {"dye": view.state["dye"], "dye_channel": view.state["dye_channel"]}
    if view.state["dye"] == "patch":
        dyed |= {name: view.state[name] for name in ("dye_row", "dye_column", "dye_size")}
    answer = view.answer("/api/stack/ink", **(dyed | more))
    return [answer["stem"], *answer["modules"]]


def table(view: Stack) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = view.page.locator("#ink tr[data-module]").evaluate_all(INK_CELLS)
    return rows


def sentence(view: Stack) -> str:
    return view.page.locator("#ink .ink-sentence").inner_text()


def assert_shows(view: Stack, ink: list[dict[str, Any]]) -> None:
    """Table and pixels."""
    shown = table(view)
    assert [float(row["changed"]) for row in shown] == [row["changed"] for row in ink]
    assert [float(row["largest"]) for row in shown] == [max(row["max"]) for row in ink]
    if ink[0]["reachable"] is not None:
        assert [float(row["reachable"]) for row in shown] == [row["reachable"] for row in ink]
    empty = view.page.evaluate(EMPTY, [len(ink), len(ink[0]["max"])])
    assert empty == [[value == 0 for value in row["max"]] for row in ink]


@pytest.mark.parametrize("mixer", ["shuffle", "pointwise", "rotated"])
def test_ink_stops_at_the_walls_until_they_are_opened(open_stack: OpenStack, mixer: str) -> None:
    view = open_stack(**SMALL, dye_channel=3)
    assert sentence(view) == "Channel 3 reaches 8 of 16 channels after module 4: walls stand between the groups."
    ink = ink_of(view)
    assert [row["changed"] for row in ink] == [1, 8, 8, 8, 8]
    assert_shows(view, ink)
    view.page.click(f"#ink-{mixer}")
    view.until_painted("ink", mixing=mixer)
    assert sentence(view) == "Channel 3: after module 2 it has reached all 16 channels."
    assert_shows(view, ink_of(view))
    assert view.page.locator(f"#ink-{mixer}").get_attribute("aria-pressed") == "true"
    view.page.click(f"#ink-{mixer}")
    view.until_painted("ink", mixing="none")
    assert_shows(view, ink)


def test_a_click_on_the_stem_dyes_and_a_cell_tells_its_numbers(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, dye_channel=0)
    strip = view.page.locator(".ink-canvas")
    box = strip.bounding_box()
    assert box
    strip.click(position={"x": box["width"] * 11.5 / 16, "y": 16})
    view.until_painted("ink", dye_channel=11)
    ink = ink_of(view)
    assert_shows(view, ink)
    for key in ("ArrowDown", "ArrowDown", "End"):
        view.page.keyboard.press(key)
    told = view.page.locator(".ink-readout").inner_text()
    assert told.startswith(f"Channel 15 after module 2: largest |difference| {ink[2]['max'][15]:.3f}, mean")
    assert told.endswith("; it can be reached.")
    view.page.keyboard.press("Home")
    told = view.page.locator(".ink-readout").inner_text()
    assert told == "Channel 0 after module 2: exactly no difference; it cannot be reached."
    view.page.keyboard.press("Enter")
    view.until_painted("ink", module=2)


def test_ink_flows_row_by_row_and_can_be_stopped(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL)
    ink = ink_of(view)
    view.page.click("#ink-play")
    assert view.page.locator("#ink-play").inner_text() == "Stop"
    assert all(view.page.evaluate(EMPTY, [5, 16])[4])
    view.page.wait_for_function("() => document.querySelector('#ink-play').textContent === 'Let it flow'")
    assert_shows(view, ink)
    view.page.click("#ink-play")
    view.page.click("#ink-play")
    assert view.page.locator("#ink-play").inner_text() == "Let it flow"
    assert_shows(view, ink)
    view.page.emulate_media(reduced_motion="reduce")
    view.page.click("#ink-play")
    assert_shows(view, ink)


def test_a_patch_is_dragged_and_moved_by_keys(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, dye="patch", dye_size=8, mixing="rotated")
    assert view.page.locator("#dye_channel").is_hidden()
    assert view.page.locator("#dye_row").get_attribute("max") == "24"
    ink = ink_of(view)
    changed = ink[0]["changed"]
    which = "all 16 of its channels" if changed == 16 else f"{changed} of its 16 channels"
    assert sentence(view).startswith(f"A patch of 8 × 8 pixels: the stem mixes the three colours, and {which} change. ")
    assert_shows(view, ink)
    patch = view.page.locator("#ink-patch")
    patch.scroll_into_view_if_needed()
    box = patch.bounding_box()
    assert box
    assert box["width"] == pytest.approx(224 * 8 / 32, abs=1)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    view.page.mouse.move(x, y)
    view.page.mouse.down()
    view.page.mouse.move(x + 7 * 10, y + 7 * 5, steps=3)
    view.page.mouse.up()
    view.until_painted("ink", dye_row=5, dye_column=10)
    for key in ("ArrowUp", "ArrowRight", "Shift+ArrowDown"):
        patch.press(key)
    view.until_painted("ink", dye_row=12, dye_column=11)
    assert_shows(view, ink_of(view))


def test_a_picture_that_did_not_come_is_asked_for_again(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL)
    lost: list[str] = []

    def lose(route: Route) -> None:
        lost.append(route.request.url)
        error = {"code": "busy", "message": "Too many at once", "field": None, "hint": None}
        route.fulfill(status=200, headers={"Groupscope-Status": "503"}, json={"error": error})

    picture = re.compile(r"/api/images/[^/]+\?size=32$")
    view.page.route(picture, lose)
    view.page.locator("#dye").select_option("patch")
    view.until_painted("ink", dye="patch")
    assert len(lost) == 1
    assert not view.page.locator(".ink-picture img").get_attribute("src")
    view.page.unroute(picture)
    view.page.locator("#ink-patch").press("ArrowRight")
    view.page.wait_for_function("() => document.querySelector('.ink-picture img').naturalWidth === 32")


def test_groups_that_hand_channels_on_have_no_walls(open_stack: OpenStack) -> None:
    lopsided = SMALL | {"scheme": "custom", "sizes": "4x12,12x4"}
    view = open_stack(**lopsided, dye_channel=3)
    ink = ink_of(view)
    assert ink[-1]["reachable"] == 16
    assert sentence(view).startswith("Channel 3: after module 2 it has reached all 16 channels.")
    assert view.page.locator(".ink-mixers > span").inner_text() == "Between the modules:"
    assert_shows(view, ink)


def test_reachability_is_that_of_the_api_for_both_sides(open_stack: OpenStack) -> None:
    both = {"compare": True, "side": "b", "b_scheme": "uniform", "b_groups": 4}
    view = open_stack(**SMALL, **both, mixing="shuffle", module=2, dye_channel=5)
    numbers = view.stack_query(STACK_NUMBERS).replace("scheme=uniform&groups=2", "scheme=uniform&groups=4")
    reach = view.get_json(f"/api/stack/reach?{numbers}&module=2")
    view.page.evaluate("() => document.querySelectorAll('#ink details').forEach((d) => (d.open = true))")
    told = view.page.locator(".reach-sentence").inner_text()
    assert told.startswith(f"B: after module 2, {reach['connected']} of 256 pairs of channels are connected")
    cells = view.page.locator("#reach-matrix .matrix-cells").evaluate(
        """(canvas) => {
          const [{ width }, zoom] = [canvas, canvas.width / 16];
          const { data } = canvas.getContext('2d').getImageData(0, 0, width, width);
          const paper = getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).slice(0, 3).join();
          const bit = (row, column) => {
            const at = 4 * (Math.floor((row + 0.5) * zoom) * width + Math.floor((column + 0.5) * zoom));
            return data.slice(at, at + 3).join() === paper ? '0' : '1';
          };
          const places = Array.from({ length: 16 }, (_, at) => at);
          return places.map((row) => places.map((column) => bit(row, column)).join(''));
        }"""
    )
    assert cells == reach["rows"]
    shares = {name: view.page.locator(f'.reach td[data-name="{name}"]') for name in "AB"}
    found = {n: [float(str(c.get_attribute("data-value"))) for c in cells.all()] for n, cells in shares.items()}
    assert found["B"][2] == reach["share"]
    assert found["A"] == [1 / 16] + [m["share"] for m in view.numbers()["modules"]]
    column = [row[5] for row in reach["rows"]]
    assert ink_of(view, side="b")[2]["reachable"] == column.count("1")
    view.page.locator("#reach-matrix").focus()
    view.page.keyboard.press("ArrowRight")
    can = "can" if reach["rows"][0][0] == "1" else "cannot"
    told = view.page.locator(".reach .matrix-readout").inner_text()
    assert told == f"Stem channel 0 {can} influence channel 0 after module 2."
    view.page.locator("#reach-chart").focus()
    view.page.keyboard.press("ArrowRight")
    assert view.page.locator(".reach .chart-readout").inner_text().startswith("After the stem: A 6.3")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(open_stack: OpenStack, color_scheme: str, screen: str) -> None:
    view = open_stack(screen=SCREENS[screen], color_scheme=color_scheme, **SMALL, dye="patch", dye_size=8, module=2)
    view.page.evaluate("() => document.querySelectorAll('main details').forEach((d) => (d.open = true))")
    view.page.evaluate(AXE.read_text())
    within = "async () => (await axe.run({ include: [['#ink'], ['#scale'], ['#redundancy']] })).violations"
    violations = view.page.evaluate(within)
    assert [(v["id"], [node["html"][:120] for node in v["nodes"]][:3]) for v in violations] == []
    assert view.page.evaluate("() => document.documentElement.scrollWidth") <= SCREENS[screen][0]
