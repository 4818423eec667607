"""From a photograph to what the network sees: shorter side resized, centre square taken, normalised."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

MEAN = (0.485, 0.456, 0.406)  # ImageNet's mean and deviation of red, green and blue, on a scale of 0 to 1
STD = (0.229, 0.224, 0.225)
LUMA = (0.299, 0.587, 0.114)  # Rec. 601: shares of red, green and blue in grey


def square(image: Image.Image, size: int) -> Image.Image:
    """The `size` x `size` centre of `image` after its shorter side was resized to `size` (bilinear, antialiased).

    Only that square is computed, from the same source coordinates, so a long strip costs no more than a square.
    """
    width, height = image.size
    shorter = min(width, height)
    resized = [max(size, round(length * size / shorter)) for length in (width, height)]
    starts = [(length - size) // 2 for length in resized]
    box = (
        starts[0] * width / resized[0],
        starts[1] * height / resized[1],
        (starts[0] + size) * width / resized[0],
        (starts[1] + size) * height / resized[1],
    )
    return image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, box)


def normalised(image: Image.Image | NDArray[np.uint8]) -> "Tensor":
    """(1, 3, H, W) float32 of an RGB picture: (value / 255 - MEAN) / STD."""
    import torch

    pixels = np.asarray(image, np.float32) / 255
    pixels = (pixels - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))[None])


def standardised(pixels: "Tensor", mean: Sequence[float], std: Sequence[float]) -> "Tensor":
    """What a network sees that was trained on pictures of that mean and deviation, of values from 0 to 1, one number a
    channel: (1, len(mean), H, W) from what `normalised` gave, grey where it is one channel."""
    import torch

    def numbers(values: Sequence[float]) -> "Tensor":
        return torch.tensor(values, device=pixels.device).view(1, -1, 1, 1)

    plain = pixels * numbers(STD) + numbers(MEAN)
    if len(mean) == 1:
        plain = (plain * numbers(LUMA)).sum(1, keepdim=True)
    return (plain - numbers(mean)) / numbers(std)


def negative(pixels: "Tensor") -> "Tensor":
    """What `normalised` makes of 255 minus each value, from what it made of the value: (1, 3, H, W)."""
    import torch

    mean, std = (torch.tensor(numbers, device=pixels.device).view(1, 3, 1, 1) for numbers in (MEAN, STD))
    return (1 - 2 * mean) / std - pixels
