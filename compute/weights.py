"""The weights everyone looks through: one virtual dense tensor (C_out, C_in, k_h, k_w) a layer, made a block at a time.

Weight (o, i) depends on nothing but the seed, the kernel size, o and i (a counter-based hash, no stream of random
numbers), so fewer channels are the top-left part of more, a grouping is the same tensor with connections cut, and
every device gets the same numbers. That is why the scale cannot follow the number of channels: He's variance 2/fan_in
is taken at REFERENCE_IN_CHANNELS, the default layer's.

Sources. `random`: every tap its own normal number. `filter-bank`: output channel o has one spatial pattern F_o
(edges, bars and blobs in turn, orientation by the golden angle, three scales; zero sum, unit norm) and mixes the input
channels with normal coefficients m(o, i): weight (o, i) = m(o, i) F_o, so a cut never shifts a map's mean. A 1 x 1
slice is m(o, i) alone: it cannot sum to zero.

The stem under `filter-bank` is never cut: in turn an oriented edge, bar or blob in luminance, a luminance blur, a
blur in opponent colours (a hue of its own between red-green and blue-yellow, by the golden angle) and an oriented
pattern in those colours; every blur has its own width, and both signs occur. Blurs don't sum to zero: without them no
map would show what a flat area looks like.

NumPy only; the arrays are float32.
"""

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from compute.errors import SpecError
from compute.maps import SEEDED
from compute.spec import Pair

Floats = NDArray[np.float32]
Words = NDArray[np.uint64]

REFERENCE_IN_CHANNELS = 64
BIAS_SCALE = 0.02  # small beside the maps (deviation about 0.1 to 1), never zero
STEM_SEED = 0  # the stem stays the same eye whatever layer is looked at
STEM_KERNEL: Pair = (3, 3)

LUMINANCE = np.array([1, 1, 1]) / 3**0.5
OPPONENTS = np.array([[1, -1, 0], [-0.5, -0.5, 1]]) / np.array([[2], [1.5]]) ** 0.5  # red-green, blue-yellow
SCALES = (0.5, 0.8, 1.2)  # standard deviations in units of a third of the kernel
MIN_BLUR = 0.5  # standard deviation in pixels; the widest is one more
GOLDEN = (5**0.5 - 1) / 2
BLOCK = 64


def dense_block(source: str, seed: int, kernel_size: Pair, rows: range, columns: range) -> Floats:
    """Weights of output channels `rows` and input channels `columns`: (rows, columns, k_h, k_w)."""
    taps = kernel_size[0] * kernel_size[1]
    shape = (len(rows), len(columns), *kernel_size)
    if source == "random":
        normal = _normal(seed, kernel_size, rows, columns, taps)
        return (normal * np.float32((2 / (REFERENCE_IN_CHANNELS * taps)) ** 0.5)).reshape(shape)
    if source == "filter-bank":
        mixing = _normal(seed, kernel_size, rows, columns, 1) * np.float32((2 / REFERENCE_IN_CHANNELS) ** 0.5)
        patterns = _patterns(seed, kernel_size, rows).astype(np.float32)
        return (mixing * patterns[:, None, :]).reshape(shape)
    raise SpecError(f"weights must be {' or '.join(SEEDED)}, not {source!r}", "weights")


def bias_block(seed: int, rows: range) -> Floats:
    """Biases of output channels `rows`; they depend on seed and o alone."""
    return _normal(seed, (0, 0), rows, range(1), 1)[:, 0, 0] * np.float32(BIAS_SCALE)


def stem_weights(source: str, rows: range) -> Floats:
    """The stem's 3 x 3 filters over red, green and blue: (rows, 3, 3, 3); never dependent on grouping or seed."""
    if source == "random":
        scale = np.float32((REFERENCE_IN_CHANNELS / 3) ** 0.5)  # He's variance for a fan-in of 3 · 9
        return dense_block(source, STEM_SEED, STEM_KERNEL, rows, range(3)) * scale
    o = np.arange(rows.start, rows.stop)
    turn, cycle = o % 4, o // 4
    turned = np.asarray(cycle * GOLDEN % 1, np.float64)
    hue = 2 * np.pi * turned[:, None]
    opponents = np.cos(hue) * OPPONENTS[0] + np.sin(hue) * OPPONENTS[1]
    colours = np.where((turn < 2)[:, None], LUMINANCE, opponents)
    blurs = _blurs(MIN_BLUR + turned) * np.where(cycle % 2, -1, 1)[:, None]
    spatial = np.where(((turn == 1) | (turn == 2))[:, None], blurs, _patterns(STEM_SEED, STEM_KERNEL, rows))
    slices = 2**0.5 * colours[:, :, None] * spatial[:, None, :]  # He's norm: fan-in times 2 / fan-in
    return slices.astype(np.float32).reshape(len(rows), 3, *STEM_KERNEL)


def fan_in_gain(in_channels: int, group_in_channels: int) -> float:
    """What brings a cut group back to the dense layer's scale: sqrt(C_in / a_j)."""
    return float((in_channels / group_in_channels) ** 0.5)


def _patterns(seed: int, kernel_size: Pair, rows: range) -> NDArray[np.float64]:
    """(rows, taps): each output channel's spatial pattern, zero sum and unit norm (1 for a single tap)."""
    if kernel_size == (1, 1):
        return np.ones((len(rows), 1))
    first, last = rows.start // BLOCK, (rows.stop - 1) // BLOCK
    blocks = [_block_of_patterns(seed, kernel_size, block) for block in range(first, last + 1)]
    whole = blocks[0] if first == last else np.concatenate(blocks)
    return whole[rows.start - first * BLOCK : rows.stop - first * BLOCK]


@lru_cache(maxsize=16)
def _block_of_patterns(seed: int, kernel_size: Pair, block: int) -> NDArray[np.float64]:
    """Patterns of BLOCK output channels: group by group, each would cost as much as all of them. Not to be written
    into."""
    k_h, k_w = kernel_size
    o = np.arange(block * BLOCK, (block + 1) * BLOCK)
    phase = float(_hash(np.uint64(seed + 1), np.zeros(1, np.uint64))[0] >> np.uint64(11)) / 2**53
    angle = np.pi * ((o * GOLDEN + phase) % 1)[:, None]
    sigma = (np.take(SCALES, o // 3 % 3) * max(k_h, k_w) / 3)[:, None]
    y, x = (axis.ravel() for axis in np.meshgrid(_centred(k_h), _centred(k_w), indexing="ij"))
    across, radius2 = x * np.cos(angle) + y * np.sin(angle), x * x + y * y
    shapes = np.stack([across / sigma, (across / sigma) ** 2 - 1, radius2 / sigma**2 - 2])  # edge, bar, blob
    pattern = shapes[o % 3, np.arange(len(o))] * np.exp(-radius2 / (2 * sigma**2))
    pattern = pattern - pattern.mean(axis=1, keepdims=True)
    ramp = _centred(k_h * k_w)  # where a tiny kernel cannot hold the shape (a blob on 2 x 1, say)
    pattern[np.linalg.norm(pattern, axis=1) < 1e-6] = ramp
    unit: NDArray[np.float64] = pattern / np.linalg.norm(pattern, axis=1, keepdims=True)
    return unit


def _blurs(sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """(len(sigma), 9): Gaussians of unit norm on the stem's kernel."""
    y, x = (axis.ravel() for axis in np.meshgrid(_centred(3), _centred(3), indexing="ij"))
    blurs: NDArray[np.float64] = np.exp(-(x * x + y * y) / (2 * sigma[:, None] ** 2))
    blurs /= np.linalg.norm(blurs, axis=1, keepdims=True)
    return blurs


def _centred(length: int) -> NDArray[np.float64]:
    return np.arange(length, dtype=np.float64) - (length - 1) / 2


def _normal(seed: int, kernel_size: Pair, rows: range, columns: range, count: int) -> Floats:
    """Standard normal numbers (rows, columns, count): 16 bits of hash look up one of 65,536 quantiles."""
    key = _hash(np.uint64(seed), np.array([kernel_size[0] << 32 | kernel_size[1]], np.uint64))
    row_keys = _hash(key, np.arange(rows.start, rows.stop, dtype=np.uint64))
    cells = _hash(row_keys[:, None], np.arange(columns.start, columns.stop, dtype=np.uint64))
    words = _hash(cells[..., None], np.arange(-(-count // 4), dtype=np.uint64))
    halves = words.astype("<u8").view("<u2")[..., :count]
    return np.asarray(_quantiles()[halves], np.float32)


def _hash(key: "Words | np.uint64", counter: Words) -> Words:
    """SplitMix64's finaliser over key + (counter + 1) times the golden gamma: Steele, Lea and Flood, OOPSLA 2014."""
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64
        z = key + (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))


@lru_cache(maxsize=1)
def _quantiles() -> Floats:
    normal = NormalDist()
    half = np.array([normal.inv_cdf((k + 0.5) / 65536) for k in range(32768)])
    return np.concatenate([half, -half[::-1]]).astype(np.float32)
