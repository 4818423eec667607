"""The page as the stories see it: its state, its numbers, its pixels."""

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page
from safetensors.numpy import load

LAYER = (
    "in_channels",
    "out_channels",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "bias",
    "scheme",
    "groups",
    "base",
)
MAPS = ("image", "size", *LAYER, "weights", "checkpoint", "seed", "gain", "relu")

# Every panel shows the same state, that state is the address, and holds what is asked for.
PAINTED = """
(wanted) => {
  const panels = ['split', 'numbers', 'maps', 'depth'].map((id) => document.getElementById(id).dataset.painted);
  if (!panels.every((painted) => painted && `?${painted}` === location.search)) return false;
  const state = new URLSearchParams(panels[0]);
  return Object.entries(wanted).every(([key, value]) => state.get(key) === value);
}
"""

# Grey levels as base64: a million numbers as JSON take seconds. `grey` is false where a pixel is not an opaque grey.
TILES = """
() => [...document.querySelectorAll('#maps canvas[data-group]')].flatMap((canvas) => {
  const { outStart, count, columns, tileWidth, tileHeight, gap } = canvas.dataset;
  const [width, height] = [Number(tileWidth), Number(tileHeight)];
  const context = canvas.getContext('2d');
  return Array.from({ length: Number(count) }, (_, k) => {
    const x = (k % columns) * (width + Number(gap));
    const y = Math.floor(k / columns) * (height + Number(gap));
    const rgba = new Uint32Array(context.getImageData(x, y, width, height).data.buffer);
    const grey = rgba.every((p) => (p & 255) * 0x010101 === (p & 0xffffff) && p >>> 24 === 255);
    const bytes = Array.from(rgba, (p) => String.fromCharCode(p & 255)).join('');
    const [channel, group] = [Number(outStart) + k, Number(canvas.dataset.group)];
    return { channel, width, height, group, grey, bytes: btoa(bytes) };
  });
})
"""


@dataclass
class Groupscope:
    page: Page
    server: str

    def wait(self, **state: object) -> "Groupscope":
        """Until every panel shows one and the same state, with these values in it."""
        wanted = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in state.items()}
        self.page.wait_for_function(PAINTED, arg=wanted, timeout=60_000)
        return self

    @property
    def state(self) -> dict[str, str]:
        return dict(parse_qsl(self.page.url.split("?", 1)[1], keep_blank_values=True))

    def query(self, *names: str, **more: object) -> str:
        state = self.state
        pairs = [(name, state[name]) for name in (*names, "sizes") if name in state]
        return "&".join(f"{name}={value}" for name, value in (*pairs, *more.items()))

    def get(self, path: str) -> bytes:
        with urlopen(self.server + path) as answer:
            return bytes(answer.read())

    def get_json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def layer(self) -> dict[str, Any]:
        """What the server says of the layer on the page."""
        size = self.state["size"]
        return dict(self.get_json(f"/api/layer?{self.query(*LAYER, height=size, width=size)}"))

    def number(self, name: str, within: str = "#numbers") -> float:
        """The plain digits behind a number on the page."""
        return float(self.page.locator(f'{within} [data-name="{name}"]').get_attribute("data-value") or "nan")

    def set_range(self, name: str, value: int) -> None:
        """Drag a slider to a value, as far as the page can tell."""
        self.page.locator(f"#{name}").evaluate(
            "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }",
            str(value),
        )

    def type_number(self, name: str, text: str) -> None:
        box = self.page.locator(f"#{name}-number")
        box.fill(text)
        box.press("Enter")

    def message(self, field: str) -> str:
        return self.page.locator(f"#{field}-message").inner_text()

    def wait_for_message(self, field: str, part: str) -> str:
        self.page.wait_for_function(
            "([id, part]) => document.getElementById(id).innerText.includes(part)", arg=[f"{field}-message", part]
        )
        return self.message(field)

    def tiles(self) -> tuple[NDArray[np.uint8], list[int]]:
        """(C, H', W') grey levels read back from the canvases, and each map's group."""
        tiles = sorted(self.page.evaluate(TILES), key=lambda tile: tile["channel"])
        assert [tile["channel"] for tile in tiles] == list(range(len(tiles)))
        assert all(tile["grey"] for tile in tiles)
        pixels = [np.frombuffer(b64decode(t["bytes"]), np.uint8).reshape(t["height"], t["width"]) for t in tiles]
        return np.stack(pixels), [tile["group"] for tile in tiles]

    def exact_maps(self, tile: int) -> NDArray[np.float32]:
        """(C, H', W') of the state on the page, as the server computes it afresh in float32."""
        return load(self.get(f"/api/feature-maps?{self.query(*MAPS, tile=tile, dtype='float32')}"))["maps"]

    def assert_maps_are_exact(self) -> None:
        """Every tile on the canvases, against float32 of the same state: one grey level of rounding, no more."""
        shown, groups = self.tiles()
        exact = self.exact_maps(max(shown.shape[1:]))
        expected = grey(exact, groups, self.state["scaling"])
        assert shown.shape == expected.shape
        assert np.abs(shown.astype(float) - expected).max() <= 1.01


def grey(maps: NDArray[Any], groups: list[int], scaling: str) -> NDArray[np.float64]:
    """255 (value - lo) / (hi - lo), lo and hi of the map, of its group or of all."""
    low, high = maps.min((1, 2)).astype(float), maps.max((1, 2)).astype(float)
    for group in {"map": set[int](), "group": set(groups), "shared": {-1}}[scaling]:
        members = np.array([group in (-1, g) for g in groups])
        low[members], high[members] = low[members].min(), high[members].max()
    span = np.where(high > low, high - low, np.inf)
    return np.asarray(255 * (maps - low[:, None, None]) / span[:, None, None])
