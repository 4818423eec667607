"""Data sets small enough to make for each test, in the three forms that are read, and how one is refused."""

import gzip
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from compute.datasets import read
from compute.errors import SpecError

IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def in_turn(count: int, classes: int = 2) -> np.ndarray:
    """0, 1, 0, 1 …"""
    return np.arange(count) % classes


def save(path: Path, **arrays: object) -> Path:
    np.savez_compressed(path, **{name: np.asarray(array) for name, array in arrays.items()})
    return path


def save_idx(folder: Path, x_train, y_train, x_test, y_test, packed: bool = True) -> Path:
    """As http://yann.lecun.com/exdb/mnist/ describes the format."""
    for name, array in zip(IDX, (x_train, y_train, x_test, y_test), strict=True):
        raw = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(raw) if packed else raw)
    return folder


def save_pictures(folder: Path, pictures: dict[str, list[np.ndarray]]) -> Path:
    for name, some in pictures.items():
        (folder / name).mkdir(parents=True)
        for number, pixels in enumerate(some):
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def refused(path: Path, message: str, **options: object) -> None:
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$") as caught:
        read(path, **options)
    assert caught.value.field == "data"
    assert caught.value.hint
