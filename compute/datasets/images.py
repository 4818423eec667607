"""A set of labelled pictures in two parts, one to learn from and one to be tested on, as arrays in memory."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Part = Literal["train", "test"]

AT_ONCE = 4096  # pictures summed up in one go: their squares in 64 bits are an eighth of a gigabyte at 64 × 64


@dataclass(frozen=True)
class Facts:
    """What is to be said about a data set wherever it is used; `train` and `test` count pictures."""

    id: str
    name: str
    credit: str
    classes: tuple[str, ...]
    channels: int  # 1: grey, 3: red, green and blue
    side: tuple[int, int]  # height, width
    train: int
    test: int
    digest: str  # SHA-256 of pixels and labels: two data sets with the same one train alike
    note: str = ""  # what was done to the pictures on reading, as one sentence


@dataclass(frozen=True, eq=False)
class Images:
    """x: (N, C, H, W) of 0 to 255; y: (N,), the index of the picture's class in `facts.classes`.

    No picture of the test part is in the training part. Where the source itself holds a picture twice, one copy can
    be in each.
    """

    facts: Facts
    x_train: Pixels
    y_train: Labels
    x_test: Pixels
    y_test: Labels

    def mean(self) -> tuple[float, ...]:
        """Mean of the training pictures' values on a scale of 0 to 1, per channel."""
        return self._moments()[0]

    def std(self) -> tuple[float, ...]:
        """Their standard deviation (of all values, not a sample's); 1 for a channel that never changes."""
        return self._moments()[1]

    def standardised(self, part: Part) -> NDArray[np.float32]:
        """(N, C, H, W): (value / 255 − mean) / std, with the numbers of the training part for both parts."""
        pixels = self.x_train if part == "train" else self.x_test
        mean, std = (np.array(numbers, np.float64)[:, None, None] for numbers in self._moments())
        result = pixels.astype(np.float32)
        result *= (1 / (255 * std)).astype(np.float32)
        result -= (mean / std).astype(np.float32)
        return result

    def _moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        total, squares = (np.zeros(self.facts.channels, np.int64) for _ in range(2))
        for start in range(0, len(self.x_train), AT_ONCE):
            values = self.x_train[start : start + AT_ONCE].astype(np.int64)
            total += values.sum((0, 2, 3))
            squares += np.square(values).sum((0, 2, 3))
        count = self.x_train.size // self.facts.channels
        mean = total / count / 255
        std = np.sqrt(np.maximum(squares / count / 255**2 - mean**2, 0))
        return tuple(mean.tolist()), tuple(np.where(std > 0, std, 1).tolist())


def assembled(
    id: str,
    name: str,
    credit: str,
    classes: Sequence[str],
    train: tuple[Pixels, Labels],
    test: tuple[Pixels, Labels],
    note: str = "",
) -> Images:
    """Images of two parts, each (x, y), that fit each other; what can be counted is counted here."""
    channels, height, width = train[0].shape[1:]
    (x_train, y_train), (x_test, y_test) = (
        (np.ascontiguousarray(x), np.ascontiguousarray(y)) for x, y in (train, test)
    )
    digest = _digest(x_train, y_train, x_test, y_test)
    counts = len(x_train), len(x_test)
    facts = Facts(id, name, credit, tuple(classes), channels, (height, width), *counts, digest, note)
    return Images(facts, x_train, y_train, x_test, y_test)


def _digest(*arrays: Pixels | Labels) -> str:
    """Shapes count too: the same bytes cut otherwise are other pictures."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape}".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()
