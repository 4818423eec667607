"""The stack once more, as a plain program of torch.nn and NumPy: written from its definition, in float64.

It imports nothing of the project. Weights, biases and the stem's output come in as arrays; masks, shuffle, rotation,
pooling, normalisation, residual and 1 x 1 convolutions are made here in a way of its own: one dense nn.Conv2d a module
whose cut weights are zero, channel by channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.float64]
POINTS = ("input", "conv", "sum", "output")


@dataclass(frozen=True)
class Recipe:
    """groups: (in, out) channels of each. dense: W_m (C, C, k_h, k_w), biases: (C,), mixers: P_m (C, C), one a module
    (mixers[0] is never used). gained: weights of a group times sqrt(64 / its in-channels), mixers sqrt(64 / C)."""

    groups: Sequence[tuple[int, int]]
    dense: Sequence[Array]
    biases: Sequence[Array] | None = None
    mixers: Sequence[Array] | None = None
    dilation: tuple[int, int] = (1, 1)
    residual: bool = True
    mixing: str = "none"
    downsample: str = "none"
    stage: int = 4
    normalisation: str = "none"
    relu: bool = True
    gained: bool = True

    @property
    def channels(self) -> int:
        return len(self.dense[0])


def group_of(channel: int, sizes: Sequence[int]) -> int:
    """Which group a channel falls into when `sizes` are laid out one after the other."""
    for group, size in enumerate(sizes):
        if channel < size:
            return group
        channel -= size
    raise IndexError(channel)


def rotation(recipe: Recipe, module: int) -> int:
    return recipe.channels // 4 if recipe.mixing == "rotated" and module in range(2, 1000, 2) else 0


def mask(recipe: Recipe, module: int) -> Array:
    """(C, C): what weight (o, i) of a module is multiplied by: 0 where the groups cut it."""
    channels, turn = recipe.channels, rotation(recipe, module)
    ins, outs = zip(*recipe.groups, strict=True)
    kept = np.zeros((channels, channels))
    for o in range(channels):
        for i in range(channels):
            writer, reader = group_of((o - turn) % channels, outs), group_of((i - turn) % channels, ins)
            if writer == reader:
                kept[o, i] = (64 / ins[reader]) ** 0.5 if recipe.gained else 1.0
    return kept


def dealt(recipe: Recipe) -> list[int]:
    """One channel from each group of the module before in turn, until all are used."""
    hands, start = [], 0
    for _, size in recipe.groups:
        hands.append(list(range(start, start + size)))
        start += size
    order: list[int] = []
    while any(hands):
        order += [hand.pop(0) for hand in hands if hand]
    return order


class Deal(nn.Module):
    """ChannelShuffle for groups that need not be equal."""

    def __init__(self, order: list[int]) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x[:, c : c + 1] for c in self.order], 1)


class Normalise(nn.Module):
    """nn.BatchNorm2d in training mode, which refuses a single pixel: that one is its own mean."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=1e-5, momentum=None, affine=False, track_running_stats=False).train()

    def forward(self, x: Tensor) -> Tensor:
        return x * 0 if x[0, 0].numel() == 1 else self.norm(x)


class Module(nn.Module):
    """Module m of a recipe; answers every point, and `raw`: the convolution before any normalisation."""

    def __init__(self, recipe: Recipe, module: int) -> None:
        super().__init__()
        channels, shape = recipe.channels, recipe.dense[module - 1].shape[2:]
        self.recipe = recipe
        self.pool: nn.Module = nn.Identity()
        if recipe.downsample != "none" and module > 1 and module % recipe.stage == 1 % recipe.stage:
            self.pool = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}[recipe.downsample](2, 2)
        self.mix: nn.Module = nn.Identity()
        if module > 1 and recipe.mixing == "shuffle":
            equal = len({out for _, out in recipe.groups}) == 1
            self.mix = nn.ChannelShuffle(len(recipe.groups)) if equal else Deal(dealt(recipe))
        if module > 1 and recipe.mixing == "pointwise":
            assert recipe.mixers is not None
            mixer = nn.Conv2d(channels, channels, 1, bias=False).double()
            scale = (64 / channels) ** 0.5 if recipe.gained else 1.0
            mixer.weight.data = torch.from_numpy(recipe.mixers[module - 1] * scale)[:, :, None, None].double()
            self.mix = nn.Sequential(mixer, nn.ReLU()) if recipe.relu else mixer
        padding = tuple(d * (k - 1) // 2 for d, k in zip(recipe.dilation, shape, strict=True))
        biased = recipe.biases is not None
        self.conv = nn.Conv2d(channels, channels, shape, 1, padding, recipe.dilation, bias=biased).double()
        kept = mask(recipe, module)[:, :, None, None]
        self.conv.weight.data = torch.from_numpy(recipe.dense[module - 1] * kept).double()
        if recipe.biases is not None:
            self.conv.bias.data = torch.from_numpy(np.array(recipe.biases[module - 1])).double()
        at = recipe.normalisation
        self.conv_norm = Normalise(channels) if at == "conv" else nn.Identity()
        self.sum_norm = Normalise(channels) if at == "sum" else nn.Identity()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        u = self.mix(self.pool(x))
        raw = self.conv(u)
        f = self.conv_norm(raw)
        added = f + u if self.recipe.residual else f
        s = self.sum_norm(added)
        y = nn.functional.relu(s) if self.recipe.relu else s
        return {"input": u, "raw": raw, "conv": f, "added": added, "sum": s, "output": y}


class Stack(nn.Module):
    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.layers = nn.ModuleList(Module(recipe, m + 1) for m in range(len(recipe.dense)))

    def forward(self, stem: Tensor) -> list[dict[str, Tensor]]:
        """stem: (1, C, H, W). Every point of every module; place 0 is the stem, the same at all points."""
        made = [dict.fromkeys((*POINTS, "raw", "added"), stem)]
        for layer in self.layers:
            made.append(layer(made[-1]["output"]))
        return made

    @torch.no_grad()
    def points(self, stem: Array) -> list[dict[str, Array]]:
        """The same for an array (C, H, W), as arrays."""
        made = self(torch.from_numpy(np.array(stem, np.float64))[None])
        return [{name: value[0].numpy() for name, value in module.items()} for module in made]

    @torch.no_grad()
    def outputs(self, stem: Array) -> list[Array]:
        """x_m of every module, the stem first."""
        return [module["output"] for module in self.points(stem)]


def stem_output(pixels: Array, filters: Array) -> Array:
    """ReLU of a 3 x 3 convolution with padding 1 and no bias over normalised pixels (3, H, W)."""
    return nn.functional.relu(stem_sums(torch.from_numpy(np.array(pixels, np.float64)), filters)).numpy()


def stem_sums(pixels: Tensor, filters: Array) -> Tensor:
    layer = nn.Conv2d(3, len(filters), 3, padding=1, bias=False).double().requires_grad_(False)
    layer.weight.data = torch.from_numpy(np.array(filters, np.float64))
    return layer(pixels[None])[0]


def energies(module: dict[str, Array], residual: bool) -> dict[str, float | None]:
    """Means of squares over channels and pixels; the sum before normalisation."""
    u, f = module["input"], module["conv"]
    return {
        "identity": float((u * u).mean()) if residual else None,
        "conv": float((f * f).mean()),
        "cross": 2 * float((u * f).mean()) if residual else None,
        "sum": float((module["added"] ** 2).mean()),
        "output": float((module["output"] ** 2).mean()),
    }


def effective_rank(covariance: Array) -> float:
    values = np.linalg.eigvalsh(np.atleast_2d(covariance))
    return float(values.sum() ** 2 / (values**2).sum())


def enlarged(maps: Array, height: int, width: int) -> Array:
    """Nearest neighbour: pixel i of n is pixel floor(i * m / n) of m."""
    rows = [int(np.floor(i * maps.shape[1] / height)) for i in range(height)]
    columns = [int(np.floor(j * maps.shape[2] / width)) for j in range(width)]
    return maps[:, rows][:, :, columns]
