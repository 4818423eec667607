"""The stack page: numbers against the API, pixels against exact float32 maps, two groupings, refusals, files."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Route
from safetensors.numpy import load

from app.stackparams import STACK_NUMBERS
from tests.browser.conftest import OpenStack
from tests.browser.stack import Stack

SMALL = {"size": 32, "in_channels": 16, "modules": 4}
ANCHORS = {"viridis": ((68, 1, 84), (253, 231, 37)), "cividis": ((0, 34, 78), (254, 232, 56))}


def levels(view: Stack, side: str = "a") -> tuple[np.ndarray, list[int], list[int]]:
    """Grey levels as shown, by place; every pixel is an opaque grey."""
    pixels, channels, groups = view.coloured(side)
    assert (pixels[..., 3] == 255).all()
    assert (pixels[..., 0] == pixels[..., 1]).all()
    return pixels[..., 0].astype(float), channels, groups


def within(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    span = np.where(high > low, high - low, np.inf)
    return 255 * (values - low[:, None, None]) / span[:, None, None]


def test_the_numbers_are_those_of_the_api(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, mixing="pointwise", module=3, gain="cut")
    numbers = view.numbers()
    assert view.number("a-params", "#headline") == numbers["params"]
    assert view.number("a-macs", "#headline") == numbers["macs"]
    assert view.number("a-params-ratio", "#headline") == pytest.approx(numbers["ratios"]["params"])
    assert view.number("a-share", "#headline") == numbers["modules"][-1]["share"]
    facts = view.page.locator("#module .module-facts").inner_text()
    height, width = numbers["modules"][2]["receptive_field"]
    assert f"A value sees up to {height} × {width} pixels" in facts
    assert "of channel pairs connected after module 4" in view.page.locator("#headline").inner_text()
    energy = view.answer("/api/stack/energy")["modules"][2]
    shown = {name: view.number(name, "#module") for name in ("identity", "conv", "cross", "sum")}
    assert shown == {name: energy[name] for name in shown}
    assert shown["identity"] + shown["conv"] + shown["cross"] == pytest.approx(shown["sum"], rel=1e-6)
    view.page.locator("#module .map-twin summary").click()
    assert view.page.locator("#energy-table tbody tr").count() == 5


@pytest.mark.parametrize(
    ("normalisation", "energy", "heads"),
    [
        ("conv", "Energy of the sum (mean square): identity", ["convolution, normalised", "sum"]),
        (
            "sum",
            "Energy of the sum before its normalisation (mean square): ",
            ["convolution", "sum before its normalisation"],
        ),
    ],
)
def test_energy_says_where_it_is_measured(
    open_stack: OpenStack, normalisation: str, energy: str, heads: list[str]
) -> None:
    view = open_stack(**SMALL, normalisation=normalisation, module=2)
    assert energy in view.page.locator("#module .energy").inner_text()
    view.page.locator("#module .map-twin summary").click()
    shown = view.page.locator("#energy-table th[scope=col]").all_inner_texts()
    assert [shown[2], shown[4]] == heads
    facts = view.page.locator("#module .module-facts").inner_text()
    assert "through kernels; through the normalisation\u2019s mean and deviation, all of it." in facts


def test_the_notes_of_the_api_are_told_with_their_side(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, downsample="max", stage=9)
    notes = view.page.locator("#module .module-notes p")
    assert notes.all_inner_texts() == view.numbers()["notes"] != []
    view.page.locator("#compare").check()
    view.page.locator("#b_scheme").select_option("standard")
    view.wait(compare=True, b_scheme="standard")
    shown = notes.all_inner_texts()
    a = view.numbers()["notes"]
    query = view.stack_query(STACK_NUMBERS).replace("scheme=logarithmic&groups=4", "scheme=standard&groups=1")
    b = view.get_json(f"/api/stack?{query}")["notes"]
    assert sorted(shown) == sorted(
        [note for note in a if note in b]
        + [f"A: {note}" for note in a if note not in b]
        + [f"B: {note}" for note in b if note not in a]
    )
    assert any(note.startswith("B: One group") for note in shown)


def test_the_drawing_shows_what_stands_before_the_groups(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, mixing="rotated", downsample="average", stage=1, module=2, scheme="standard")
    drawing = view.page.locator("#module .diagram")
    assert "2 × 2 average" in drawing.locator("text").all_text_contents()
    assert drawing.get_attribute("aria-label") == (
        "Module 2, 16 × 16 pixels: 2 × 2 average pooling halves what comes in, 1 group, moved by 4 channels, convolves"
        " 16 to 16 channels, the module\u2019s input is added, then ReLU."
    )
    view.page.locator("#mixing").select_option("shuffle")
    view.wait(mixing="shuffle")
    texts = drawing.locator("text").all_text_contents()
    assert {"2 × 2 average", "halved", "shuffle", "read"} <= set(texts)
    view.set_range("depth_module", 1)
    view.wait(module=1)
    assert "2 × 2 average" not in drawing.locator("text").all_text_contents()


def test_the_stem_stands_with_the_groups_that_read_it(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, scheme="custom", sizes="12x4,4x12", module=0, mixing="rotated")
    _, channels, groups = levels(view)
    assert channels == list(range(16))
    assert groups == [0] * 12 + [1] * 4
    captions = view.page.locator("#maps-a figcaption").all_inner_texts()
    assert captions[0] == "read by group 1 · 12 channels · sees red, green and blue"
    view.page.locator("#maps-a-cursor").focus()
    view.page.keyboard.press("End")
    assert view.page.locator("#maps .readout-title").inner_text().startswith("Map 15 · read by group 2 · sees red")
    view.page.keyboard.press("Enter")
    view.until_painted("inspector", channel=15)
    assert view.page.locator("#inspector .inspector-group").inner_text() == "read by group 2"
    view.page.keyboard.press("Escape")
    frame = view.page.locator(".film-row").nth(1).locator(".film-frame")
    assert frame.nth(0).evaluate("(f) => f.style.getPropertyValue('--group')") == "var(--group-1)"  # channel 4
    assert frame.nth(1).evaluate("(f) => f.style.getPropertyValue('--group')") == "var(--group-2)"


@pytest.mark.parametrize("scaling", ["map", "group", "shared"])
def test_maps_are_exact_at_every_scale(open_stack: OpenStack, scaling: str) -> None:
    view = open_stack(**SMALL, module=2, mixing="rotated", scaling=scaling, point="sum")
    shown, channels, groups = levels(view)
    assert sorted(channels) == list(range(16))
    assert channels[:2] == [4, 5]  # the second module's groups are moved by a quarter
    exact = view.exact()[channels].astype(float)
    low, high = exact.min((1, 2)), exact.max((1, 2))
    for group in {"map": set[int](), "group": set(groups), "shared": {-1}}[scaling]:
        members = np.array([group in (-1, g) for g in groups])
        low[members], high[members] = low[members].min(), high[members].max()
    assert np.abs(shown - within(exact, low, high)).max() <= 1.01


@pytest.mark.parametrize("colours", ANCHORS)
def test_colours_run_from_the_least_to_the_most(open_stack: OpenStack, colours: str) -> None:
    view = open_stack(**SMALL, module=1, colours=colours, relu=False)
    pixels, channels, _ = view.coloured()
    exact = view.exact()[channels]
    for k in range(len(channels)):
        for end, at in zip(ANCHORS[colours], (exact[k].argmin(), exact[k].argmax()), strict=True):
            np.testing.assert_allclose(pixels[k].reshape(-1, 4)[at, :3].astype(int), end, atol=3)


def test_zero_stands_in_the_middle_of_a_diverging_scale(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, module=1, colours="diverging", relu=False, bias=False)
    pixels, channels, _ = view.coloured()
    exact = view.exact()[channels]
    red, blue = pixels[..., 0].astype(int), pixels[..., 2].astype(int)
    strong = np.abs(exact) > 0.1 * np.abs(exact).max((1, 2), keepdims=True)
    assert ((red > blue) == (exact > 0))[strong].all()
    zeros = np.abs(exact) < 0.002 * np.abs(exact).max((1, 2), keepdims=True)
    assert zeros.any()
    assert (np.abs(red - blue)[zeros] <= 6).all()


def test_depth_scale_colours_and_order_compute_nothing_twice(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL)
    view.page.wait_for_function("() => document.querySelectorAll('.film-frame.waiting').length === 0")
    asked: list[str] = []
    view.page.on("request", lambda request: asked.append(request.url) if "/api/stack/maps" in request.url else None)
    view.set_range("depth_module", 4)
    view.until_painted("maps", module=4)
    for field, value in (("scaling", "shared"), ("colours", "cividis"), ("order", "energy")):
        view.page.locator(f"#{field}").select_option(value)
        view.until_painted("maps", **{field: value})
    assert asked == []
    channels = view.coloured()[1]
    energy = np.square(view.exact().astype(float)).mean((1, 2))
    assert [channels[:8], channels[8:12]] == [
        sorted(range(8), key=lambda c: -energy[c]),
        sorted(range(8, 12), key=lambda c: -energy[c]),
    ]


def test_the_film_follows_a_channel_and_opens_its_depth(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, mixing="shuffle")
    view.page.wait_for_function("() => document.querySelectorAll('.film-frame.waiting').length === 0")
    frames = view.page.locator(".film-row").first.locator(".film-frame")
    energies = [float(text) for text in frames.locator("small").all_inner_texts()]
    exact = [np.square(view.exact(module=m, point="output")[0].astype(float)).mean() for m in range(5)]
    np.testing.assert_allclose(energies, exact, atol=6e-4)
    view.page.get_by_role("button", name="Row 1: next channel").click()
    view.wait(film="[1,8,12,14]")
    frames.nth(3).click()
    view.wait(module=3)
    assert view.page.locator("#module h2").inner_text() == "Module 3 of 4"


REFUSED = {"error": {"code": "invalid", "message": "This one cannot be", "field": None, "hint": "look elsewhere"}}


def test_a_depth_that_cannot_be_had_ahead_says_so_and_the_others_come(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, painted=False)
    third = re.compile("/api/stack/maps.*module=3")
    view.page.route(third, lambda route: route.fulfill(status=200, headers={"Groupscope-Status": "422"}, json=REFUSED))
    view.page.reload()
    view.wait()
    frames = view.page.locator(".film-row").first.locator(".film-frame")
    assert [frames.nth(m).evaluate("(f) => f.className") for m in (2, 3, 4)] == [
        "film-frame",
        "film-frame refused",
        "film-frame",
    ]
    sentence = "This one cannot be; look elsewhere."
    assert frames.nth(3).get_attribute("title") == sentence
    assert frames.nth(3).get_attribute("aria-label") == f"Module 3: {sentence} Look at module 3"
    view.page.unroute(third)
    frames.nth(3).click()
    view.wait(module=3)
    assert frames.nth(3).get_attribute("title") is None
    assert (frames.nth(3).get_attribute("aria-label") or "").startswith("Channel 0 after module 3, energy")


def test_a_busy_server_is_asked_ahead_again(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, painted=False)
    busy: list[str] = []

    def turn_away(route: Route) -> None:
        if busy:
            route.continue_()
            return
        busy.append(route.request.url)
        error = {"code": "busy", "message": "Too many at once", "field": None, "hint": None}
        route.fulfill(status=200, headers={"Groupscope-Status": "503"}, json={"error": error})

    view.page.route(re.compile("/api/stack/maps.*module=3"), turn_away)
    view.page.reload()
    view.wait()
    assert len(busy) == 1
    assert view.page.locator(".film-frame:is(.waiting, .refused)").count() == 0


def test_two_groupings_share_a_scale_and_differ_exactly(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, module=1, gain="cut", point="sum")
    view.page.locator("#compare").check()
    view.page.locator("#b_scheme").select_option("logarithmic")
    view.type_number("b_groups", "5")
    view.wait(compare=True, b_scheme="logarithmic", b_groups=5, scaling="shared")
    exact = {side: view.exact(side=side) for side in ("a", "b", "difference")}
    np.testing.assert_allclose(exact["a"] - exact["b"], exact["difference"])
    assert (exact["difference"][:14] == 0).all()
    assert (exact["difference"][14:] != 0).any()
    low = min(exact["a"].min(), exact["b"].min())
    high = max(exact["a"].max(), exact["b"].max())
    for side in ("a", "b"):
        shown, channels, _ = levels(view, side)
        whole = within(exact[side][channels], np.full(16, low), np.full(16, high))
        assert np.abs(shown - whole).max() <= 1.01
    pixels = view.coloured("difference")[0].astype(int)
    assert (np.abs(pixels[:14, ..., 0] - pixels[:14, ..., 2]) <= 2).all()
    notes = view.page.locator("#maps .map-notes").inner_text()
    assert "A − B is exactly what the connections that B cuts would have added, up to float32 rounding." in notes
    view.set_range("depth_module", 3)
    view.wait(module=3)
    notes = view.page.locator("#maps .map-notes").inner_text()
    assert "deeper in the stack" in notes
    assert "14 of 16 difference maps are exactly 0" in notes
    assert view.number("b-params", "#headline") > 0


def test_pointing_at_a_map_points_at_its_counterparts(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, compare=True, module=2)
    view.page.locator("#maps-a-cursor").focus()
    view.page.keyboard.press("End")
    assert view.page.locator("#maps .readout-title").inner_text().startswith("A · Map 15 · group 4")
    for side in ("b", "difference"):
        label = view.page.locator(f"#maps-{side}-cursor").get_attribute("aria-label") or ""
        assert label.startswith("Map 15 ")
        assert view.page.locator(f"#maps-{side}-cursor.mirrored").count() == 1
    assert (view.page.locator("#maps-b-cursor").get_attribute("aria-label") or "").endswith(". Take apart")
    view.page.locator("#maps-difference-cursor").focus()
    view.page.keyboard.press("End")
    assert view.page.locator("#maps .readout-title").inner_text().endswith(" · opens A\u2019s map")
    label = view.page.locator("#maps-difference-cursor").get_attribute("aria-label") or ""
    assert label.endswith(". Opens A\u2019s map")
    view.page.keyboard.press("Enter")
    view.until_painted("inspector", inspected="a", channel=15)


def test_groups_that_cannot_be_move_to_the_nearest_and_say_so(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, scheme="uniform")
    view.type_number("groups", "7")
    view.wait(groups=8)
    message = view.wait_for_message("groups", "be split into 7 equal groups")
    assert "8" in message
    view.page.locator("#groups").press("ArrowRight")
    view.wait(groups=16)
    assert view.message("groups") == ""
    view.type_number("in_channels", "12")
    view.wait(in_channels=12, groups=12)


def test_each_scheme_shows_the_fields_it_has(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, compare=True)
    for prefix in ("", "b_"):
        for scheme, shown in (("logarithmic", ["base"]), ("custom", ["sizes"]), ("uniform", [])):
            view.page.locator(f"#{prefix}scheme").select_option(scheme)
            view.until_painted("maps", **{f"{prefix}scheme": scheme})
            visible = [name for name in ("base", "sizes") if view.page.locator(f"#{prefix}{name}").is_visible()]
            assert visible == shown
    view.page.locator("#b_scheme").select_option("custom")
    view.page.locator("#b_sizes").fill("4x4,12x12")
    view.page.locator("#b_sizes").press("Enter")
    view.wait(b_scheme="custom", b_sizes="4x4,12x12", b_groups=2)
    view.page.locator("#b_sizes").fill("4x4,8x8")
    view.page.locator("#b_sizes").press("Enter")
    view.wait_for_message("b_sizes", "4x4,8x8 does not sum to 16 channels on both sides; 4x4,12x12 does.")


def test_a_stack_that_cannot_be_says_why_and_keeps_the_last_picture(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL)
    before = view.coloured()[0]
    view.type_number("kernel_size", "4")
    message = view.wait_for_message("kernel_size", "dilation × (kernel_size − 1) must be even")
    assert "use an odd kernel_size such as 3" in message
    assert (view.coloured()[0] == before).all()
    assert view.page.locator("#maps .stale").count() == 1
    view.page.locator("#kernel_size-message button", has_text="Use 5 × 5").click()
    view.wait(kernel_size="5,5")
    assert view.message("kernel_size") == ""
    assert view.page.locator("#maps .stale").count() == 0
    view.page.locator("#downsample").select_option("max")
    view.set_range("stage", 1)
    view.set_range("modules", 8)
    assert "can't be halved" in view.wait_for_message("stage", "would have no pixels left")
    view.page.locator("#stage-message button", has_text="Halve nothing").click()
    view.wait(downsample="none")


def test_an_evicted_picture_is_told_beside_the_image(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL)
    before = view.coloured()[0]
    error = {"code": "unknown_image", "message": "This picture is not here", "field": "image", "hint": "upload it"}
    view.page.route(
        re.compile("/api/stack/maps"),
        lambda route: route.fulfill(status=200, headers={"Groupscope-Status": "404"}, json={"error": error}),
    )
    view.page.click("#seed-next")
    view.wait_for_message("image", "This picture is not here")
    assert (view.coloured()[0] == before).all()
    view.page.unroute(re.compile("/api/stack/maps"))
    view.page.locator("[data-image]").nth(2).click()
    view.until_painted("maps", seed=1)
    assert view.message("image") == ""


def test_the_last_change_wins(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL)
    held: list[Route] = []
    view.page.route(re.compile("/api/stack/maps"), lambda route: route.continue_() if held else held.append(route))
    view.page.click("#seed-next")
    view.page.locator("#maps .panel-body[aria-busy=true]").wait_for()
    view.page.click("#seed-next")
    view.until_painted("maps", seed=2)


def test_files_hold_the_exact_maps(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, module=2, point="conv", compare=True)
    links = view.page.locator("#takeaway .files-list a")
    with view.page.expect_download() as download:
        links.nth(0).click()
    np.testing.assert_array_equal(np.load(download.value.path()), view.exact())
    assert download.value.suggested_filename == "stack-module-2-a-conv.npy"
    with view.page.expect_download() as download:
        links.nth(5).click()
    np.testing.assert_array_equal(load(download.value.path().read_bytes())["maps"], view.exact(side="difference"))
    with view.page.expect_download() as download:
        view.page.click("#sheet-png")
    sheet = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert sheet.width > 3 * 32
    assert len(set(sheet.convert("RGB").resize((64, 64)).get_flattened_data())) > 20


def test_a_sheet_is_labelled_with_what_it_shows(open_stack: OpenStack) -> None:
    """Not with a state whose maps are still on their way."""
    view = open_stack(
        **SMALL, module=2, compare=True, scaling="map", mixing="shuffle", normalisation="conv", gain="cut"
    )
    view.page.evaluate(
        """() => {
          window.told = [];
          const write = CanvasRenderingContext2D.prototype.fillText;
          CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
            window.told.push(text);
            return write.call(this, text, ...at);
          };
        }"""
    )
    held: list[Route] = []
    view.page.route(re.compile("/api/stack/maps"), lambda route: held.append(route))
    view.page.click("#seed-next")
    view.page.locator("#maps .panel-body[aria-busy=true]").wait_for()
    with view.page.expect_download() as download:
        view.page.click("#sheet-png")
    assert download.value.suggested_filename == "stack-module-2.png"
    told = view.page.evaluate("() => window.told")
    assert told[:4] == [
        "4 modules of 16 channels, 3 × 3, A: logarithmic n\u202f=\u202f4, base 2; B: uniform n\u202f=\u202f4",
        "residual · ReLU · normalisation of the convolution · channel shuffle",
        "module 2, output · size 32 · one scale for each map · grey, A − B diverging",
        "weights filter-bank, seed 0, gain cut, untrained",
    ]
    view.page.unroute(re.compile("/api/stack/maps"))
    view.page.click("#seed-next")
    view.wait(seed=2)


def test_the_view_is_a_link(open_stack: OpenStack) -> None:
    state = {
        **SMALL,
        "mixing": "shuffle",
        "module": 3,
        "scaling": "group",
        "colours": "viridis",
        "seed": 5,
        "film": "[3,9]",
    }
    view = open_stack(**state)
    again = open_stack(**view.state)
    assert again.state == view.state
    assert {key: view.state[key] for key in state} == {key: str(value) for key, value in state.items()}
    assert (again.coloured()[0] == view.coloured()[0]).all()


def test_memory_stays_bounded(open_stack: OpenStack) -> None:
    """A thousand changes: what the page keeps does not grow with them."""
    view = open_stack(size=16, in_channels=8, modules=2)
    count = "() => [document.querySelectorAll('*').length, performance.memory.usedJSHeapSize]"
    step = """async (seeds) => {
      for (const seed of seeds) {
        const box = document.querySelector('#seed');
        box.value = seed;
        box.dispatchEvent(new Event('change', { bubbles: true }));
        await new Promise(requestAnimationFrame);
      }
    }"""
    view.page.evaluate(step, list(range(1, 101)))
    view.wait(seed=100)
    nodes, heap = view.page.evaluate(count)
    view.page.evaluate(step, list(range(101, 1001)))
    view.wait(seed=1000)
    after, heap_after = view.page.evaluate(count)
    assert after <= nodes + 50
    assert heap_after <= heap + 80e6
