"""A few images to train on, and a run from beginning to end."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from compute.datasets import Images, shipped
from compute.trainrun import Trainer


@lru_cache(maxsize=4)
def few(train: int = 1000, test: int = 200) -> Images:
    """The first of those that ship, every second row and column of them."""
    images = shipped()
    facts = replace(images.facts, train=train, test=test, side=(14, 14))
    pixels = {"x_train": images.x_train[:train, :, ::2, ::2], "x_test": images.x_test[:test, :, ::2, ::2]}
    labels = {"y_train": images.y_train[:train], "y_test": images.y_test[:test]}
    return replace(images, facts=facts, **{name: np.ascontiguousarray(x) for name, x in (pixels | labels).items()})


def trained(trainer: Trainer) -> dict[str, Any]:
    """The last snapshot."""
    steps = trainer.steps()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def guesses(t: dict[str, Tensor], sizes: list[int], mixing: str, x: Tensor) -> np.ndarray:
    """Classes by the tensors of a file of three modules, pooled between: group by group, without BatchNorm. x:
    standardised images (N, C, H, W)."""
    y = torch.relu(F.conv2d(x, t["stem.weight"], t["stem.bias"], padding=1))
    channels = sum(sizes)
    for m in range(1, 4):
        y = F.max_pool2d(y, 2) if m > 1 else y
        if mixing == "shuffle" and m > 1:
            starts = np.cumsum([0, *sizes])
            turns = range(max(sizes))
            y = y[:, [s + turn for turn in turns for s, size in zip(starts, sizes, strict=False) if turn < size]]
        if mixing == "pointwise" and m > 1:
            y = torch.relu(F.conv2d(y, t[f"mix.{m}.weight"]))
        turn = channels // 4 if mixing == "rotated" and m == 2 else 0
        parts, weights = y.roll(-turn, 1).split(sizes, 1), t.get(f"modules.{m}.weight")
        each = (
            weights.split(sizes) if weights is not None else [t[f"modules.{m}.weights.{j}"] for j in range(len(sizes))]
        )
        answers = [F.conv2d(part, weight, padding=1) for part, weight in zip(parts, each, strict=True)]
        y = torch.relu(torch.cat(answers, 1).roll(turn, 1) + t[f"modules.{m}.bias"][:, None, None] + y)
    return (y.mean((2, 3)) @ t["head.weight"].T + t["head.bias"]).argmax(1).numpy()
