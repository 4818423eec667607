"""The weights of a stack's modules, on the device: one dense tensor a module, cut by the groups.

Module m has the dense tensor of seed + (m - 1) 2^32 (seeds are below 2^32), so the first module is the layer that the
same seed gives anywhere else, and the 1 x 1 convolution before it a tensor of its own.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from compute import weights
from compute.grouping import Span
from compute.run import TensorCache
from compute.spec import Pair
from compute.stack.spec import StackSpec

MODULE_SEED, POINTWISE_SEED = 1 << 32, 1 << 40
CACHE_BYTES = 32 << 20  # a slider that moves another number asks for the same filters again


class Filters:
    """Makes them, and keeps the ones used last: not to be written into."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._kept = device, TensorCache(CACHE_BYTES)

    def weight(self, spec: StackSpec, module: int, spans: tuple[Span, ...]) -> Tensor:
        """(outputs, a_j, k_h, k_w) of groups alike, one after the other."""
        key = ("weight", spec.weights, _seed(spec, module), spec.kernel_size, spec.gain, spec.rotation(module), spans)
        return self._kept.get((*key, spec.channels), lambda: self._there(_weight(spec, module, spans)))

    def bias(self, spec: StackSpec, module: int, spans: tuple[Span, ...]) -> Tensor | None:
        """(outputs,), or None without bias."""
        if not spec.bias:
            return None
        first, last = spans[0], spans[-1]
        rows = _wrapped(
            first.out_start + spec.rotation(module), last.out_start + last.out_channels - first.out_start, spec
        )
        return self._there(np.concatenate([weights.bias_block(_seed(spec, module), part) for part in rows]))

    def pointwise(self, spec: StackSpec, module: int) -> Tensor:
        """(C, C, 1, 1) of the 1 x 1 convolution before `module`."""
        seed, rows = _seed(spec, module) + POINTWISE_SEED, range(spec.channels)

        def make() -> Tensor:
            return self._there(
                _gained(spec, weights.dense_block(spec.weights, seed, (1, 1), rows, rows), spec.channels)
            )

        return self._kept.get(("pointwise", spec.weights, seed, spec.gain, spec.channels), make)

    def _there(self, array: weights.Floats) -> Tensor:
        return torch.from_numpy(array).to(self._device)


def _weight(spec: StackSpec, module: int, spans: Sequence[Span]) -> weights.Floats:
    turn = spec.rotation(module)
    blocks = []
    for span in spans:
        rows = _wrapped(span.out_start + turn, span.out_channels, spec)
        columns = _wrapped(span.in_start + turn, span.in_channels, spec)
        block = _block(spec.weights, _seed(spec, module), spec.kernel_size, rows, columns)
        blocks.append(_gained(spec, block, span.in_channels))
    return np.concatenate(blocks) if len(blocks) > 1 else blocks[0]


def _gained(spec: StackSpec, block: weights.Floats, in_channels: int) -> weights.Floats:
    """He's deviation for the channels that are read, where the gain is `fan-in`."""
    if spec.gain == "cut":
        return block
    return block * np.float32(weights.fan_in_gain(weights.REFERENCE_IN_CHANNELS, in_channels))


def _block(source: str, seed: int, kernel_size: Pair, rows: list[range], columns: list[range]) -> weights.Floats:
    parts = [[weights.dense_block(source, seed, kernel_size, row, column) for column in columns] for row in rows]
    return parts[0][0] if len(rows) == len(columns) == 1 else np.concatenate([np.concatenate(p, 1) for p in parts])


def _seed(spec: StackSpec, module: int) -> int:
    return spec.seed + (module - 1) * MODULE_SEED


def _wrapped(start: int, count: int, spec: StackSpec) -> list[range]:
    """Channels start, start + 1, ... modulo all there are, as one range or two."""
    total = spec.channels
    start %= total
    stop = start + count
    return [range(start, stop)] if stop <= total else [range(start, total), range(stop - total)]
