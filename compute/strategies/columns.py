"""Consecutive layers with the same split that keep their groups apart: nothing is cut and nothing is put together."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from compute.errors import SpecError

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d


class Columns(nn.Module):
    """GroupedConv2d layers of one split with elementwise modules between them, one column of them a group.

    Each layer's groups write as many channels as the next layer's groups read, so a group's maps go straight on; only
    the first input is cut and only the last output put together. What stands between (ReLU and the like) must work
    element by element: it sees one group at a time. Equal to nn.Sequential of the same modules.

    Input (N, C_in, H, W), output (N, C_out, H', W'). Raises SpecError where the splits do not fit.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        from compute.layers import GroupedConv2d

        super().__init__()
        layers = [module for module in modules if isinstance(module, GroupedConv2d)]
        if not layers:
            raise SpecError("columns need a grouped layer", "modules")
        for before, after in itertools.pairwise(layers):
            made = [b for _, b in before.grouping.sizes]
            read = [a for a, _ in after.grouping.sizes]
            if made != read:
                raise SpecError(
                    f"each group must read what the same group of the layer before made: made are {made}, read {read}",
                    "grouping",
                    "give both layers the same split",
                )
        self.layers = nn.ModuleList(modules)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(self.columns(x), 1)

    def columns(self, x: Tensor) -> list[Tensor]:
        """The output's groups, not put together: each (N, b_j, H', W')."""
        from compute.layers import GroupedConv2d

        first = next(layer for layer in self.layers if isinstance(layer, GroupedConv2d))
        parts = list(torch.split(x, [a for a, _ in first.grouping.sizes], 1))
        for layer in self.layers:
            parts = columns_of(layer, parts) if isinstance(layer, GroupedConv2d) else [layer(part) for part in parts]
        return parts


def columns_of(layer: "GroupedConv2d", parts: Sequence[Tensor]) -> list[Tensor]:
    """Each group's answer to its own input: parts[j] is (N, a_j, H, W)."""
    sizes = [b for _, b in layer.grouping.sizes]
    biases = [None] * len(sizes) if layer.bias is None else torch.split(layer.bias, sizes)
    return [
        torch.nn.functional.conv2d(part, weight, bias, layer.stride, layer.padding, layer.dilation)
        for part, weight, bias in zip(parts, layer.filters(), biases, strict=True)
    ]
