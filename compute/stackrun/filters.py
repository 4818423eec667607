"""The weights of a stack's modules, on the device: one dense tensor a module, cut by the groups.

Module m has the dense tensor of seed + (m - 1) 2^32 (seeds are below 2^32), so the first module is the layer that the
same seed gives anywhere else, and the 1 x 1 convolution before it a tensor of its own. Where the weights are trained,
the dense tensor of module m is the network's, zero where its own groups do not connect.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from compute import weights
from compute.grouping import Span
from compute.run import TensorCache, there
from compute.stack.spec import StackSpec

MODULE_SEED, POINTWISE_SEED = 1 << 32, 1 << 40
CACHE_BYTES = 32 << 20  # a slider that moves another number asks for the same filters again


class Numbers(Protocol):
    """Dense tensors by module, from 1: of a seed, or of a compute.trained.Checkpoint."""

    def block(self, module: int, rows: range, columns: range) -> weights.Floats:
        """(rows, columns, k_h, k_w)."""

    def bias(self, module: int, rows: range) -> weights.Floats:
        """(rows,)."""

    def pointwise(self, module: int) -> weights.Floats:
        """At least (C, C, 1, 1), of the 1 x 1 convolution before `module`."""


class Seeded:
    """The numbers that a seed gives."""

    def __init__(self, spec: StackSpec) -> None:
        self._spec = spec

    def block(self, module: int, rows: range, columns: range) -> weights.Floats:
        spec = self._spec
        return weights.dense_block(spec.weights, self._seed(module), spec.kernel_size, rows, columns)

    def bias(self, module: int, rows: range) -> weights.Floats:
        return weights.bias_block(self._seed(module), rows)

    def pointwise(self, module: int) -> weights.Floats:
        every = range(self._spec.channels)
        return weights.dense_block(self._spec.weights, self._seed(module) + POINTWISE_SEED, (1, 1), every, every)

    def _seed(self, module: int) -> int:
        return self._spec.seed + (module - 1) * MODULE_SEED


class Filters:
    """Makes them, and keeps the ones used last: not to be written into. trained: the network whose weights a stack asks
    for, None where it asks for others."""

    def __init__(self, device: torch.device, trained: Callable[[StackSpec], Numbers | None]) -> None:
        self._device, self._trained, self._kept = device, trained, TensorCache(CACHE_BYTES)

    def weight(self, spec: StackSpec, module: int, spans: tuple[Span, ...]) -> Tensor:
        """(outputs, a_j, k_h, k_w) of groups alike, one after the other."""
        key = ("weight", *_source(spec, module), spec.kernel_size, spec.rotation(module), spans)
        return self._kept.get(key, lambda: self._there(_weight(spec, self._numbers(spec), module, spans)))

    def bias(self, spec: StackSpec, module: int, spans: tuple[Span, ...]) -> Tensor | None:
        """(outputs,), or None without bias."""
        if not spec.bias:
            return None
        first, last = spans[0], spans[-1]
        rows = _wrapped(
            first.out_start + spec.rotation(module), last.out_start + last.out_channels - first.out_start, spec
        )
        numbers = self._numbers(spec)
        return self._there(np.concatenate([numbers.bias(module, part) for part in rows]))

    def pointwise(self, spec: StackSpec, module: int) -> Tensor:
        """(C, C, 1, 1) of the 1 x 1 convolution before `module`."""
        total = spec.channels

        def make() -> Tensor:
            whole = self._numbers(spec).pointwise(module)[:total, :total]
            return self._there(_gained(spec, whole, total))

        return self._kept.get(("pointwise", *_source(spec, module)), make)

    def _numbers(self, spec: StackSpec) -> Numbers:
        return self._trained(spec) or Seeded(spec)

    def _there(self, array: weights.Floats) -> Tensor:
        return there(array, self._device)


def _source(spec: StackSpec, module: int) -> tuple[object, ...]:
    """What the dense tensors of `module` depend on, but for their kernel: nothing that the filters need is left out."""
    return spec.weights, spec.checkpoint, spec.seed, module, spec.gain, spec.channels


def _weight(spec: StackSpec, numbers: Numbers, module: int, spans: Sequence[Span]) -> weights.Floats:
    turn = spec.rotation(module)
    blocks = []
    for span in spans:
        rows = _wrapped(span.out_start + turn, span.out_channels, spec)
        columns = _wrapped(span.in_start + turn, span.in_channels, spec)
        blocks.append(_gained(spec, _block(numbers, module, rows, columns), span.in_channels))
    return np.concatenate(blocks) if len(blocks) > 1 else blocks[0]


def _gained(spec: StackSpec, block: weights.Floats, in_channels: int) -> weights.Floats:
    """He's deviation for the channels that are read, where the gain is `fan-in`."""
    if spec.gain == "cut":
        return block
    return block * np.float32(weights.fan_in_gain(weights.REFERENCE_IN_CHANNELS, in_channels))


def _block(numbers: Numbers, module: int, rows: list[range], columns: list[range]) -> weights.Floats:
    parts = [[numbers.block(module, row, column) for column in columns] for row in rows]
    return parts[0][0] if len(rows) == len(columns) == 1 else np.concatenate([np.concatenate(p, 1) for p in parts])


def _wrapped(start: int, count: int, spec: StackSpec) -> list[range]:
    """Channels start, start + 1, ... modulo all there are, as one range or two."""
    total = spec.channels
    start %= total
    stop = start + count
    return [range(start, stop)] if stop <= total else [range(start, total), range(stop - total)]
