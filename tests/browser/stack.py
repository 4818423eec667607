"""The stack page as the stories see it: its state, its numbers, its pixels."""

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from app.stackparams import STACK, STACK_B, STACK_NUMBERS
from tests.browser.panels import Groupscope

PANELS = ("headline", "module", "film", "maps", "ink", "scale", "redundancy", "takeaway")

# Every panel shows the same state, that state is the address, and holds what is asked for.
PAINTED = """
([panels, wanted]) => {
  const painted = panels.map((id) => document.getElementById(id).dataset.painted);
  if (!painted.every((query) => query && `?${query}` === location.search)) return false;
  const state = new URLSearchParams(painted[0]);
  return Object.entries(wanted).every(([key, value]) => state.get(key) === value);
}
"""

# The colours of every map of one grid, as base64.
TILES = """
(side) => [...document.querySelectorAll(`#maps-${side} canvas[data-group]`)].flatMap((canvas) => {
  const { outStart, count, columns, tileWidth, tileHeight, gap, channels } = canvas.dataset;
  const [width, height] = [Number(tileWidth), Number(tileHeight)];
  const run = Array.from({ length: Number(count) }, (_, k) => Number(outStart) + k);
  const numbers = channels ? channels.split(',').map(Number) : run;
  const context = canvas.getContext('2d');
  return numbers.map((channel, k) => {
    const x = (k % columns) * (width + Number(gap));
    const y = Math.floor(k / columns) * (height + Number(gap));
    const { data } = context.getImageData(x, y, width, height);
    const bytes = btoa(Array.from(data, (v) => String.fromCharCode(v)).join(''));
    return { channel, group: Number(canvas.dataset.group), width, height, bytes };
  });
})
"""


@dataclass
class Stack(Groupscope):
    def wait(self, **state: object) -> "Stack":
        wanted = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in state.items()}
        self.page.wait_for_function(PAINTED, arg=[list(PANELS), wanted], timeout=60_000)
        return self

    def until_painted(self, panel: str, **state: object) -> "Stack":
        """Until one panel shows these values."""
        wanted = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in state.items()}
        self.page.wait_for_function(PAINTED, arg=[[panel], wanted], timeout=60_000)
        return self

    def stack_query(self, names: tuple[str, ...] = STACK, **more: object) -> str:
        state = self.state
        pairs = [(name, state[name]) for name in names if name in state]
        return "&".join(f"{name}={value}" for name, value in (*pairs, *more.items()))

    def numbers(self) -> dict[str, Any]:
        return dict(self.get_json(f"/api/stack?{self.stack_query(STACK_NUMBERS)}"))

    def answer(self, address: str, names: tuple[str, ...] = (*STACK, *STACK_B), **more: object) -> Any:
        return self.get_json(f"{address}?{self.stack_query(names, **more)}")

    def body(self, address: str, **more: object) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Tensors and metadata of a safetensors answer."""
        raw = self.get(f"{address}?{self.stack_query((*STACK, *STACK_B), **more)}")
        header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
        return load(raw), header["__metadata__"]

    def exact(self, tile: int | None = None, **more: object) -> NDArray[np.float32]:
        """(C, H', W') of the maps on screen, as the server computes them in float32."""
        state = self.state
        more = {"module": state["module"], "point": state["point"], "dtype": "float32", **more}
        return self.body("/api/stack/maps", **more, **({"tile": tile} if tile else {}))[0]["maps"]

    def coloured(self, side: str = "a") -> tuple[NDArray[np.uint8], list[int], list[int]]:
        """(C, H', W', 4) as shown, in the order in which they are shown; each map's channel and group."""
        tiles = self.page.evaluate(TILES, side)
        pixels = [np.frombuffer(b64decode(t["bytes"]), np.uint8).reshape(t["height"], t["width"], 4) for t in tiles]
        return np.stack(pixels), [t["channel"] for t in tiles], [t["group"] for t in tiles]

    @property
    def state(self) -> dict[str, str]:
        return dict(parse_qsl(self.page.url.split("?", 1)[1], keep_blank_values=True))
