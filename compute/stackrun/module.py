"""One module of a stack, from what the last one gave to what it gives. Shapes are (channels, height, width)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from compute.grouping import Span
from compute.stack.spec import StackSpec
from compute.stackrun.filters import Filters

EPSILON = 1e-5  # BatchNorm2d's


@dataclass(frozen=True)
class Parts:
    """A module's insides, each (C, H, W): what enters (u), the convolution's answer (f), what ReLU gets (s), what
    leaves."""

    input: Tensor
    conv: Tensor
    sum: Tensor
    output: Tensor


@dataclass(frozen=True)
class Taken:
    """What another run has made already: this one runs the groups `run`, and has the convolution's answer, after a
    normalisation of it, in `channels`: conv (n, H, W), or None where there are none."""

    run: tuple[Span, ...]
    channels: tuple[int, ...]
    conv: Tensor | None


def entering(filters: Filters, spec: StackSpec, module: int, x: Tensor) -> Tensor:
    """u of `module`: the last module's output, halved and mixed. May be `x` itself."""
    if spec.pooled(module):
        pool = F.avg_pool2d if spec.downsample == "average" else F.max_pool2d
        x = pool(x, 2)
    if not spec.mixed(module):
        return x
    if spec.mixing == "shuffle":
        return x[list(spec.order)]
    mixed = F.conv2d(x[None], filters.pointwise(spec, module))[0]
    return F.relu_(mixed) if spec.relu else mixed


def through(filters: Filters, spec: StackSpec, module: int, x: Tensor, taken: Taken | None = None) -> Tensor:
    """The module's output; without `taken`, all groups run. Sum and ReLU follow each run of groups while its answer is
    still in the cache. Channels of groups that neither run nor are taken over are left undefined."""
    if taken and taken.conv is not None:
        return parts(filters, spec, module, x, taken).output
    turn = spec.rotation(module)
    u = _turned(entering(filters, spec, module, x), -turn)
    whole = torch.empty_like(u)
    for rows, answer in _answers(filters, spec, module, u, taken.run if taken else spec.grouping.spans):
        if spec.normalisation == "conv":
            answer = normalised(answer)
        if spec.residual:
            answer = torch.add(answer, u[rows], out=whole[rows])
        if spec.normalisation == "sum":
            answer = normalised(answer)
        if spec.relu:
            F.relu_(answer)
        if not spec.residual or spec.normalisation == "sum":
            whole[rows] = answer
    return _turned(whole, turn)


def parts(filters: Filters, spec: StackSpec, module: int, x: Tensor, taken: Taken | None = None) -> Parts:
    """The same with everything in between kept."""
    turn = spec.rotation(module)
    u = _turned(entering(filters, spec, module, x), -turn)
    f = _answered(filters, spec, module, u, taken)
    s = f + u if spec.residual else f
    if spec.normalisation == "sum":
        s = normalised(s)
    output = F.relu(s) if spec.relu else s
    return Parts(*(_turned(part, turn) for part in (u, f, s, output)))


def _answered(filters: Filters, spec: StackSpec, module: int, u: Tensor, taken: Taken | None) -> Tensor:
    """f of the module, turned as `u` is; may be written into."""
    f = torch.zeros_like(u)
    for rows, answer in _answers(filters, spec, module, u, taken.run if taken else spec.grouping.spans):
        f[rows] = answer
    if spec.normalisation == "conv":
        f = normalised(f)
    if taken and taken.conv is not None:
        f[[(channel - spec.rotation(module)) % spec.channels for channel in taken.channels]] = taken.conv
    return f


def normalised(x: Tensor) -> Tensor:
    """Each channel minus its mean, divided by its deviation, over the pixels of this picture."""
    return F.batch_norm(x[None], None, None, training=True, eps=EPSILON)[0]


def _answers(
    filters: Filters, spec: StackSpec, module: int, u: Tensor, spans: Sequence[Span]
) -> Iterator[tuple[slice, Tensor]]:
    """The grouped convolution of `u`, whose channels are turned so that the groups lie as the split says: run by run of
    equal neighbours, with the channels that each makes."""
    for _, steps in groupby(_stepped(spans), key=lambda step: step[0]):
        run = [span for _, span in steps]
        answer = _run(filters, spec, module, u, run)
        yield slice(run[0].out_start, run[0].out_start + len(answer)), answer


def _run(filters: Filters, spec: StackSpec, module: int, u: Tensor, spans: list[Span]) -> Tensor:
    """Equal neighbours as one native grouped convolution."""
    first, last = spans[0], spans[-1]
    weight, bias = filters.weight(spec, module, tuple(spans)), filters.bias(spec, module, tuple(spans))
    read = u[None, first.in_start : last.in_start + last.in_channels]
    return F.conv2d(read, weight, bias, padding=spec.padding, dilation=spec.dilation, groups=len(spans))[0]


def _stepped(spans: Sequence[Span]) -> list[tuple[int, Span]]:
    """Each span with the number of the run it belongs to: a run ends where sizes change or a group is left out."""
    steps: list[tuple[int, Span]] = []
    for span in spans:
        run = steps[-1][0] if steps else 0
        before = steps[-1][1] if steps else span
        size = (span.in_channels, span.out_channels)
        goes_on = before is span or (
            before.index + 1 == span.index and (before.in_channels, before.out_channels) == size
        )
        steps.append((run if goes_on else run + 1, span))
    return steps


def _turned(x: Tensor, by: int) -> Tensor:
    return x.roll(by, 0) if by else x
