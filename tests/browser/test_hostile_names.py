"""What clients call things, on the pages that show it: text, whatever it looks like. Every page is watched, so that a
script that began to run would be a breach of the policy, and that fails the story."""

import csv
import io
import json
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect
from safetensors.numpy import save

from tests.browser.conftest import Open, OpenNetworks, OpenStack
from tests.compute.trainedcases import STACK, tensors_of

NAME = '<img src="x" onerror="window.hit=1">'
LAYER = "=1+1<b onclick=hit()>"
DOCUMENT = {
    "name": NAME, "input_shape": [3, 16, 16],
    "layers": [
        {"kind": "Conv2d", "name": LAYER, "out_channels": 8, "kernel_size": 3},
        {"kind": "Conv2d", "name": "{{7*7}}<script>hit()</script>", "out_channels": 8, "kernel_size": 3},
    ],
}  # fmt: skip
MADE = "img[src='x'], [onerror], [onclick], [onload], b[onclick], script:not([src]):not([type='application/json'])"


def assert_text_only(page: Page) -> None:
    assert page.locator(MADE).count() == 0
    assert page.evaluate("() => window.hit") is None


def test_a_network_and_its_layers_are_called_what_they_are(open_networks: OpenNetworks) -> None:
    view = open_networks(policy="keep")
    page = view.page
    page.click("#own-open")
    page.fill("#own-text", json.dumps(DOCUMENT))
    page.click("#own-use")
    view.wait(network="own")
    assert view.text("#headline h2") == NAME
    assert view.rows() == [layer["name"] for layer in DOCUMENT["layers"]]
    page.select_option("#policy", "uniform")  # the original, and its name, stand in the chart's legend then
    page.wait_for_function("(name) => document.querySelector('#curves-chart').textContent.includes(name)", arg=NAME)
    page.locator("#layers .edit").first.click()
    page.wait_for_selector("#layers .editor-form input")
    assert_text_only(page)

    with page.expect_download() as download:
        page.click("#save-csv")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert rows[0]["name"] == f"'{LAYER}"
    with page.expect_download() as download:
        page.click("#curves-chart-svg")
    drawing = ElementTree.parse(download.value.path())
    parts = [part for part in drawing.iter() if isinstance(part.tag, str)]
    assert not {part.tag.rpartition("}")[2] for part in parts} & {"script", "foreignObject", "iframe", "a", "img", "b"}
    assert not any(name.startswith("on") for part in parts for name in part.attrib)
    assert NAME in "".join(drawing.getroot().itertext())


def test_a_trained_network_is_called_what_it_is(open_stack: OpenStack, server: str) -> None:
    stack = {key: value for key, value in STACK.items() if not isinstance(value, list | type(None))}
    query = "&".join(f"{key}={str(value).lower()}" for key, value in stack.items())
    raw = save(tensors_of(STACK, 3, seed=77))
    with urlopen(Request(f"{server}/api/checkpoints?{query}&name={quote(NAME)}", raw, method="POST")) as answer:
        checkpoint = json.loads(answer.read())["id"]
    view = open_stack(size=32, in_channels=12, modules=2, weights="trained", checkpoint=checkpoint)
    expect(view.page.locator("#checkpoint option:checked")).to_have_text(NAME)
    view.page.locator("#maps-a canvas").first.click(position={"x": 5, "y": 5})
    view.page.wait_for_selector("#inspector[data-painted]")
    assert NAME in view.page.locator(".inspector-whose").inner_text()
    assert_text_only(view.page)
    view.page.keyboard.press("Escape")
    view.page.get_by_role("button", name="Delete it from the server").click()
    assert NAME in view.wait_for_message("own-network", "is deleted")
    assert_text_only(view.page)


def test_a_picture_and_a_split_are_called_what_they_are(open_page: Open) -> None:
    view = open_page(size=32, scheme="custom", sizes="32x32,32x32")
    page = view.page
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), (90, 60, 30)).save(picture, "PNG")
    file: FilePayload = {"name": f"{NAME}.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    page.locator("#image input[type=file]").set_input_files(file)
    expect(page.locator(".image-name")).to_have_text(f"{NAME}.png")
    page.locator("#sizes").fill(f"32x32,{NAME}")
    page.locator("#sizes").press("Enter")
    view.wait_for_message("sizes", "<img")
    assert_text_only(page)


@pytest.mark.parametrize("field", ["scheme", "sizes", "groups", "image", "seed", "weights"])
def test_a_link_is_read_as_text(open_page: Open, field: str) -> None:
    view = open_page(painted=False, size=32, **{field: NAME})
    view.page.wait_for_selector("#maps[data-painted]")
    assert_text_only(view.page)
