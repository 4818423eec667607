"""An arm as an nn.Module, and the same after training: BatchNorm folded away, as compute.stackrun runs it."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compute.layers import GroupedConv2d
from compute.stack import StackSpec

STEM_KERNEL = 3


class GroupedNetwork(nn.Module):
    """relu(norm(stem(x))), the modules of `stack`, the mean over all pixels, a linear layer: (N, image channels, H, W)
    to (N, classes). Names: `stem`, `stem_norm`, `convs.m`, `norms.m`, `mix.m` (from module 2 on), `head`; m counts
    from 1.

    Convolutions run the plain way: which strategy is fastest may differ from run to run, and with it the last digits.
    Everything is channels_last: equal groups learn three times as fast in it, and no arm is slower.
    """

    order: Tensor

    def __init__(self, stack: StackSpec, image_channels: int, classes: int) -> None:
        super().__init__()
        self.stack = stack
        channels, numbers = stack.channels, [str(m) for m in range(1, stack.modules + 1)]
        self.stem = nn.Conv2d(image_channels, channels, STEM_KERNEL, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(channels)
        self.convs = nn.ModuleDict(
            {
                m: GroupedConv2d(
                    channels,
                    channels,
                    stack.kernel_size,
                    stack.grouping,
                    padding=stack.padding,
                    dilation=stack.dilation,
                    bias=False,
                    strategy="plain",
                )
                for m in numbers
            }
        )
        self.norms = nn.ModuleDict({m: nn.BatchNorm2d(channels) for m in numbers})
        mixed = [m for m in numbers if stack.mixing == "pointwise" and stack.mixed(int(m))]
        self.mix = nn.ModuleDict({m: nn.Conv2d(channels, channels, 1, bias=False) for m in mixed})
        for m in mixed:
            nn.init.kaiming_normal_(self._mixer(m).weight, nonlinearity="relu")
        self.head = nn.Linear(channels, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.register_buffer("order", torch.tensor(stack.order), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        *_, last = self.outputs(x)
        return self.head(last.mean((2, 3)))  # type: ignore[no-any-return]

    def outputs(self, x: Tensor) -> Iterator[Tensor]:
        """(N, C, H, W) after the stem and after each module."""
        x = F.relu(self.stem_norm(self.stem(x.contiguous(memory_format=torch.channels_last))), inplace=True)
        yield x
        for module in range(1, self.stack.modules + 1):
            x = self._module(module, x)
            yield x

    def _module(self, module: int, x: Tensor) -> Tensor:
        stack, m = self.stack, str(module)
        if stack.pooled(module):
            x = F.max_pool2d(x, 2)
        if stack.mixed(module):
            x = x[:, self.order] if stack.mixing == "shuffle" else F.relu(self.mix[m](x), inplace=True)
        turn = stack.rotation(module)
        answer = self.convs[m](x.roll(-turn, 1) if turn else x)
        answer = self.norms[m](answer.roll(turn, 1) if turn else answer)
        return F.relu(answer + x if stack.residual else answer)

    def _mixer(self, m: str) -> nn.Conv2d:
        mixer = self.mix[m]
        assert isinstance(mixer, nn.Conv2d)
        return mixer

    @torch.no_grad()
    def folded(self) -> dict[str, Tensor]:
        """The tensors of compute.trained: convolutions with BatchNorm's scale in the weights and its shift as bias,
        exact in evaluation mode. Rows of a module's weights are in the order of the split."""
        stack = self.stack
        scale, shift = _scale_and_shift(self.stem_norm)
        found = {"stem.weight": self.stem.weight * scale[:, None, None, None], "stem.bias": shift}
        for module in range(1, stack.modules + 1):
            m, conv = str(module), self.convs[str(module)]
            assert isinstance(conv, GroupedConv2d)
            scale, shift = _scale_and_shift(self.norms[m])
            found[f"modules.{m}.bias"] = shift
            rows = scale.roll(-stack.rotation(module))[:, None, None, None]
            if stack.grouping.equal:
                found[f"modules.{m}.weight"] = conv.weight * rows
            else:
                for j, (weight, span) in enumerate(zip(conv.filters(), stack.grouping.spans, strict=True)):
                    part = rows[span.out_start : span.out_start + span.out_channels]
                    found[f"modules.{m}.weights.{j}"] = weight * part
            if m in self.mix:
                found[f"mix.{m}.weight"] = self._mixer(m).weight
        found |= {"head.weight": self.head.weight, "head.bias": self.head.bias}
        return {name: tensor.detach().float().cpu().contiguous() for name, tensor in found.items()}


def _scale_and_shift(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """norm(x) = scale x + shift, in evaluation mode."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale
