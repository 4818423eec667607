"""Re-creates compute/datasets/fashion-mnist-12k.npz from the four IDX files of the full Fashion-MNIST.

Run: .venv/bin/python scripts/fashion_subset.py [/usr/share/datasets/fashion-mnist]
Debian's package dataset-fashion-mnist puts the files there; else they are at
https://github.com/zalandoresearch/fashion-mnist. Training pictures come from the training part and test pictures from
the test part, drawn by chance within each class, so that results can be held against those of the full set. The full
set holds no picture twice (pixel for pixel), so neither does the subset; the script stops where that is not so.
The draw is NumPy's RandomState, whose numbers never change between versions; the packed bytes depend on zlib's
version, what they unpack to does not.
"""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compute.datasets.fashion import CLASSES, CREDIT, FILE, NAME

SOURCE = Path("/usr/share/datasets/fashion-mnist")
EACH = {"train": 1000, "test": 200}  # pictures of a class
FILES = {"train": "train", "test": "t10k"}
SEED = 2017
Array = NDArray[np.uint8]


def part(folder: Path, name: str) -> tuple[Array, Array]:
    """Pictures (N, 28, 28) and labels (N,) of one part of the full set."""
    raw = [
        gzip.decompress((folder / f"{FILES[name]}-{what}-ubyte.gz").read_bytes())
        for what in ("images-idx3", "labels-idx1")
    ]
    return np.frombuffer(raw[0], np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(raw[1], np.uint8, offset=8)


def drawn(labels: Array, each: int, seed: int) -> NDArray[np.intp]:
    """Places of `each` pictures of every class, in the order they have in the full set."""
    chance = np.random.RandomState(seed)
    return np.sort(np.concatenate([chance.permutation(np.flatnonzero(labels == c))[:each] for c in range(10)]))


def packed(arrays: dict[str, NDArray[np.generic]]) -> bytes:
    """What np.savez_compressed writes, but packed as well as zlib can and without today's date."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            file.writestr(entry, member.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    full = {name: part(folder, name) for name in EACH}
    pictures = [picture.tobytes() for x, _ in full.values() for picture in x]
    if len(set(pictures)) < len(pictures):
        sys.exit(f"{len(pictures) - len(set(pictures))} pictures of the full set are there twice; draw without them")
    arrays: dict[str, NDArray[np.generic]] = {}
    for seed, (name, (x, y)) in enumerate(full.items(), SEED):
        chosen = drawn(y, EACH[name], seed)
        arrays |= {f"x_{name}": x[chosen], f"y_{name}": y[chosen]}
    words = {"name": NAME, "credit": CREDIT, "licence": "MIT", "classes": CLASSES}
    body = packed(arrays | {key: np.array(value) for key, value in words.items()})
    FILE.write_bytes(body)
    print(f"{FILE}: {len(body):,} bytes")


if __name__ == "__main__":
    main()
