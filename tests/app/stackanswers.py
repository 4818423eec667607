"""What tests of a stack's answers share: a picture, a small stack, and bodies taken apart."""

import json
from typing import Any

import httpx2
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load

from app.settings import PROJECT
from app.store import opened

SAMPLES = PROJECT / "static/samples"
FIRST = json.loads((SAMPLES / "samples.json").read_text("utf-8"))[0]
SMALL = {"size": 16, "in_channels": 16, "groups": 3, "modules": 2}


def photograph() -> Image.Image:
    return opened(SAMPLES / FIRST["file"])


def got(http: httpx2.Client, path: str, /, **query: Any) -> bytes:
    """Body of a route that takes the first sample."""
    answer = http.get(f"/api/stack/{path}", params={"image": FIRST["id"], **query})
    assert answer.status_code == 200, answer.text
    return answer.content


def opened_file(body: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Tensors and metadata of a safetensors file."""
    length = int.from_bytes(body[:8], "little")
    return load(body), json.loads(body[8 : 8 + length])["__metadata__"]


def parts(body: bytes) -> tuple[dict[str, bytes], dict[str, str]]:
    """The same to compare: the metadata of a file have no order."""
    tensors, metadata = opened_file(body)
    return {name: tensor.tobytes() for name, tensor in tensors.items()}, metadata


def read(text: str | bytes) -> Any:
    """JSON as its standard has it: without NaN and Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)
