"""Networks for the tests of trained weights: random numbers in every shape that training makes, as files."""

from typing import Any

import numpy as np

from compute.trained import layout, write

STACK = {
    "in_channels": 12, "scheme": "standard", "groups": 1, "base": None, "sizes": None, "modules": 3, "residual": True,
    "mixing": "none", "downsample": "max", "stage": 1, "kernel_size": [3, 3],
}  # fmt: skip
STACKS: dict[str, dict[str, Any]] = {
    "standard": STACK,
    "uniform": {**STACK, "scheme": "uniform", "groups": 3, "mixing": "shuffle"},
    "uneven-logarithmic": {
        **STACK, "in_channels": 13, "scheme": "logarithmic", "groups": 3, "base": 2, "stage": 2, "residual": False,
    },
    "rotated": {**STACK, "in_channels": 14, "scheme": "logarithmic", "groups": 3, "base": 3, "mixing": "rotated"},
    "rotated-custom": {
        **STACK, "scheme": "custom", "groups": 3, "sizes": [[4, 1], [1, 3], [7, 8]], "mixing": "rotated", "modules": 4,
        "downsample": "average", "stage": 2,
    },
    "pointwise": {**STACK, "scheme": "depthwise", "groups": 12, "mixing": "pointwise", "kernel_size": [5, 3]},
}  # fmt: skip


def meta_of(stack: dict[str, Any], image_channels: int = 1) -> dict[str, Any]:
    return {
        "format": 1,
        "name": "A network of the tests",
        "data": {
            "id": "fashion-mnist",
            "name": "Fashion-MNIST",
            "credit": "Zalando SE",
            "classes": ["shirt", "shoe", "bag"],
            "channels": image_channels,
            "side": 28,
            "mean": [0.286, 0.3, 0.4][:image_channels],
            "std": [0.353, 0.3, 0.2][:image_channels],
            "train": 10_000,
            "test": 2_000,
        },
        "stack": stack,
        "arm": "standard",
        "seed": 0,
        "epochs": 5,
        "accuracy": 0.8644,
        "params": 1234,
        "macs": 56_789,
        "date": "2026-11-25",
        "torch": "2.13.0",
    }


def tensors_of(stack: dict[str, Any], image_channels: int = 1, classes: int = 3, seed: int = 0) -> dict[str, Any]:
    """Numbers whose maps neither fade nor grow."""
    random = np.random.default_rng(seed)

    def drawn(shape: tuple[int, ...]) -> Any:
        scale = 0.1 if len(shape) == 1 else (1.0 / np.prod(shape[1:])) ** 0.5
        return (random.standard_normal(shape) * scale).astype(np.float32)

    return {name: drawn(shape) for name, shape in layout(stack, image_channels, classes).items()}


def file_of(stack: dict[str, Any], image_channels: int = 1, seed: int = 0, **facts: Any) -> bytes:
    return write(tensors_of(stack, image_channels, 3, seed), {**meta_of(stack, image_channels), **facts})
