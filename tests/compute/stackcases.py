"""What the tests of the stack share: awkward stacks, pictures, and a stack's recipe handed to the plain program."""

import json
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from compute import Grouping
from compute.picture import MEAN, STD, square
from compute.stack import StackSpec
from compute.weights import bias_block, dense_block, stem_weights
from tests.compute.stacktwin import Array, Recipe, Stack, stem_output

SAMPLES = Path(__file__).parents[2] / "static/samples"
UNEVEN_6 = Grouping.custom([(4, 1), (1, 3), (1, 2)])
UNEVEN_12 = Grouping.custom([(4, 8), (8, 4)])
UNEVEN_20 = Grouping.custom([(1, 9), (7, 2), (2, 2), (10, 7)])
DEFAULT = Grouping.logarithmic(64, 64, 4)


def case(grouping: Grouping, modules: int, kernel_size=(3, 3), **rest) -> StackSpec:
    return StackSpec(grouping, modules=modules, kernel_size=kernel_size, **{"size": 24, **rest})


CASES = {
    "default": case(DEFAULT, 4),
    "log-6": case(Grouping.logarithmic(6, 6, 3), 3, mixing="shuffle", weights="random", seed=3, size=17),
    "log-12-base-3": case(Grouping.logarithmic(12, 12, 2, 3), 3, (5, 5), mixing="rotated", bias=False, gain="cut"),
    "log-20-pooled": case(
        Grouping.logarithmic(20, 20, 3), 5, mixing="rotated", downsample="average", stage=2, size=23, relu=False
    ),
    "uniform-12": case(
        Grouping.uniform(12, 12, 3), 4, (3, 1), mixing="shuffle", downsample="max", stage=1, size=29, seed=2**32 - 1
    ),
    "uniform-20": case(Grouping.uniform(20, 20, 5), 4, mixing="shuffle", normalisation="sum", weights="random"),
    "uniform-64": case(
        Grouping.uniform(64, 64, 8), 3, (1, 1), mixing="pointwise", residual=False, normalisation="conv"
    ),
    "depthwise-6": case(Grouping.depthwise(6, 6), 3, (5, 5), dilation=(2, 1), mixing="rotated", normalisation="conv"),
    "depthwise-20": case(Grouping.depthwise(20, 20), 3, residual=False, mixing="shuffle", downsample="max", stage=2),
    "depthwise-64": case(
        Grouping.depthwise(64, 64), 4, dilation=(2, 2), mixing="pointwise", downsample="average", stage=3, size=21
    ),
    "uneven-6": case(
        UNEVEN_6, 4, mixing="shuffle", normalisation="conv", downsample="average", stage=1, size=33, relu=False
    ),
    "uneven-12-shuffled": case(UNEVEN_12, 4, mixing="shuffle", seed=11, residual=False),
    "uneven-12-rotated": case(UNEVEN_12, 5, (3, 1), dilation=(2, 3), mixing="rotated", weights="random", gain="cut"),
    "uneven-12-plain": case(UNEVEN_12, 4, (1, 1), normalisation="sum", downsample="max", stage=2, size=19, bias=False),
    "uneven-20": case(
        UNEVEN_20, 4, (5, 5), dilation=(1, 2), mixing="pointwise", normalisation="sum", weights="random", seed=8
    ),
    "uneven-20-signed": case(
        UNEVEN_20, 3, (1, 5), mixing="rotated", relu=False, residual=False, gain="cut", bias=False
    ),
    "standard-64": case(Grouping.standard(64, 64), 3, (3, 1), mixing="rotated", gain="cut", weights="random"),
    "one-pixel": case(Grouping.uniform(12, 12, 2), 4, downsample="average", stage=1, size=8),
    "sixteen": case(Grouping.logarithmic(12, 12, 3), 16, mixing="rotated", normalisation="conv", size=16),
}


def photograph(place: int = 0) -> Image.Image:
    index = json.loads((SAMPLES / "samples.json").read_text())
    return Image.open(SAMPLES / index[place]["file"]).convert("RGB")


def noise(size: int, seed: int = 0) -> Image.Image:
    """A square no resampling touches: every pixel's value is its own."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def opened(image: Image.Image) -> Callable[[], Image.Image]:
    return lambda: image


def pixels_of(image: Image.Image, size: int) -> Array:
    """(3, size, size) normalised, in float64."""
    return normalised(np.asarray(square(image, size)))


def normalised(picture: np.ndarray) -> Array:
    """A picture (H, W, 3) of bytes as (3, H, W)."""
    return ((picture / 255.0 - np.array(MEAN)) / np.array(STD)).transpose(2, 0, 1)


def stem_filters(spec: StackSpec) -> Array:
    return stem_weights(spec.weights, range(spec.grouping.in_channels)).astype(np.float64)


def stem_of(image: Image.Image, spec: StackSpec) -> Array:
    return stem_output(pixels_of(image, spec.size), stem_filters(spec))


def recipe_of(spec: StackSpec, grouping: Grouping | None = None) -> Recipe:
    """grouping: of side b."""
    grouping = grouping or spec.grouping
    every = range(grouping.in_channels)
    seeds = [spec.seed + ((m - 1) << 32) for m in range(1, spec.modules + 1)]
    return Recipe(
        groups=[(s.in_channels, s.out_channels) for s in grouping.spans],
        dense=[dense_block(spec.weights, seed, spec.kernel_size, every, every).astype(float) for seed in seeds],
        biases=[bias_block(seed, every).astype(float) for seed in seeds] if spec.bias else None,
        mixers=[
            dense_block(spec.weights, seed + (1 << 40), (1, 1), every, every)[:, :, 0, 0].astype(float)
            for seed in seeds
        ],
        dilation=spec.dilation,
        residual=spec.residual,
        mixing=spec.mixing,
        downsample=spec.downsample,
        stage=spec.stage,
        normalisation=spec.normalisation,
        relu=spec.relu,
        gained=spec.gain == "fan-in",
    )


def twin_of(spec: StackSpec, grouping: Grouping | None = None) -> Stack:
    return Stack(recipe_of(spec, grouping))


def tolerance(expected: Array, module: int) -> float:
    """1e-5 of the largest value, times the square root of the convolutions on the way."""
    return 1e-5 * float(np.abs(expected).max()) * max(module, 1) ** 0.5


def random_spec(seed: int, **fixed) -> StackSpec:
    """A stack of any shape that can be, on random weights."""
    dice = random.Random(seed)
    channels = dice.choice([4, 6, 9, 12, 20])
    divisors = [n for n in range(1, channels + 1) if channels % n == 0]
    scheme = dice.choice(["uniform", "logarithmic", "depthwise", "custom", "custom", "custom"])
    parts = dice.randint(1, min(5, channels))
    sizes = list(zip(cut(dice, channels, parts), cut(dice, channels, parts), strict=True))
    groups = dice.choice(divisors) if scheme == "uniform" else dice.randint(1, 2)
    grouping = Grouping.of(scheme, channels, channels, groups, 2, sizes)
    kernel_size, dilation = dice.choice([(1, 1), (3, 3), (5, 5), (3, 1), (1, 5)]), dice.choice([(1, 1), (2, 2), (1, 3)])
    settings = {
        "grouping": grouping,
        "modules": dice.randint(1, 7),
        "kernel_size": kernel_size,
        "dilation": dilation,
        "bias": dice.random() < 0.5,
        "residual": dice.random() < 0.5,
        "mixing": dice.choice(["none", "shuffle", "pointwise", "rotated"]),
        "downsample": dice.choice(["none", "none", "average", "max"]),
        "stage": dice.randint(3, 5),
        "normalisation": dice.choice(["none", "conv", "sum"]),
        "relu": dice.random() < 0.5,
        "weights": "random",
        "seed": dice.randrange(2**32),
        "gain": dice.choice(["fan-in", "cut"]),
        "size": dice.choice([16, 17, 19]),
    }
    return StackSpec(**{**settings, **fixed})


def cut(dice: random.Random, total: int, parts: int) -> list[int]:
    """`total` as a sum of `parts` numbers of at least 1."""
    walls = [0, *sorted(dice.sample(range(1, total), parts - 1)), total]
    return [b - a for a, b in pairwise(walls)]
