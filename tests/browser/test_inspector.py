"""The inspector: exact values, a sum taken apart and played, keys that wait for nothing, and links that open it."""

import io
import json
import re
from base64 import b64decode
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, Route

from app.stackparams import STACK, STACK_B
from tests.browser.conftest import OpenStack
from tests.browser.stack import Stack
from tests.browser.test_looks import SCREENS, assert_fine

SMALL = {"size": 32, "in_channels": 16, "modules": 4}
PLACE = {"module": 2, "channel": 9, "row": 20, "column": 7}
HARD = {**SMALL, **PLACE, "mixing": "rotated", "normalisation": "sum", "dilation": "2,1"}

# Colours of the large map as base64, and how large it is shown.
CANVAS = """
() => {
  const canvas = document.querySelector('#inspector .inspector-frame canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const bytes = btoa(Array.from(data, (v) => String.fromCharCode(v)).join(''));
  return { width: canvas.width, height: canvas.height, zoom: canvas.clientWidth / canvas.width, bytes };
}
"""

PICTURE = "() => document.querySelector('#inspector .inspector-frame canvas').toDataURL()"

# Where the marker's middle stands, in values of the map.
MARKER = """
() => {
  const [a, b] = ['.inspector-marker', '.inspector-frame canvas']
    .map((part) => document.querySelector(`#inspector ${part}`).getBoundingClientRect());
  return [(a.top + a.height / 2 - b.top) / b.height, (a.left + a.width / 2 - b.left) / b.width];
}
"""

# Every row of the sum, whichever are in view: scrolls through all of them.
ROWS = """
async () => {
  const list = document.querySelector('#inspector .inspector-rows');
  const rows = new Map();
  for (let top = 0; ; top += list.clientHeight / 2) {
    list.scrollTop = top;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    for (const row of list.querySelectorAll('.inspector-space > :not([hidden])')) {
      const text = (name) => row.querySelector(`[data-name="${name}"]`).textContent;
      rows.set(Number(row.dataset.input), ['channel', 'sum', 'total'].map(text));
    }
    if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) break;
  }
  return [...rows].sort(([a], [b]) => a - b).map(([, texts]) => texts);
}
"""

# Where each heading of the sum's rows begins and ends.
HEADS = """
() => {
  const heads = [...document.querySelectorAll('#inspector .inspector-columns > span')];
  return heads.filter((head) => head.textContent).map((head) => {
    const range = document.createRange();
    range.selectNodeContents(head);
    const { left, right } = range.getBoundingClientRect();
    return [left, right];
  });
}
"""

CELLS = """
() => [...document.querySelectorAll('#inspector .map-twin tbody tr')]
  .map((row) => [...row.cells].map((cell) => cell.textContent))
"""


def opened(view: Stack, **state: object) -> Stack:
    return view.until_painted("inspector", **state)


def facts(view: Stack) -> dict[str, Any]:
    """What the API says of the value on screen."""
    state = view.state
    place = {name: state[name] for name in ("module", "channel", "row", "column")}
    _, metadata = view.body("/api/stack/pixel", side=state["inspected"], **place)
    return {key: json.loads(text) for key, text in metadata.items() if key not in ("device", "compute_dtype")}


def npy(view: Stack) -> NDArray[np.float32]:
    """The map on screen, as a NumPy file has it."""
    state = view.state
    channel = int(state["channel"])
    more = {"side": state["inspected"], "module": state["module"], "point": "output"}
    query = view.stack_query((*STACK, *STACK_B), **more, channels=f"{channel}:{channel + 1}")
    answer = np.load(io.BytesIO(view.get(f"/api/stack/maps.npy?{query}")))
    assert answer.dtype == np.float32
    return np.asarray(answer[0])


def plain(text: str) -> float:
    return float(text.replace("\u2212", "-"))


def ledger(page: Page) -> dict[str, str]:
    cells = page.locator("#inspector .inspector-ledger td").all()
    return {cell.get_attribute("data-name") or "": cell.inner_text() for cell in cells}


def value(page: Page) -> np.float32:
    """As float32, which the text gives back."""
    return np.float32(page.locator("#inspector .inspector-value").get_attribute("data-value"))


def button(page: Page, name: str) -> Locator:
    return page.locator("#inspector").get_by_role("button", name=name)


def step_to(page: Page, step: int) -> None:
    page.get_by_label("Step of the sum").evaluate(
        "(input, step) => { input.value = step; input.dispatchEvent(new Event('input', { bubbles: true })); }",
        str(step),
    )


def test_a_click_opens_a_map_and_every_number_is_the_apis(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, module=2, mixing="rotated", normalisation="sum", dilation="2,1")
    page = view.page
    page.locator("#maps-a canvas").first.click(position={"x": 5, "y": 5})
    opened(view, channel=4, row=16, column=16)  # its groups are moved by 4; nothing was looked at before: the middle
    assert page.locator("#inspector-title").inner_text() == "Module 2, map 4"
    page.keyboard.press("ArrowDown")
    opened(view, row=17)
    told, exact = facts(view), npy(view)
    assert value(page) == exact[17, 16] == np.float32(told["output"])

    rows = page.evaluate(ROWS)
    assert [int(channel) for channel, _, _ in rows] == told["inputs"] == [4, 5, 6, 7, 8, 9, 10, 11]
    np.testing.assert_allclose([plain(total) for _, _, total in rows], np.cumsum(told["sums"]), atol=6e-7)
    np.testing.assert_allclose([plain(each) for _, each, _ in rows], told["sums"], atol=6e-7)
    lines = {name: plain(text) for name, text in ledger(page).items()}
    added = told["conv"] + told["identity"]
    wanted = {
        "products": sum(told["sums"]), "bias": told["conv"], "identity": added, "normalised": told["sum"],
        "relu": max(0, told["sum"]), "output": told["output"],
    }  # fmt: skip
    assert list(lines) == list(wanted)
    assert lines == pytest.approx(wanted, abs=6e-7)
    assert (added - told["mean"]) / told["deviation"] == pytest.approx(told["sum"])
    assert told["output"] == pytest.approx(max(0, told["sum"]), rel=1e-5, abs=1e-6)

    sight = page.locator("#inspector .inspector-sight").inner_text().split("\n")
    assert sight == ["Reads", "4–11 (8)", "Cannot see", "0–3, 12–15 (8)", "From the stem",
                     f"{told['stem_channels']} of 16 channels can reach this value"]  # fmt: skip


def test_the_table_holds_every_number_exactly(open_stack: OpenStack) -> None:
    view = opened(open_stack(**HARD))
    page = view.page
    page.locator("#inspector .map-twin summary").click()
    page.locator("#inspector .map-twin tbody tr").first.wait_for()
    cells = page.evaluate(CELLS)
    state = view.state
    place = {name: state[name] for name in ("module", "channel", "row", "column")}
    tensors, _ = view.body("/api/stack/pixel", side="a", **place)
    told = facts(view)
    assert [int(row[0]) for row in cells] == told["inputs"]
    assert [plain(row[1]) for row in cells] == told["sums"]
    for column, name in ((3, "patch"), (4, "kernel")):
        shown = np.array([[plain(text) for text in row[column].split()] for row in cells], np.float32)
        np.testing.assert_array_equal(shown, tensors[name].reshape(shown.shape))
    products = (tensors["patch"].astype(float) * tensors["kernel"]).sum((1, 2))
    np.testing.assert_allclose([plain(row[1]) for row in cells], products, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("colours", ["grey", "diverging"])
def test_the_large_map_is_exact_in_whole_pixels(open_stack: OpenStack, colours: str) -> None:
    view = opened(open_stack(**HARD, colours=colours))
    shown = view.page.evaluate(CANVAS)
    assert shown["zoom"] == int(shown["zoom"]) >= 7
    pixels = np.frombuffer(b64decode(shown["bytes"]), np.uint8).reshape(shown["height"], shown["width"], 4).astype(int)
    exact = npy(view).astype(float)
    if colours == "grey":
        level = 255 * (exact - exact.min()) / (exact.max() - exact.min())
        assert np.abs(pixels[..., 0] - level).max() <= 0.51
    else:  # no negative value after ReLU: nothing is bluer than grey
        assert (pixels[..., 0] >= pixels[..., 2]).all()
        assert tuple(pixels.reshape(-1, 4)[exact.argmax(), :3]) == (133, 58, 2)


def test_keys_and_clicks_choose_a_value(open_stack: OpenStack) -> None:
    view = opened(open_stack(**HARD))
    page = view.page
    assert page.evaluate("() => document.activeElement.className") == "inspector-marker"
    for key in ("ArrowUp", "ArrowRight", "Shift+ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    opened(view, row=29, column=0)
    assert value(page) == npy(view)[29, 0]
    page.keyboard.press("Shift+ArrowDown")
    opened(view, row=31, column=0)
    assert "Checkered" in page.locator("#inspector .inspector-total").inner_text()
    box = page.locator("#inspector .inspector-frame canvas").bounding_box()
    assert box
    page.mouse.click(box["x"] + (11 + 0.5) * box["width"] / 32, box["y"] + (3 + 0.5) * box["height"] / 32)
    opened(view, row=3, column=11)
    assert value(page) == npy(view)[3, 11] == np.float32(facts(view)["output"])
    assert page.evaluate(MARKER) == pytest.approx([3.5 / 32, 11.5 / 32], abs=1e-3)
    top, left, bottom, right = facts(view)["receptive_field"]
    text = page.locator("#inspector .inspector-part").first.inner_text()
    assert f"Rows {top}–{bottom - 1}, columns {left}–{right - 1}: {bottom - top} × {right - left} of 32 × 32" in text
    assert "Every pixel has a say through the normalisation" in text
    mark = page.locator(".inspector-field-mark").evaluate(
        "(mark) => ['top', 'left', 'height', 'width'].map((s) => mark.style[s])"
    )
    shares = [100 * n / 32 for n in (top, left, bottom - top, right - left)]
    assert [float(share.rstrip("%")) for share in mark] == pytest.approx(shares, abs=1e-3)


def test_the_marker_waits_for_no_answer_and_the_last_one_counts(open_stack: OpenStack) -> None:
    view = opened(open_stack(**HARD))
    page, exact, before = view.page, npy(view), facts(view)
    held: list[Route] = []
    page.route(re.compile("/api/stack/pixel"), lambda route: held.append(route))
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(MARKER) == pytest.approx([20.5 / 32, 10.5 / 32], abs=1e-3)
    assert value(page) == exact[20, 10]
    assert plain(ledger(page)["output"]) == pytest.approx(before["output"], rel=1e-6)
    page.locator("#inspector .inspector-sum[aria-busy=true]").wait_for()
    page.wait_for_function("() => new URLSearchParams(location.search).get('column') === '10'")
    page.unroute(re.compile("/api/stack/pixel"))
    page.keyboard.press("ArrowDown")
    opened(view, row=21, column=10)
    assert plain(ledger(page)["output"]) == pytest.approx(float(exact[21, 10]), rel=1e-6)
    assert page.locator("#inspector [aria-busy=true]").count() == 0


def test_the_sum_is_played_to_its_end(open_stack: OpenStack) -> None:
    view = opened(open_stack(**HARD))
    page, told = view.page, facts(view)
    count = len(told["inputs"])
    step_to(page, 3)
    lines = ledger(page)
    assert plain(lines.pop("products")) == pytest.approx(sum(told["sums"][:3]), abs=6e-7)
    assert set(lines.values()) == {""}
    assert page.locator("#inspector .inspector-step").inner_text() == f"3 of {count + 4}: channel {told['inputs'][2]}"
    button(page, "Next step").click()
    assert plain(ledger(page)["products"]) == pytest.approx(sum(told["sums"][:4]), abs=6e-7)
    button(page, "Previous step").click()
    button(page, "Play").click()
    assert button(page, "Pause").count() == 1
    page.wait_for_function(
        "(last) => document.querySelector('#inspector .inspector-sum').dataset.step === last", arg=str(count + 4)
    )
    assert button(page, "Play").count() == 1
    assert np.float32(plain(ledger(page)["output"])) == value(page) == np.float32(told["output"])
    page.locator("#inspector .inspector-marker").focus()
    page.keyboard.press("Enter")  # plays from the start
    page.wait_for_function("() => Number(document.querySelector('#inspector .inspector-sum').dataset.step) < 4")
    button(page, "Pause").click()


def test_closing_gives_the_focus_back_and_a_link_opens_it_again(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, module=2)
    page = view.page
    page.locator("#maps-a-cursor").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    opened(view, channel=1)
    button(page, "Map 2 →").click()
    opened(view, channel=2)
    link, shown = view.state, value(page)
    page.locator("#inspector .inspector-marker").focus()
    page.keyboard.press("Escape")
    view.wait(channel=-1)
    assert not page.locator("#inspector").is_visible()
    assert page.evaluate("() => document.activeElement.id") == "maps-a-cursor"
    again = opened(open_stack(**link), channel=2)
    assert value(again.page) == shown
    button(again.page, "Close").click()
    again.wait(channel=-1)


def test_sides_are_compared_at_one_place(open_stack: OpenStack) -> None:
    view = opened(open_stack(**SMALL, **PLACE, mixing="shuffle", compare=True, b_scheme="uniform", b_groups=8))
    page = view.page
    assert page.locator("#inspector-title").inner_text() == "Module 2, map 9 of A"
    first = value(page)
    page.locator("#inspector [data-side=b]").click()
    opened(view, inspected="b")
    assert page.locator("#inspector [data-side=b]").get_attribute("aria-pressed") == "true"
    assert value(page) == npy(view)[20, 7] == np.float32(facts(view)["output"]) != first
    order = view.get_json("/api/stack?in_channels=16&scheme=uniform&groups=8&mixing=shuffle")["order"]
    sight = page.locator("#inspector .inspector-sight").inner_text()
    assert "Reads\n8–9 (2)" in sight
    assert f"Of module 1\n{min(order[8:10])}, {max(order[8:10])}, before the shuffle" in sight


def test_the_stem_shows_its_values_and_leads_to_the_first_module(open_stack: OpenStack) -> None:
    view = opened(open_stack(**SMALL, module=0, channel=3, row=0, column=5))
    page = view.page
    assert page.locator("#inspector-title").inner_text() == "Stem, map 3"
    assert value(page) == npy(view)[0, 5]
    assert not page.locator("#inspector .inspector-sum").is_visible()
    assert "Rows 0–1, columns 4–6: 2 × 3 of 32 × 32 pixels" in page.locator("#inspector").inner_text()
    button(page, "Look at module 1").click()
    opened(view, module=1, channel=3, row=0, column=5)
    assert value(page) == np.float32(facts(view)["output"])


def test_an_evicted_picture_leaves_the_last_one_and_a_way_out(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL)
    page = view.page
    sample = page.locator("#image .sample").nth(1)
    sample.click()
    view.wait(image=sample.get_attribute("data-image"))
    page.locator("#maps-a canvas").first.click(position={"x": 5, "y": 5})
    opened(view, channel=0)
    before, shown = page.evaluate(PICTURE), ledger(page)
    error = {"code": "unknown_image", "message": "This picture is not here", "field": "image", "hint": "upload it"}
    gone = re.compile("/api/stack/(maps|pixel)")
    page.route(
        gone, lambda route: route.fulfill(status=200, headers={"Groupscope-Status": "404"}, json={"error": error})
    )
    page.keyboard.press("ArrowDown")
    assert view.wait_for_message("inspector", "This picture is not here").startswith(
        "This picture is not here; upload it."
    )
    assert (page.evaluate(PICTURE), ledger(page)) == (before, shown)
    page.unroute(gone)
    page.locator("#inspector-message button").click()
    opened(view, row=17)
    assert view.message("inspector") == ""
    assert value(page) == npy(view)[17, 16]


def test_a_thousand_moves_leave_nothing_behind(open_stack: OpenStack) -> None:
    view = opened(open_stack(size=16, in_channels=8, modules=2, module=2, channel=3, row=8, column=8))
    walk = """async (moves) => {
      const marker = document.querySelector('#inspector .inspector-marker');
      for (let k = 0; k < moves; k++) {
        const key = ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp'][Math.floor(k / 5) % 4];
        marker.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
        await new Promise((resolve) => setTimeout(resolve));
      }
    }"""
    count = "() => [document.querySelectorAll('*').length, performance.memory.usedJSHeapSize]"
    view.page.evaluate(walk, 100)
    opened(view, row=8, column=8)
    nodes, heap = view.page.evaluate(count)
    view.page.evaluate(walk, 1000)
    opened(view, row=8, column=8)
    after, heap_after = view.page.evaluate(count)
    assert after == nodes
    assert heap_after <= heap + 40e6


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_in_the_inspector(open_stack: OpenStack, color_scheme: str, screen: str) -> None:
    width, height = SCREENS[screen]
    view = open_stack(**HARD, compare=True, screen=(width, height), color_scheme=color_scheme)
    opened(view)
    view.page.locator("#inspector .map-twin summary").click()
    step_to(view.page, 2)
    assert_fine(view.page, width)
    body = view.page.locator("#inspector .panel-body")
    assert body.evaluate("(body) => body.scrollWidth <= body.clientWidth")
    heads = view.page.evaluate(HEADS)
    assert min(right[0] - left[1] for left, right in pairwise(heads)) >= 6  # words, not one word
