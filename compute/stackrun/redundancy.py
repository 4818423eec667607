"""How alike the maps of a layer are, and how they go together with the maps before them.

Correlation: between the maps of one layer, each pixel a sample. Inter-layer covariance: Ioannou et al., "Deep Roots",
arXiv 1605.06489: maps of two consecutive layers, mean subtracted, the smaller ones enlarged by nearest neighbour,
X1 X2^T / (N - 1). Effective rank: (sum of eigenvalues)^2 / sum of their squares of the covariance, the participation
ratio: as many directions as would share the variance equally.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from compute.errors import SpecError
from compute.stack.describe import STEM_RANK
from compute.stack.spec import StackSpec
from compute.stackrun.energy import blocks, precise

Array = NDArray[np.float32]
SMALLER = "use gain fan-in, a normalisation or fewer modules"  # where values grow beyond float32


@dataclass(frozen=True)
class Redundancy:
    """correlation: (C, C) float32, absolute; covariance: (C, C) float32, rows the channels before the module, columns
    those after it. Rows and columns of maps that are constant (dead ones among them) are zero: they correlate with
    nothing.

    facts: dead and dead_before, the channels whose map is constant; order_before, the channels before in the order in
    which the module's groups read them; rank, effective ranks of the layer, of each of its groups, of the layer before
    and of the stem, beside the most that a linear stem could have; samples, the N of the covariance.
    """

    correlation: Array
    covariance: Array
    facts: dict[str, Any]


def redundancy(spec: StackSpec, module: int, stem: Tensor, before: Tensor, after: Tensor) -> Redundancy:
    """Of the module whose input was `before` and whose output is `after`, each (C, H, W)."""
    maps, lengths = _centred(after)
    alive = lengths > 0
    units = maps / torch.where(alive, lengths, 1.0).float()[:, None]
    correlation = (units @ units.T).abs_().clamp_max_(1.0)
    correlation.fill_diagonal_(1.0)
    correlation[~alive] = 0.0
    correlation[:, ~alive] = 0.0
    large = F.interpolate(after[None], before.shape[1:], mode="nearest")[0] if before.shape != after.shape else after
    first, lengths_before = _centred(before)
    second = maps if large is after else _centred(large)[0]
    samples = first.shape[1]
    alive_before = lengths_before > 0
    covariance = first @ second.T / max(samples - 1, 1)
    covariance[~alive_before] = 0.0
    covariance[:, ~alive] = 0.0
    if not bool(torch.isfinite(covariance).all()):
        raise SpecError(f"the covariances at module {module} have passed the largest float32 number", "gain", SMALLER)
    facts = {
        "dead": _numbers(~alive),
        "dead_before": _numbers(~alive_before),
        "order_before": read_order(spec, module),
        "rank": {
            "layer": effective_rank(maps, lengths),
            "groups": [effective_rank(maps[c], lengths[c]) for c in _written(spec, module)],
            "before": effective_rank(first, lengths_before),
            "stem": effective_rank(*_centred(stem)),
            "stem_most": min(spec.channels, STEM_RANK),
        },
        "samples": samples,
    }
    return Redundancy(correlation.cpu().numpy(), covariance.cpu().numpy(), facts)


def effective_rank(centred: Tensor, lengths: Tensor) -> float | None:
    """(C, N) mean-subtracted maps and their lengths: trace(Cov)^2 / |Cov|_F^2, which is (sum of eigenvalues)^2 / sum of
    their squares; None where nothing varies."""
    total = float(lengths.square().sum())
    if total <= 0:
        return None
    narrow = centred if centred.shape[0] <= centred.shape[1] else centred.T  # both Gram matrices have these eigenvalues
    scaled = narrow / total**0.5
    return 1 / float(precise(scaled @ scaled.T).square().sum())


def read_order(spec: StackSpec, module: int) -> list[int]:
    """Channels before the module in the order in which its groups read them; as they are where a 1 x 1 mixes all."""
    turned = [(c + spec.rotation(module)) % spec.channels for c in range(spec.channels)]
    return [spec.order[c] for c in turned] if spec.mixed(module) and spec.mixing == "shuffle" else turned


def _written(spec: StackSpec, module: int) -> Iterator[list[int]]:
    """The channels that each group writes."""
    for span in spec.grouping.spans:
        yield [(span.out_start + spec.rotation(module) + c) % spec.channels for c in range(span.out_channels)]


def _centred(x: Tensor) -> tuple[Tensor, Tensor]:
    """(C, N) float32, each map minus its mean, exactly zero where a map is constant; and their lengths (C,). Means and
    lengths are taken in double precision, a block of channels at a time; sums of products keep six digits in single
    precision, in half the time."""
    flat = x.flatten(1)
    centred = torch.empty_like(flat)
    lengths = []
    for block, target in zip(blocks(flat), blocks(centred), strict=True):
        exact = precise(block)
        exact -= exact.mean(1, keepdim=True)
        exact[(block.amin(1) == block.amax(1)).to(exact.device)] = 0.0
        lengths.append(exact.norm(dim=1))
        target.copy_(exact)
    return centred, torch.cat(lengths).to(x.device if x.device.type != "mps" else "cpu")


def _numbers(mask: Tensor) -> list[int]:
    return [int(channel) for channel in mask.nonzero().flatten()]
