"""The main job: a photograph, the groups slider; the split, the numbers and the maps follow."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from compute import ConvSpec, Grouping, describe_layer
from compute.maps import MapsSpec
from tests.browser.conftest import Open
from tests.browser.panels import Groupscope, grey
from tests.compute.exported import execute
from tests.compute.test_run import expected_maps

SAMPLES = Path(__file__).parents[2] / "static/samples"


def assert_numbers(view: Groupscope, spec: ConvSpec) -> None:
    described = describe_layer(spec)
    for shown, expected in {
        "params-this-layer": described["params"],
        "params-standard": described["standard"]["params"],
        "params-fully-connected": described["fully_connected"]["params"],
        "work-this-layer": described["macs"],
        "work-standard": described["standard"]["macs"],
        "memory_access-this-layer": described["memory_access_bytes"],
        "params-this-layer-ratio": described["ratios"]["params"],
        "work-this-layer-ratio": described["ratios"]["macs"],
    }.items():
        assert view.number(shown) == expected, shown
    formula = view.page.locator('#numbers [data-name="params-formula"]').inner_text()
    assert formula == described["formulas"]["params"]
    assert view.page.locator("#split table tbody tr").count() == len(described["groups"])


def test_a_photograph_and_the_groups_slider(open_page: Open, tmp_path: Path) -> None:
    view = open_page()
    photograph = Image.open(SAMPLES / "coffee.jpg").rotate(90, expand=True)
    photograph.save(tmp_path / "mine.png")
    view.page.set_input_files("#image-file", tmp_path / "mine.png")
    view.page.wait_for_function("(first) => !location.search.includes(first)", arg=view.state["image"])
    view.wait()
    view.page.focus("#groups")
    view.page.keyboard.press("ArrowRight")
    view.wait(groups=5)
    spec = ConvSpec(Grouping.logarithmic(64, 64, 5))
    assert_numbers(view, spec)
    view.assert_maps_are_exact()
    shown, groups = view.tiles()
    assert groups == [0] * 32 + [1] * 16 + [2] * 8 + [3] * 4 + [4] * 4
    full = expected_maps(photograph.convert("RGB"), MapsSpec(spec))  # torch's own dense layer with cut connections
    averaged = full.reshape(64, 56, 4, 56, 4).mean((2, 4))
    assert np.abs(shown - grey(averaged, groups, "map")).max() <= 1.5


def test_twenty_rapid_changes_end_on_the_last(open_page: Open) -> None:
    view = open_page(size=96, in_channels=48, out_channels=48)
    rng = random.Random(4)
    changes = []
    for _ in range(20):
        name = rng.choice(["groups", "in_channels", "out_channels", "kernel_size"])
        low, high = {"groups": (1, 6), "kernel_size": (1, 5)}.get(name, (16, 64))
        changes.append([name, rng.randint(low, high)])
    changes.append(["in_channels", 40])
    view.page.evaluate(
        """(changes) => {
          for (const [id, value] of changes) {
            const input = document.getElementById(id);
            input.value = value;
            input.dispatchEvent(new Event('input', { bubbles: true }));
          }
        }""",
        changes,
    )
    view.wait(in_channels=40)
    view.assert_maps_are_exact()
    assert view.number("work-this-layer") == view.layer()["macs"]


@pytest.mark.parametrize("scaling", ["map", "group", "shared"])
def test_scaling_by_map_by_group_and_together(open_page: Open, scaling: str) -> None:
    view = open_page(scaling=scaling, size=112, relu="false", scheme="uniform", groups=8)
    assert view.page.locator("#scaling").input_value() == scaling
    view.assert_maps_are_exact()


@pytest.mark.parametrize(
    "state",
    [
        {"scheme": "depthwise", "in_channels": "24", "out_channels": "48"},
        {"scheme": "custom", "in_channels": "12", "out_channels": "9", "sizes": "1x2,1x2,4x1,6x4"},
        {"scheme": "logarithmic", "in_channels": "99", "out_channels": "100", "groups": "3", "base": "3"},
        {"scheme": "standard", "kernel_size": "3,2", "stride": "2,1", "padding": "0,1", "dilation": "1,2"},
        {"weights": "random", "gain": "fan-in", "seed": "123", "bias": "false", "relu": "false"},
    ],
    ids=["depthwise", "custom", "rounded", "awkward", "random"],
)
def test_every_control_changes_what_is_shown(open_page: Open, state: dict[str, str]) -> None:
    view = open_page(size=64, **state)
    assert state.items() <= view.state.items()
    view.assert_maps_are_exact()
    layer = view.layer()
    assert view.number("params-this-layer") == layer["params"]
    assert view.number("work-this-layer") == layer["macs"]
    shown = view.page.locator('#numbers [data-name="memory_access-formula"]').inner_text()
    assert shown == layer["formulas"]["memory_access"]


def test_macs_or_flops(open_page: Open) -> None:
    view = open_page(size=64)
    macs = view.number("work-this-layer")
    view.page.select_option("#unit", "flops")
    view.wait(unit="flops")
    assert view.number("work-this-layer") == 2 * macs == view.layer()["flops"]
    assert view.page.locator('#numbers [data-name="work-formula"]').inner_text() == view.layer()["formulas"]["flops"]


def test_a_step_sends_only_what_changed(open_page: Open) -> None:
    view = open_page()
    with view.page.expect_request(lambda request: "/api/feature-maps" in request.url) as asked:
        view.page.focus("#groups")
        view.page.keyboard.press("ArrowRight")
    view.wait(groups=5)
    assert "channels=56:64" in asked.value.url
    view.assert_maps_are_exact()


def test_a_copied_link_restores_the_view(open_page: Open) -> None:
    view = open_page()
    view.set_range("in_channels", 96)
    view.wait(in_channels=96)
    view.page.locator("#scheme-uniform").check()
    view.wait(scheme="uniform")
    view.page.fill("#seed", "77")
    view.page.press("#seed", "Enter")
    view.wait(seed=77)
    view.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view.page.locator("#copy-link").click()
    view.page.locator("#copy-link", has_text="Copied").wait_for()
    assert view.page.evaluate("() => navigator.clipboard.readText()") == view.page.url
    other = open_page(**view.state)
    assert other.state == view.state
    assert np.array_equal(other.tiles()[0], view.tiles()[0])
    assert other.page.locator("#in_channels").input_value() == "96"
    assert other.page.locator("#seed").input_value() == "77"


def test_the_split_can_be_walked_with_the_keyboard(open_page: Open) -> None:
    view = open_page(size=64)
    split = view.page.locator("#split [tabindex='0']").first
    split.focus()
    split.press("ArrowDown")
    split.press("ArrowDown")
    readout = view.page.locator("#split").inner_text()
    group = view.layer()["groups"][1]
    for number in (group["weight_shape"], group["params"]):
        text = " × ".join(map(str, number)) if isinstance(number, list) else f"{number:,}".replace(",", "\u202f")
        assert text in readout


def test_a_map_opens_at_full_resolution(open_page: Open) -> None:
    view = open_page()
    canvas = view.page.locator("#maps canvas[data-group='1']")
    canvas.scroll_into_view_if_needed()
    canvas.click(position={"x": 20, "y": 20})
    lightbox = view.page.locator("#lightbox")
    large = lightbox.locator("canvas")
    view.page.wait_for_function(
        "() => { const c = document.querySelector('#lightbox canvas'); return c?.width === 224; }"
    )
    exact = view.exact_maps(224)[32]
    shown = np.array(
        large.evaluate("(c) => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"), np.uint8
    ).reshape(224, 224, 4)[..., 0]
    assert np.abs(shown - grey(exact[None], [1], "map")[0]).max() <= 1.01
    assert f"{exact.max():.3g}"[:4] in lightbox.inner_text()
    view.page.keyboard.press("Escape")
    assert not lightbox.is_visible()


def test_the_layer_leaves_as_code(open_page: Open, tmp_path: Path) -> None:
    view = open_page(size=32, in_channels=99, out_channels=100, groups=3, base=3, stride="2,1")
    with view.page.expect_download() as download:
        view.page.click("#layer-code")
    download.value.save_as(tmp_path / "layer.py")
    layer = execute((tmp_path / "layer.py").read_text(encoding="utf-8"))["build"]()
    assert sum(p.numel() for p in layer.parameters()) == view.number("params-this-layer")
    assert list(layer(torch.zeros(1, 99, 32, 32)).shape[1:]) == view.layer()["output_shape"]
