"""Redundancy and scale on the stack page, against the API: pixels, readouts, tables, files."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from app.stackparams import STACK
from tests.browser.conftest import OpenStack
from tests.browser.stack import Stack

SMALL: dict[str, Any] = {"size": 32, "in_channels": 16, "modules": 3, "module": 2, "mixing": "rotated", "groups": 3}

CELLS = """
(canvas) => {
  const [{ width }, zoom] = [canvas, canvas.width / 16];
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, width);
  return Array.from({ length: 256 }, (_, cell) => {
    const [x, y] = [(cell % 16) + 0.5, Math.floor(cell / 16) + 0.5].map((at) => Math.floor(at * zoom));
    return [...data.slice(4 * (y * width + x), 4 * (y * width + x) + 3)];
  });
}
"""


def matrices(view: Stack, **more: object) -> tuple[dict[str, Any], dict[str, Any]]:
    tensors, facts = view.body("/api/stack/redundancy", module=view.state["module"], **more)
    return tensors, {name: json.loads(text) if text[:1] in "[{0123456789" else text for name, text in facts.items()}


def pixels(view: Stack, name: str) -> np.ndarray:
    return np.array(view.page.locator(f"#{name} .matrix-cells").evaluate(CELLS)).reshape(16, 16, 3)


def test_the_pictures_stand_in_the_groups_order(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL)
    tensors, facts = matrices(view)
    after = [(c + 4) % 16 for c in range(16)]
    assert facts["rotation"] == 4
    correlation = tensors["correlation"][np.ix_(after, after)]
    shown = pixels(view, "correlation")
    gone = np.isin(after, facts["dead"])
    live = ~gone[:, None] & ~gone[None, :]
    order = np.argsort(correlation[live])
    assert (shown[live][np.isclose(correlation[live], 1)] == [253, 231, 37]).all()
    blue, green = shown[live][order][:, 2].astype(int), shown[live][order][:, 1].astype(int)
    assert (np.diff(green) >= -1).all()  # viridis: ever greener
    assert blue[0] > 80
    covariance = tensors["covariance"][np.ix_(facts["order_before"], after)]
    warm = pixels(view, "covariance").astype(int)
    alive = ~np.isin(facts["order_before"], facts["dead_before"])[:, None] & ~gone[None, :]
    strong = alive & (np.abs(covariance) > 0.01 * np.abs(covariance).max())
    assert strong.any()
    assert ((warm[..., 0] > warm[..., 2]) == (covariance > 0))[strong].all()
    top, low = np.unravel_index(np.abs(covariance).argmax(), covariance.shape)
    assert warm[top, low].tolist() in ([133, 58, 2], [3, 82, 143])


def test_a_cell_tells_its_pair_and_the_exact_value(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL)
    tensors, facts = matrices(view)
    view.page.locator("#correlation").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown"):
        view.page.keyboard.press(key)
    told = view.page.locator("#redundancy .matrix-readout").first.inner_text()
    if {5, 6} & set(facts["dead"]):
        assert told == "Channels 5 and 6: a map is constant, so there is no value."
    else:
        assert told.startswith("Channels 5 and 6 of module 2: |correlation| ")
        assert np.float32(told.rstrip(".").split()[-1]) == tensors["correlation"][5, 6]
    view.page.keyboard.press("Enter")
    view.page.locator("#redundancy .map-twin > summary").click()
    cells = view.page.locator("#redundancy .map-twin td")
    cells.first.wait_for()
    shown = {
        name: [float(v) for v in cells.evaluate_all(
            "(cells, name) => cells.filter((c) => c.dataset.name === name).map((c) => c.dataset.value)", name
        )]
        for name in ("correlation", "covariance")
    }  # fmt: skip
    np.testing.assert_array_equal(np.array(shown["correlation"], np.float32), tensors["correlation"][6])
    np.testing.assert_array_equal(np.array(shown["covariance"], np.float32), tensors["covariance"][:, 6])


def test_dead_maps_are_named_and_have_no_value(open_stack: OpenStack) -> None:
    view = open_stack(size=16, in_channels=32, modules=2, scheme="depthwise", residual=False, weights="random")
    _, facts = matrices(view)
    assert facts["dead"]
    told = view.page.locator(".redundancy-dead").inner_text()
    noun = "map" if len(facts["dead"]) == 1 else "maps"
    assert f"{len(facts['dead'])} {noun} of 32 after module 1: {facts['dead'][0]}" in told
    view.page.locator("#correlation").focus()
    for _ in range(facts["dead"][0] + 1):
        view.page.keyboard.press("ArrowRight")
    assert "a map is constant" in view.page.locator("#redundancy .matrix-readout").first.inner_text()


def test_ranks_and_files_are_those_of_the_api(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, compare=True, b_groups=2, side="b")
    tensors, facts = matrices(view, side="b")
    rank = facts["rank"]
    expected = {
        "stem": rank["stem"],
        "before, module 1": rank["before"],
        "module 2": rank["layer"],
        **{f"group {g + 1}": value for g, value in enumerate(rank["groups"])},
    }
    assert len(rank["groups"]) == 2
    assert {name: view.number(name, "#redundancy") for name in expected} == expected
    with view.page.expect_download() as download:
        view.page.click("#covariance-csv")
    assert download.value.suggested_filename == "covariance-module-2.csv"
    lines = Path(download.value.path()).read_text().splitlines()
    values = np.array([[np.float32(cell) for cell in line.split(",")[1:]] for line in lines[1:]])
    np.testing.assert_array_equal(values, tensors["covariance"])


def test_the_stem_leads_to_module_1(open_stack: OpenStack) -> None:
    view = open_stack(**{**SMALL, "module": 0})
    assert view.page.locator("#correlation").is_hidden()
    view.page.click("#redundancy-first")
    view.until_painted("redundancy", module=1)
    assert view.page.locator("#correlation").is_visible()
    assert view.page.locator("#redundancy h3").first.inner_text() == "Within module 1"


def test_scale_is_that_of_the_api(open_stack: OpenStack) -> None:
    view = open_stack(**SMALL, gain="cut", normalisation="sum")
    arms = view.answer("/api/stack/scale", names=STACK)["arms"]
    for arm in arms:
        cells = view.page.locator(f'#scale td[data-arm="{arm["gain"]} {arm["normalisation"]}"]')
        shown = cells.evaluate_all("(cells) => cells.map((cell) => Number(cell.dataset.value))")
        assert shown == arm["rms"]
    widths = view.page.evaluate("() => document.querySelector('#scale-chart').data.map((line) => line.line.width)")
    assert [width > 2 for width in widths] == [arm["chosen"] for arm in arms]
    [chosen] = [arm for arm in arms if arm["chosen"]]
    factor = chosen["rms"][-1] / chosen["rms"][0]
    told = view.page.locator(".scale-sentence").inner_text()
    verb = "grows to" if factor > 1 else "shrinks to"
    assert told.startswith(f"Cut, sum normalised: from the stem to module 3 the scale {verb} ")
    nearest = min(arms, key=lambda arm: abs(np.log(arm["rms"][-1] / arm["rms"][0])))
    assert ("No other of the six" in told) == nearest["chosen"]
