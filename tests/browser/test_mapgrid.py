"""Grids of maps whose channels are in no order, side by side, each following the other's cursor."""

from tests.browser.conftest import Open

# Two grids of the same four maps, 20 x 20 values each: channel c is c all over, and channel 9 is dead.
GRIDS = """
async () => {
  const { createMapGrid } = await import('/static/js/panels/mapgrid.js');
  const { colourTable } = await import('/static/js/draw/colours.js');
  const host = document.querySelector('main');
  host.replaceChildren();
  const tile = (channel) => ({
    channel, width: 20, height: 20, full: [20, 20],
    data: new Uint8Array(400), scale: 0, offset: channel === 9 ? 0 : channel,
    stats: { min: 0, max: 0, mean: 0, std: 0, zeros: Number(channel === 9) },
  });
  const sections = [[5, 2], [9, 0]].map((channels, index) => ({
    index, name: `group ${index + 1}`, sees: 'inputs 6, 7, 0', tiles: channels.map(tile),
  }));
  window.heard = [];
  const grids = {};
  for (const id of ['a', 'b']) {
    const box = document.createElement('div');
    box.style.width = '150px';
    host.append(box);
    grids[id] = createMapGrid(box, {
      onPoint: (channel) => { window.heard.push([id, channel]); grids[id === 'a' ? 'b' : 'a'].point(channel); },
      onOpen: (channel) => window.heard.push([id, 'open', channel]),
      describe: (channel) => `map ${channel}`,
    }, { id, label: `Grouping ${id}` });
    grids[id].show({ sections, range: [-10, 10], colours: colourTable('diverging'), flagDead: true, zoomSide: 40 });
  }
}
"""

HEARD = "() => window.heard.splice(0)"

PIXEL = """
([selector, x, y]) => [...document.querySelector(selector).getContext('2d').getImageData(x, y, 1, 1).data]
"""

# Where the cursor of a grid stands over its canvases, in CSS pixels, and whether it is seen.
CURSOR = """
(id) => {
  const [cursor, canvas] = [document.getElementById(`${id}-cursor`), document.querySelector(`#${id} canvas`)];
  const [a, b] = [cursor.getBoundingClientRect(), canvas.getBoundingClientRect()];
  return [a.left - b.left, a.top - b.top, a.width, getComputedStyle(cursor).opacity];
}
"""


def test_grids_of_maps_in_any_order_follow_one_another(open_page: Open) -> None:
    view = open_page(size=64)
    page = view.page
    page.evaluate(GRIDS)
    first, second = page.locator("#a canvas").all()
    data = "canvas => [canvas.dataset.outStart, canvas.dataset.channels, canvas.dataset.count]"
    assert [first.evaluate(data), second.evaluate(data)] == [["5", "5,2", "2"], ["9", "9,0", "2"]]
    assert first.get_attribute("aria-label") == "Grouping a, group 1 · 2 channels · sees inputs 6, 7, 0"

    first.hover(position={"x": 60, "y": 20})
    assert page.evaluate(HEARD) == [["a", 2]]
    assert page.evaluate(CURSOR, "a") == page.evaluate(CURSOR, "b")
    assert page.evaluate(CURSOR, "b")[2:] == [40, "1"]
    second.click(position={"x": 20, "y": 20})
    assert page.evaluate(HEARD) == [["a", 9], ["a", 9], ["a", "open", 9]]
    assert page.locator("#b-cursor").get_attribute("aria-label") == "map 9"
    page.mouse.move(0, 0)
    assert page.evaluate(HEARD) == [["a", None]]
    assert page.evaluate(CURSOR, "b")[3] == "0"

    page.locator("#a-cursor").focus()
    page.evaluate(HEARD)
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.evaluate(HEARD) == [["a", 5], ["a", 2], ["a", 9], ["a", 0], ["a", 9]]

    neutral, crossed = [238, 238, 238, 255], [0, 0, 0, 255]
    assert page.evaluate(PIXEL, ["#a figure:nth-of-type(2) canvas", 10, 3]) == neutral
    assert page.evaluate(PIXEL, ["#a figure:nth-of-type(2) canvas", 3, 3]) == crossed
    assert page.evaluate(PIXEL, ["#a figure:nth-of-type(2) canvas", 30, 3]) == neutral
