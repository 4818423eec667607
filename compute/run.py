"""Runs a grouped layer on a picture and hands back its feature maps.

Each run of equal groups is one convolution on its own slice of the stem's output; ReLU, statistics, tiling and
quantisation follow while its maps are still in the cache, and the groups are never put together at full resolution
unless full resolution is asked for.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from compute import device as devices
from compute import picture, weights
from compute.errors import OutOfRange, SpecError
from compute.grouping import Grouping, Span
from compute.maps import MapsSpec
from compute.spec import DEFAULTS, ConvSpec
from compute.stack.spec import StackSpec
from compute.trained import Checkpoint

Array = NDArray[Any]
SQUARES_BYTES = 8 << 20  # opening a photograph takes longer than convolving it: keep the last squares
ENTRY_BYTES = 2048  # what Python keeps of a small tensor and its key, about
STATISTICS = ("min", "max", "mean", "std", "zeros")


@dataclass(frozen=True)
class FeatureMaps:
    """maps: (C, H', W') uint8 or float32, of output channels `channels` (start, stop); scale, offset: (C,) float32;
    value = maps * scale + offset. stats: each (C,), always from full resolution; `zeros` is a share from 0 to 1.
    shape: (C_out, H', W') of the whole layer at full resolution. averaged: side in pixels of one averaged square."""

    maps: Array
    scale: Array
    offset: Array
    stats: dict[str, list[float]]
    channels: tuple[int, int]
    shape: tuple[int, int, int]
    averaged: int


def no_checkpoints(checkpoint: str) -> Checkpoint:
    raise SpecError("there are no trained networks here", "checkpoint", "use other weights")


class Runner:
    """Holds the device and the last stems; one thread at a time.

    The stem's output depends on picture, size, in_channels and the weights' source only, so it outlives every change
    of the layer behind it. cache_bytes bounds what is kept of it on the device. checkpoints: finds a trained network by
    its id, or raises SpecError; one id is one network for as long as the runner lives. Torch's own settings (threads,
    TF32) are the caller's: see compute.device.prepare.
    """

    def __init__(
        self,
        device: str = "auto",
        cache_bytes: int = 48 << 20,
        checkpoints: Callable[[str], Checkpoint] = no_checkpoints,
    ) -> None:
        self.device = devices.choose(device)
        self._checkpoints = checkpoints
        self._stems = TensorCache(cache_bytes)
        self._squares = TensorCache(SQUARES_BYTES)

    def describe(self) -> dict[str, Any]:
        return devices.describe(self.device)

    def warm_up(self) -> None:
        """Pay for the first convolutions, buffers and the table of normal numbers before anyone waits."""
        grouping = Grouping.of(
            *(DEFAULTS[name] for name in ("scheme", "in_channels", "out_channels", "groups", "base"))
        )
        self.feature_maps(lambda: Image.new("RGB", (8, 8)), "", MapsSpec(ConvSpec(grouping)), tile=64)

    @torch.inference_mode()
    def feature_maps(
        self,
        image: Callable[[], Image.Image],
        key: str,
        spec: MapsSpec,
        channels: tuple[int, int] | None = None,
        tile: int | None = None,
        dtype: str = "uint8",
    ) -> FeatureMaps:
        """Maps of output channels `channels` [start, stop) (default all). `key` names the picture; `image` opens it
        when it isn't known. tile: area averages whose longer side is at most this; None: full resolution.
        dtype: uint8 (quantised map by map) or float32. Raises SpecError."""
        total = spec.conv.grouping.out_channels
        start, stop = wanted(channels, total, dtype, tile)
        self.trained(spec)
        stem = self.stem(image, key, spec.size, spec.conv.grouping.in_channels, spec.weights, spec.checkpoint)
        height, width = spec.conv.output_height, spec.conv.output_width
        factor = averaged(height, width, tile)
        parts = [
            finish(self._convolve(stem, spec, piece), spec.relu, factor, dtype) for piece in _pieces(spec, start, stop)
        ]
        maps, scale, offset = (np.concatenate(arrays) for arrays in zip(*(p[:3] for p in parts), strict=True))
        stats = {name: [v for p in parts for v in p[3][name]] for name in STATISTICS}
        return FeatureMaps(maps, scale, offset, stats, (start, stop), (total, height, width), factor)

    def trained(self, spec: MapsSpec | StackSpec) -> Checkpoint | None:
        """The network whose weights `spec` asks for; None where it asks for others. Raises SpecError where there is no
        such network, or where it lacks some of the weights."""
        if spec.checkpoint is None:
            return None
        found = self._checkpoints(spec.checkpoint)
        found.check(spec)
        return found

    def stem(
        self,
        image: Callable[[], Image.Image],
        key: str,
        size: int,
        channels: int,
        source: str,
        checkpoint: str | None = None,
    ) -> Tensor:
        """(1, channels, size, size): relu of the 3 x 3 stem over the normalised picture, without bias; of a trained
        network's own stem as it was trained, with bias. Kept: not to be written into."""
        return self._stems.get(
            (key, size, channels, source, checkpoint),
            lambda: self.seen(self.square(image, key, size), channels, source, checkpoint),
        )

    def square(self, image: Callable[[], Image.Image], key: str, size: int) -> Tensor:
        """(1, 3, size, size), normalised. Kept: not to be written into."""
        return self._squares.get((key, size), lambda: picture.normalised(picture.square(image(), size)))

    def seen(self, pixels: Tensor, channels: int, source: str, checkpoint: str | None = None) -> Tensor:
        """The stem's answer to a normalised picture (1, 3, H, W)."""
        pixels, rows, bias = pixels.to(self.device), range(channels), None
        if checkpoint is None:
            filters = weights.stem_weights(source, rows)
        else:
            network = self._checkpoints(checkpoint)
            data = network.meta["data"]
            pixels = picture.standardised(pixels, data["mean"], data["std"])
            filters, bias = network.stem_weight(rows), self._there(network.stem_bias(rows))
        return F.relu_(F.conv2d(pixels, self._there(filters), bias, padding=1))

    def _convolve(self, stem: Tensor, spec: MapsSpec, piece: "_Piece") -> Tensor:
        conv, network = spec.conv, self.trained(spec)
        filters, bias = self._there(piece_weights(spec, piece, network)), None
        if conv.bias:
            biases = weights.bias_block(spec.seed, piece.outputs) if network is None else network.bias(1, piece.outputs)
            bias = self._there(biases)
        inputs = stem[:, piece.inputs.start : piece.inputs.stop]
        return F.conv2d(inputs, filters, bias, conv.stride, conv.padding, conv.dilation, len(piece.spans))[0]

    def _there(self, array: weights.Floats) -> Tensor:
        return there(array, self.device)


def there(array: weights.Floats, device: torch.device) -> Tensor:
    """`array` on the device; what can't be written into is copied, since a tensor can."""
    return torch.from_numpy(array if array.flags.writeable else array.copy()).to(device)


@dataclass(frozen=True)
class _Piece:
    """Equal neighbouring groups, or a part of one group's outputs: what one convolution makes."""

    spans: tuple[Span, ...]
    outputs: range

    @property
    def inputs(self) -> range:
        first, last = self.spans[0], self.spans[-1]
        return range(first.in_start, last.in_start + last.in_channels)


def piece_weights(spec: MapsSpec, piece: _Piece, network: Checkpoint | None = None) -> weights.Floats:
    """(outputs, a_j, k_h, k_w): the block diagonal of the dense tensor, group after group. network: whose first module
    the tensor is, where the weights are trained."""
    blocks = []
    for span in piece.spans:
        rows = range(
            max(span.out_start, piece.outputs.start), min(span.out_start + span.out_channels, piece.outputs.stop)
        )
        columns = range(span.in_start, span.in_start + span.in_channels)
        if network is None:
            block = weights.dense_block(spec.weights, spec.seed, spec.conv.kernel_size, rows, columns)
        else:
            block = network.block(1, rows, columns)
        if spec.gain == "fan-in":
            block = block * np.float32(weights.fan_in_gain(spec.conv.grouping.in_channels, span.in_channels))
        blocks.append(block)
    return np.concatenate(blocks) if len(blocks) > 1 else blocks[0]


def _pieces(spec: MapsSpec, start: int, stop: int) -> Iterator[_Piece]:
    """Cover output channels [start, stop) with as few convolutions as there are runs of equal whole groups."""
    run: list[Span] = []
    for span in spec.conv.grouping.spans:
        first, last = max(start, span.out_start), min(stop, span.out_start + span.out_channels)
        if first >= last:
            continue
        whole = last - first == span.out_channels
        same = run and (span.in_channels, span.out_channels) == (run[-1].in_channels, run[-1].out_channels)
        if run and not (whole and same):
            yield _whole(run)
            run = []
        if whole:
            run.append(span)
        else:
            yield _Piece((span,), range(first, last))
    if run:
        yield _whole(run)


def _whole(run: list[Span]) -> _Piece:
    return _Piece(tuple(run), range(run[0].out_start, run[-1].out_start + run[-1].out_channels))


def wanted(channels: tuple[int, int] | None, total: int, dtype: str, tile: int | None) -> tuple[int, int]:
    """The channels [start, stop) asked for, of `total`. Raises SpecError for channels or a form that there is not."""
    start, stop = channels or (0, total)
    if not 0 <= start < stop <= total:
        raise SpecError(f"channels must lie within 0:{total}, not {start}:{stop}", "channels")
    if dtype not in ("uint8", "float32"):
        raise SpecError(f"dtype must be uint8 or float32, not {dtype!r}", "dtype")
    if tile is not None and tile < 1:
        raise OutOfRange("tile", tile, 1)
    return start, stop


def averaged(height: int, width: int, tile: int | None) -> int:
    """Side in pixels of one averaged square, so that the longer side has at most `tile` of them."""
    return 1 if tile is None else -(-max(height, width) // tile)


def finish(y: Tensor, relu: bool, factor: int, dtype: str) -> tuple[Array, Array, Array, dict[str, list[float]]]:
    """From one convolution's output (C, H', W') to maps, scale, offset and statistics; writes into y where `relu`."""
    if relu:
        y = F.relu_(y)
    stats = _statistics(y.flatten(1))
    if factor > 1:
        y = F.avg_pool2d(y, factor, ceil_mode=True)  # the last windows average what there is of them
    if dtype == "float32":
        one = np.ones(len(y), np.float32)
        return y.cpu().numpy(), one, one * 0, stats
    low, high = y.flatten(1).amin(1), y.flatten(1).amax(1)
    scale = (high - low) / 255
    steps = torch.where(scale > 0, 1 / scale, 0).view(-1, 1, 1)  # a constant map is offset alone
    maps = (y - low.view(-1, 1, 1)).mul_(steps).round_().clamp_(0, 255).to(torch.uint8)
    return maps.cpu().numpy(), scale.cpu().numpy(), low.cpu().numpy(), stats


def _statistics(flat: Tensor) -> dict[str, list[float]]:
    """Of each row of (C, pixels). Plain reductions: many times faster here than torch's aminmax and var_mean."""
    pixels = flat.shape[1]
    mean = flat.mean(1)
    variance = torch.linalg.vector_norm(flat, dim=1).square() / pixels - mean.square()
    std = variance.clamp_min(0).sqrt()
    # One pass loses digits where a map is nearly constant, and float32 has no squares of numbers beyond 1e19.
    again = ~((variance >= 1e-3 * mean.square()) & (variance < math.inf))
    if bool(again.any()):
        std[again] = flat[again].cpu().double().std(1, correction=0).to(std)
    return {
        "min": flat.amin(1).tolist(),
        "max": flat.amax(1).tolist(),
        "mean": mean.tolist(),
        "std": std.tolist(),
        "zeros": [count / pixels for count in _zeros(flat)],
    }


def _zeros(flat: Tensor) -> list[int]:
    if flat.device.type == "cpu":  # NumPy counts a boolean row four times faster than torch reduces it
        return [row.size - int(np.count_nonzero(row != 0)) for row in flat.numpy()]
    return [int(count) for count in (flat == 0).sum(1).tolist()]


class TensorCache:
    """The tensors used last, up to `limit` bytes together (the newest always stays), ENTRY_BYTES for each besides."""

    def __init__(self, limit: int) -> None:
        self.limit, self.bytes, self._kept = limit, 0, OrderedDict[Any, Tensor]()

    def get(self, key: Any, build: Callable[[], Tensor]) -> Tensor:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        found = self._kept[key] = build()
        self.bytes += ENTRY_BYTES + found.nbytes  # counted, not summed up: thousands of filters are kept
        while len(self._kept) > 1 and self.bytes > self.limit:
            self.bytes -= ENTRY_BYTES + self._kept.popitem(last=False)[1].nbytes
        return found


def feature_maps(
    image: Image.Image, spec: MapsSpec, checkpoint: Checkpoint | None = None, **options: Any
) -> FeatureMaps:
    """Runner.feature_maps for one picture (turned as its EXIF says), in float32 and full resolution unless told
    otherwise, through `checkpoint` where the weights are trained: for a notebook."""
    runner = Runner(checkpoints=(lambda _: checkpoint) if checkpoint else no_checkpoints)
    return runner.feature_maps(lambda: ImageOps.exif_transpose(image), "", spec, **{"dtype": "float32", **options})
