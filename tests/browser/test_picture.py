"""Ways to a picture: dropped, pasted, chosen from the shelf; and back from one that the server does not have."""

from base64 import b64encode
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.conftest import Open
from tests.browser.panels import Groupscope

BRICK = Path(__file__).parents[2] / "static/samples/brick.jpg"
UNKNOWN = "0" * 64

HAND_OVER = """
([bytes, way]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], 'mine.png', { type: 'image/png' }));
  const how = { bubbles: true, cancelable: true };
  if (way === 'paste') return document.body.dispatchEvent(new ClipboardEvent('paste', { ...how, clipboardData: data }));
  document.body.dispatchEvent(new DragEvent('dragenter', { ...how, dataTransfer: data }));
  const invited = document.documentElement.classList.contains('dropping');
  document.body.dispatchEvent(new DragEvent('drop', { ...how, dataTransfer: data }));
  return invited && !document.documentElement.classList.contains('dropping');
}
"""


def samples(view: Groupscope) -> list[str]:
    """Ids of the shelf, once its pictures are there to be seen."""
    view.page.wait_for_function(
        "() => [...document.querySelectorAll('.sample > img')].every((i) => i.complete && i.naturalWidth > 0)"
    )
    return [str(id) for id in view.page.locator(".sample").evaluate_all("(all) => all.map((s) => s.dataset.image)")]


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_file_dropped_or_pasted_is_the_picture(open_page: Open, tmp_path: Path, way: str) -> None:
    view = open_page(size=64)
    before = view.state["image"]
    Image.open(BRICK).rotate(90, expand=True).save(tmp_path / "mine.png")
    answer = view.page.evaluate(HAND_OVER, [b64encode((tmp_path / "mine.png").read_bytes()).decode(), way])
    assert answer is (way == "drop")  # the page takes a paste for itself
    view.page.wait_for_function("(first) => !location.search.includes(first)", arg=before)
    view.wait()
    assert view.state["image"] not in (before, *samples(view))
    assert view.page.locator(".image-name").inner_text() == "mine.png"
    view.assert_maps_are_exact()


def test_a_sample_is_one_click_away(open_page: Open) -> None:
    view = open_page(size=64)
    other = next(id for id in samples(view) if id != view.state["image"])
    view.page.locator(f".sample[data-image='{other}']").click()
    view.wait(image=other)
    view.assert_maps_are_exact()
    view.page.locator(f".thumbnail[data-image='{other}']").wait_for()
    assert view.page.locator(".thumbnail").evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 64


def test_a_link_to_an_unknown_picture_leads_to_a_sample(open_page: Open) -> None:
    view = open_page(painted=False, image=UNKNOWN, size=64)
    view.wait_for_message("image", "picture")
    sample = samples(view)[1]
    view.page.locator(f".sample[data-image='{sample}']").click()
    view.wait(image=sample)
    assert view.message("image") == ""
    view.assert_maps_are_exact()
