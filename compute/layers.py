"""Grouped convolution as an nn.Module, for any grouping, and the residual module built on it."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compute.errors import SpecError
from compute.grouping import Grouping
from compute.spec import Pair, pair
from compute.strategies.case import Case, conditions
from compute.strategies.strategy import Run, strategies
from compute.strategies.tuner import Decision, changes, decide
from compute.strategies.watched import watched

KEPT_RUNS = 4  # kinds of input that a layer is prepared for, each with weights of its own
_UNKNOWN: Any = object()


class GroupedConv2d(nn.Module):
    """A 2-d convolution whose groups may differ in width. Zero padding; nn.Conv2d's arguments and defaults.

    grouping: a Grouping of in_channels and out_channels (default: one group, the standard convolution).
    padding: an int, a pair, 'valid' or 'same'.

    Parameters. Where all groups are alike, whatever built the grouping, `weight` (C_out, C_in/groups, k_h, k_w) and
    `bias` (C_out,) are nn.Conv2d's, and its state_dict loads as it is. Otherwise `weights.j` (b_j, a_j, k_h, k_w) is
    group j's filter, and `bias` (C_out,) stays one vector in channel order.

    strategy: 'auto' measures once for each kind of input which exact way to run it is fastest (compute.strategies), or
    the name of one, which then always runs where it can. Answers of different strategies differ by rounding only.

    Input (N, C_in, H, W) or (C_in, H, W), output likewise; channels_last goes through. Raises SpecError where the
    grouping and the channels disagree.
    """

    bias: nn.Parameter | None
    strategy: str

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        grouping: Grouping | None = None,
        stride: int | Pair = 1,
        padding: int | Pair | str = 0,
        dilation: int | Pair = 1,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        strategy: str = "auto",
    ) -> None:
        super().__init__()
        self.strategy = strategy
        self._runs: dict[Any, Run | None] = {}
        grouping = Grouping.standard(in_channels, out_channels) if grouping is None else grouping
        if not isinstance(grouping, Grouping):
            raise SpecError(
                f"grouping must be a Grouping, not {grouping!r}",
                "grouping",
                f"such as Grouping.uniform({in_channels}, {out_channels}, groups=...)",
            )
        if (grouping.in_channels, grouping.out_channels) != (in_channels, out_channels):
            raise SpecError(
                f"grouping splits {grouping.in_channels} -> {grouping.out_channels} channels,"
                f" the layer has {in_channels} -> {out_channels}",
                "grouping",
            )
        self.in_channels, self.out_channels, self.grouping = in_channels, out_channels, grouping
        self.kernel_size = pair("kernel_size", kernel_size, 1)
        self.stride, self.dilation = pair("stride", stride, 1), pair("dilation", dilation, 1)
        self.padding = self._padding(padding)

        def empty(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(*shape, device=device, dtype=dtype))

        if grouping.equal:
            self.weight = empty(out_channels, grouping.sizes[0][0], *self.kernel_size)
        else:
            self.weights = nn.ParameterList(empty(b, a, *self.kernel_size) for a, b in grouping.sizes)
        if bias:
            self.bias = empty(out_channels)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """nn.Conv2d's initialisation, each group by its own fan-in."""
        filters = self.filters()
        for weight in [self.weight] if self.grouping.equal else filters:
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
        if self.bias is None:
            return
        if self.grouping.equal:
            _uniform_bias(self.bias, self.weight)
            return
        for weight, span in zip(filters, self.grouping.spans, strict=True):
            _uniform_bias(self.bias[span.out_start : span.out_start + span.out_channels], weight)

    def filters(self) -> list[Tensor]:
        """Each group's filter (b_j, a_j, k_h, k_w), sharing memory with the parameters."""
        if self.grouping.equal:
            return list(torch.split(self.weight, self.grouping.sizes[0][1]))
        return list(self.weights)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() not in (3, 4) or x.shape[-3] != self.in_channels:
            raise SpecError(
                f"input must be (N, {self.in_channels}, H, W) or ({self.in_channels}, H, W), not {tuple(x.shape)}",
                "in_channels",
            )
        if x.dim() == 3:
            return self.forward(x[None])[0]
        run = self._chosen(x)
        return self._plain(x) if run is None else run(x)

    def decision(self, x: Tensor) -> Decision:
        """Which strategy runs inputs like x (N, C_in, H, W), and why."""
        return decide(self, x)

    def repack(self) -> None:
        """Forget everything that was derived from the weights. Needed only after single elements were written through
        `.data` or numpy, past torch's version counters."""
        self._runs.clear()

    def _plain(self, x: Tensor) -> Tensor:
        if self.grouping.equal:
            return self._conv(x, self.weight, self.bias, self.grouping.groups)
        outputs, first, in_start, out_start = [], 0, 0, 0
        for count, a, b in self.grouping.runs:  # equal neighbours run as one native grouped call
            weight = self.weights[first] if count == 1 else torch.cat([*self.weights[first : first + count]])
            bias = None if self.bias is None else self.bias[out_start : out_start + count * b]
            outputs.append(self._conv(x.narrow(1, in_start, count * a), weight, bias, count))
            first, in_start, out_start = first + count, in_start + count * a, out_start + count * b
        return torch.cat(outputs, dim=1)

    def _chosen(self, x: Tensor) -> Run | None:
        """What runs inputs like x; None: the plain way. Whatever looks into a forward (compilers, transforms, counters
        of FLOPs) sees the plain way."""
        if self.strategy == "plain" or type(x) is not Tensor or watched() or not self._own():
            return None
        grad = torch.is_grad_enabled() and (x.requires_grad or self._learns())
        key = (self.strategy, x.shape, x.dtype, x.device, x.stride(), grad, *conditions(x), changes())
        known: Run | None = self._runs.get(key, _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        run, settled = self._prepared(x)
        if settled:
            self._runs[key] = run
            for oldest in list(self._runs)[:-KEPT_RUNS]:
                self._runs.pop(oldest, None)
        return run

    def _prepared(self, x: Tensor) -> tuple[Run | None, bool]:
        """And whether that stands, or is asked again because the machine was too busy to tell."""
        if any(p.dtype != x.dtype or p.device != x.device for p in self.tensors()):
            return None, True  # torch says what is wrong
        case = Case.of(self, x)
        offered = {strategy.name: strategy for strategy in strategies(self, case)}
        name, settled = self.strategy, True
        if name == "auto":
            decision = decide(self, x)
            name, settled = decision.strategy, decision.settled
        plain = next(iter(offered))
        return None if name == plain or name not in offered else offered[name].prepare(self), settled

    def tensors(self) -> list[Tensor]:
        """Its parameters, at a twentieth of the cost of parameters(): they are looked at on each call."""
        own: list[Tensor] = [p for p in self._parameters.values() if p is not None]
        if not self.grouping.equal:
            filters: Any = self._modules["weights"]  # past Module's own lookup, which costs as much as all the rest
            own += filters._parameters.values()
        return own

    def _own(self) -> bool:
        """Whether the filters are its parameters: not where pruning, a parametrization or a replica of DataParallel
        computes them."""
        names = self._parameters
        return "bias" in names and ("weight" in names or not self.grouping.equal)

    def _learns(self) -> bool:
        return any(p.requires_grad for p in self.tensors())

    def __getstate__(self) -> dict[str, Any]:
        """A copy, or what is sent elsewhere, prepares itself anew."""
        return {**self.__dict__, "_runs": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({"strategy": "auto", "_runs": {}, **state})  # type: ignore[no-untyped-call]

    def extra_repr(self) -> str:
        sizes = ", ".join(f"{n}×({a}→{b})" if n > 1 else f"{a}→{b}" for n, a, b in self.grouping.runs)
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride},"
            f" padding={self.padding}, dilation={self.dilation}, bias={self.bias is not None}, groups=[{sizes}]"
        )

    def _conv(self, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        return F.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, groups)

    def _padding(self, padding: int | Pair | str) -> Pair | str:
        if not isinstance(padding, str):
            return pair("padding", padding, 0)
        if padding not in ("same", "valid"):
            raise SpecError(f"padding must be numbers, 'same' or 'valid', not {padding!r}", "padding")
        if padding == "same" and self.stride != (1, 1):
            raise SpecError(
                f"padding 'same' needs stride 1, not {self.stride}", "padding", "give the padding in pixels"
            )
        return padding


class LogGroupModule(nn.Module):
    """The residual module of arXiv 1707.09855 as we read it: relu(conv(x) + x), conv split logarithmically.

    Defaults: 3 x 3, stride 1, as many outputs as inputs, padding that keeps the size. The identity exists only where
    input and output have the same shape; otherwise SpecError, unless `projection` allows a 1 x 1 convolution in its
    place (which, unlike the identity, mixes the groups).

    Input (N, C_in, H, W), output (N, C_out, H', W').
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int | None = None,
        kernel_size: int | Pair = 3,
        groups: int = 4,
        base: int = 2,
        stride: int | Pair = 1,
        padding: int | Pair | None = None,
        dilation: int | Pair = 1,
        bias: bool = True,
        projection: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        out_channels = in_channels if out_channels is None else out_channels
        kernel, dilated = pair("kernel_size", kernel_size, 1), pair("dilation", dilation, 1)
        growth = [d * (k - 1) for k, d in zip(kernel, dilated, strict=True)]
        if padding is None:
            padding = (growth[0] // 2, growth[1] // 2)
        options: dict[str, Any] = {"stride": stride, "bias": bias, "device": device, "dtype": dtype}
        grouping = Grouping.logarithmic(in_channels, out_channels, groups, base)
        self.conv = GroupedConv2d(
            in_channels, out_channels, kernel_size, grouping, padding=padding, dilation=dilation, **options
        )
        shrink = [g - 2 * p for g, p in zip(growth, pair("padding", padding, 0), strict=True)]
        self.identity: nn.Module = nn.Identity()
        if (in_channels, self.conv.stride, shrink) != (out_channels, (1, 1), [0, 0]):
            if not projection or shrink != [0, 0]:
                raise SpecError(
                    "the identity needs the same shape on both sides:"
                    f" {in_channels} -> {out_channels} channels, stride {self.conv.stride},"
                    f" dilation × (kernel_size − 1) − 2 × padding = {tuple(shrink)}",
                    "projection",
                    "keep the shape, or set projection=True for a 1 x 1 convolution instead of the identity"
                    if shrink == [0, 0]
                    else "use an odd kernel_size with padding = dilation × (kernel_size − 1) / 2",
                )
            self.identity = nn.Conv2d(in_channels, out_channels, 1, **options)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x) + self.identity(x))


def _uniform_bias(bias: Tensor, weight: Tensor) -> None:
    bound = 1 / math.sqrt(weight[0].numel())
    nn.init.uniform_(bias, -bound, bound)
