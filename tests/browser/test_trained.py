"""Looking through a trained network: chosen, told of, taken apart, brought as a file; the maps are the network's."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Page, expect
from safetensors.numpy import save

from tests.browser.conftest import Open, OpenStack
from tests.browser.stack import Stack
from tests.browser.test_inspector import npy, opened, value
from tests.browser.test_looks import SCREENS, assert_fine
from tests.compute.trainedcases import STACK, STACKS, file_of, tensors_of

SENTENCE = "Fashion-MNIST, 86.4 % of 2,000 test images, 25 November 2026"
Bring = Callable[[bytes], str]


@pytest.fixture
def bring(server: str) -> Bring:
    """Sends a file of a network to the server; its id."""

    def send(raw: bytes) -> str:
        with urlopen(Request(f"{server}/api/checkpoints", raw, method="POST")) as answer:
            return str(json.loads(answer.read())["id"])

    return send


def choose(page: Page, checkpoint: str) -> None:
    page.locator("#weights").select_option("trained")
    expect(page.locator(f'#checkpoint option[value="{checkpoint}"]')).to_be_attached()
    page.locator("#checkpoint").select_option(checkpoint)
    page.wait_for_function("(id) => location.search.includes(`checkpoint=${id}`)", arg=checkpoint)


def picked(name: str, raw: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": raw}


def test_a_layer_becomes_the_first_module_of_a_network(open_page: Open, bring: Bring) -> None:
    checkpoint = bring(file_of(STACKS["uniform"], seed=21, name="Twelve channels"))
    view = open_page(size=64)
    page = view.page
    choose(page, checkpoint)
    view.wait(in_channels=12, out_channels=12, scheme="uniform", groups=3, weights="trained", relu=False)
    facts = page.locator(".trained-facts")
    assert f"{SENTENCE}." in facts.inner_text()
    assert "It saw 28 × 28 grey pictures" in facts.inner_text()
    assert "The page shows the convolution of its first module as trained." in facts.inner_text()
    assert f"Trained weights: Twelve channels, {SENTENCE}." in page.locator("#maps .map-notes").inner_text()
    assert not page.locator("#gain").is_visible()
    assert not page.locator("#seed").is_visible()
    view.assert_maps_are_exact()

    page.locator("#scheme-logarithmic").check()
    view.wait(scheme="logarithmic")
    view.assert_maps_are_exact()
    told = "split logarithmic into 3 groups, trained with uniform into 3 groups"
    expect(page.locator(".trained-differs li")).to_have_text([told])
    page.locator("#trained-set").click()
    view.wait(scheme="uniform", groups=3)
    assert page.locator(".trained-exact").is_visible()

    address = page.url
    page.locator("#weights").select_option("random")
    view.wait(weights="random")
    assert "checkpoint" not in view.state
    assert page.locator("#gain").is_visible()
    assert "Untrained weights" in page.locator("#maps .map-notes").inner_text()
    page.goto(address)
    view.wait(weights="trained", checkpoint=checkpoint)
    expect(page.locator(".trained-sentence")).to_have_text(f"{SENTENCE}.")
    expect(page.locator("#maps .map-notes")).to_contain_text("Trained weights: Twelve channels")
    page.locator("#to-stack").click()
    page.wait_for_url("**/stack?**")
    stack = Stack(page, view.server).wait(checkpoint=checkpoint, modules=3, mixing="shuffle", downsample="max", size=64)
    assert stack.page.locator(".trained-exact").is_visible()


def test_a_network_is_looked_through_and_taken_apart(open_stack: OpenStack, bring: Bring) -> None:
    checkpoint = bring(file_of(STACKS["rotated"], 3, seed=22, name="Turned"))
    view = open_stack(size=32)
    page = view.page
    choose(page, checkpoint)
    view.wait(in_channels=14, modules=3, mixing="rotated", scheme="logarithmic", b_scheme="uniform")
    assert f"Trained weights: Turned, {SENTENCE}" in page.locator("#maps .map-notes").inner_text()
    assert "Trained weights: Turned" in page.locator("#redundancy").inner_text()
    view.set_range("depth_module", 2)
    view.wait(module=2)
    exact = view.exact()
    shown, channels, _ = view.coloured()
    low, high = exact.min((1, 2)), exact.max((1, 2))
    span = np.where(high > low, high - low, np.inf)
    expected = 255 * (exact - low[:, None, None]) / span[:, None, None]
    assert np.abs(shown[..., 0].astype(float) - expected[channels]).max() <= 1.01

    page.locator("#maps-a canvas").first.click(position={"x": 5, "y": 5})
    opened(view, row=8, column=8)
    assert value(page) == npy(view)[8, 8]
    assert page.locator(".inspector-whose").inner_text() == f"Trained weights: Turned, {SENTENCE}."
    page.keyboard.press("Escape")
    page.locator("#compare").check()
    view.wait(compare=True)
    a, b, difference = (view.exact(side=side) for side in ("a", "b", "difference"))
    assert np.array_equal(difference, a - b)
    assert np.abs(difference).max() > 0
    assert view.coloured("difference")[0].shape[0] == 14


def test_what_a_network_lacks_is_said_where_it_is_asked_for(open_stack: OpenStack, bring: Bring) -> None:
    checkpoint = bring(file_of(STACK, seed=23))
    query = {"in_channels": 12, "scheme": "standard", "modules": 3, "weights": "trained", "checkpoint": checkpoint}
    view = open_stack(size=32, **query)
    view.set_range("modules", 5)
    assert view.wait_for_message("checkpoint", "modules") == "The network has 3 modules, not 5."
    view.page.locator("#trained-set").click()
    view.wait(modules=3, downsample="max")
    assert view.message("checkpoint") == ""
    view.set_range("in_channels", 20)
    assert view.wait_for_message("in_channels", "channels") == (
        "The network in the checkpoint has 12 channels, not 20; use 12 or fewer."
    )
    view.set_range("in_channels", 11)
    view.wait(in_channels=11)
    assert view.message("in_channels") == view.message("checkpoint") == ""


def test_a_network_that_is_gone_is_told_beside_its_name(open_stack: OpenStack) -> None:
    query = {"in_channels": 12, "weights": "trained", "checkpoint": "f" * 64}
    view = open_stack(size=32, painted=False, **query)
    assert "not on the server" in view.wait_for_message("checkpoint", "This trained network")
    view.page.locator("#weights").select_option("random")
    view.wait(weights="random")
    assert view.message("checkpoint") == ""


def test_a_file_is_brought_and_forgotten(open_stack: OpenStack, bring: Bring) -> None:
    bring(file_of(STACK, seed=24))  # so that there is one to begin with
    facts = {"in_channels": 10, "scheme": "custom", "sizes": "3x4,7x6", "modules": 2, "downsample": "none"}
    view = open_stack(size=32, **facts)
    page = view.page
    page.locator("#weights").select_option("trained")
    view.wait(weights="trained")
    for key in ("in_channels", "modules"):
        view.type_number(key, str(facts[key]))
    page.locator("#downsample").select_option("none")
    page.locator("#scheme").select_option("custom")
    page.locator("#sizes").fill("3x4,7x6")
    page.locator("#sizes").press("Enter")
    view.wait(in_channels=10, modules=2, scheme="custom", sizes="3x4,7x6")
    own = {**STACK, **{key: facts[key] for key in ("in_channels", "scheme", "modules", "downsample")}}
    own |= {"sizes": [[3, 4], [7, 6]], "groups": 2}
    tensors = tensors_of(own, 3, seed=25)

    page.locator(".trained-layout summary").click()
    rows = page.locator(".trained-layout li")
    expect(rows.first).to_have_text("stem.weight (10, 1 or 3, 3, 3)")
    assert [row.split(" ")[0] for row in rows.all_inner_texts()] == list(tensors)

    page.locator("#own-network").set_input_files(picked("net.pt", b"PK\x03\x04 and so on"))
    assert "never opened" in view.wait_for_message("own-network", "pickle")
    wrong = {**tensors, "modules.2.weights.1": tensors["modules.2.weights.1"][:, :3].copy()}
    page.locator("#own-network").set_input_files(picked("net.safetensors", save(wrong)))
    assert "modules.2.weights.1 must be (6, 7, 3, 3), not (6, 3, 3, 3)" in view.wait_for_message("own-network", "must")

    page.locator("#own-network").set_input_files(picked("my net.safetensors", save(tensors)))
    expect(page.locator("#checkpoint option:checked")).to_have_text("my net.safetensors")
    view.wait(scheme="custom", in_channels=10)
    assert view.message("own-network") == ""
    assert page.locator(".trained-exact").is_visible()
    assert "Its file names neither data nor accuracy." in page.locator(".trained-facts").inner_text()
    stem = view.exact(module=0)
    assert stem.shape == (10, 32, 32)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download its file").click()
    assert Path(download.value.path()).read_bytes()[8:9] == b"{"

    page.get_by_role("button", name="Delete it from the server").click()
    view.wait_for_message("own-network", "my net.safetensors is deleted")
    expect(page.locator("#checkpoint option:checked")).to_have_text("not on this server")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(open_stack: OpenStack, bring: Bring, color_scheme: Any, screen: str) -> None:
    checkpoint = bring(file_of(STACK, seed=26))
    query = {"in_channels": 12, "scheme": "uniform", "groups": 2, "modules": 2, "weights": "trained"}
    view = open_stack(screen=SCREENS[screen], color_scheme=color_scheme, size=32, checkpoint=checkpoint, **query)
    page = view.page
    if screen == "phone":
        page.locator("#sheet").click()
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => (d.open = true))")
    expect(page.locator(".trained-layout li").first).to_be_attached()
    assert_fine(page, SCREENS[screen][0])
