"""How strong a stack's maps are, module by module: mean squares over channels and pixels, in double precision."""

from typing import Any

import torch
from torch import Tensor

from compute.stack.spec import StackSpec
from compute.stackrun.filters import Filters
from compute.stackrun.module import convolved, entering, normalised


def of_module(filters: Filters, spec: StackSpec, module: int, x: Tensor, output: Tensor) -> dict[str, Any]:
    """Of the module's sum: identity + conv + cross, cross = 2 mean(u f); null where there is no identity. Before a
    normalisation of the sum. x: what the last module gave."""
    u = entering(filters, spec, module, x)
    turn = spec.rotation(module)
    f = convolved(filters, spec, module, u.roll(-turn, 0) if turn else u)
    if spec.normalisation == "conv":
        f = normalised(f)
    f = (f.roll(turn, 0) if turn else f).double()
    row: dict[str, Any] = {"module": module, "identity": None, "conv": _mean_square(f), "cross": None}
    row["sum"] = row["conv"]
    if spec.residual:
        u = u.double()
        row |= {"identity": _mean_square(u), "cross": _number(2 * (u * f).mean()), "sum": _mean_square(u + f)}
    return {**row, **of_output(output)}


def of_output(x: Tensor) -> dict[str, Any]:
    """output: mean square; zeros: share of values; dead: maps that are zero everywhere."""
    zero = (x == 0).flatten(1)
    return {
        "output": _mean_square(x.double()),
        "zeros": float(zero.double().mean()),
        "dead": int(zero.all(1).sum()),
    }


def root_mean_square(x: Tensor) -> float | None:
    """None where it is no finite number."""
    square = _mean_square(x.double())
    return None if square is None else float(square**0.5)


def _mean_square(x: Tensor) -> float | None:
    return _number(x.square().mean())


def _number(value: Tensor) -> float | None:
    return float(value) if bool(torch.isfinite(value)) else None
