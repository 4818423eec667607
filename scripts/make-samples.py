"""Re-creates static/samples from the photographs inside the scikit-image wheel.

Run: .venv/bin/python scripts/make-samples.py
Only pictures that are free of copyright restrictions are taken. They are scaled down and stored as JPEG without
metadata, small enough for a page's first load. The order is the order of the shelf; the first one is the default.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

WHEEL = "scikit-image==0.26.0"
SHORTER_SIDE = 384
MAX_BYTES = 60_000
TARGET = Path(__file__).resolve().parent.parent / "static" / "samples"
PUBLIC_DOMAIN = "Public domain"
CC0 = "CC0 1.0"


@dataclass(frozen=True)
class Sample:
    """One photograph: where it is in the wheel, and what is owed to whom."""

    member: str
    file: str
    name: str
    credit: str
    licence: str
    source: str


SAMPLES = (
    Sample("chelsea.png", "cat.jpg", "Chelsea the cat", "Stéfan van der Walt", CC0, "scikit-image data.chelsea"),
    Sample("coffee.png", "coffee.jpg", "Coffee cup", "Rachel Michetti", CC0, "scikit-image data.coffee"),
    Sample(
        "astronaut.png",
        "astronaut.jpg",
        "Astronaut Eileen Collins",
        "NASA",
        PUBLIC_DOMAIN,
        "NASA Great Images, https://flic.kr/p/r9qvLn",
    ),
    Sample("brick.png", "brick.jpg", "Brick wall", "CC0Textures, Bricks25", CC0, "scikit-image data.brick"),
    Sample(
        "rocket.jpg",
        "rocket.jpg",
        "Falcon 9 launch",
        "SpaceX",
        PUBLIC_DOMAIN,
        "https://www.flickr.com/photos/spacexphotos/16511594820/",
    ),
    Sample(
        "hubble_deep_field.jpg",
        "galaxies.jpg",
        "Hubble eXtreme Deep Field",
        "NASA, ESA, HubbleSite",
        PUBLIC_DOMAIN,
        "https://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
    ),
)


def shrunk(picture: Image.Image) -> Image.Image:
    """RGB, shorter side at most SHORTER_SIDE; a small picture is not blown up."""
    scale = min(1.0, SHORTER_SIDE / min(picture.size))
    size = (round(picture.width * scale), round(picture.height * scale))
    small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    small.info.clear()  # Pillow would copy an original's comment
    return small


def jpeg(picture: Image.Image) -> bytes:
    """The best JPEG within MAX_BYTES."""
    for quality in range(92, 40, -2):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= MAX_BYTES:
            return buffer.getvalue()
    raise SystemExit(f"no JPEG of {picture.size} fits {MAX_BYTES} bytes")


def write(sample: Sample, wheel: zipfile.ZipFile) -> dict[str, object]:
    """Stores one sample; returns its row of the index."""
    with Image.open(io.BytesIO(wheel.read(f"skimage/data/{sample.member}"))) as original:
        picture = shrunk(original)
    body = jpeg(picture)
    (TARGET / sample.file).write_bytes(body)
    return {
        "file": sample.file,
        "id": hashlib.sha256(body).hexdigest(),
        "name": sample.name,
        "credit": sample.credit,
        "licence": sample.licence,
        "source": sample.source,
        "width": picture.width,
        "height": picture.height,
    }


def credits_page() -> str:
    """CREDITS.md: one line per picture."""
    rows = "\n".join(f"| `{s.file}` | {s.name} | {s.credit} | {s.licence} | {s.source} |" for s in SAMPLES)
    return f"""# Sample photographs

Copies of pictures that ship with {WHEEL.replace("==", " ")}, whose documentation states the licences below.
Scaled down and re-encoded without metadata by `scripts/make-samples.py`; `samples.json` is their index.

| file | picture | credit | licence | source |
|---|---|---|---|---|
{rows}
"""


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, WHEEL], check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            index = [write(sample, wheel) for sample in SAMPLES]
    (TARGET / "samples.json").write_text(json.dumps(index, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (TARGET / "CREDITS.md").write_text(credits_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
