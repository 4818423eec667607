"""Exact ways to run one grouped convolution: a plan of native calls, a memory format, and what computes each call."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from compute.strategies import cuda, native
from compute.strategies.case import Case
from compute.strategies.kept import Kept, packing_works
from compute.strategies.native import FORMATS, padding_of
from compute.strategies.plan import Call, Plan, plans

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d

Run = Callable[[Tensor], Tensor]
WORDS = {"aten": "", "prepacked": "weights packed beforehand", "matmul": "as matrix products", **cuda.WORDS}
NAMES = {
    "native": "one native call",
    "runs": "equal neighbours together",
    "loop": "a call a group",
    "groups": "all groups at once",
    "widest+rest": "the widest group alone, the rest padded",
    "dense": "one dense call, zeros between the groups",
}


@dataclass(frozen=True)
class Strategy:
    """kernel: `aten` (F.conv2d), `prepacked` (oneDNN's own order of the weights, inference only), `matmul` (1 x 1), or
    one of compute.strategies.cuda. memory_format: what the arithmetic sees; input and output keep the caller's."""

    plan: Plan
    memory_format: str = "contiguous"
    kernel: str = "aten"

    @property
    def name(self) -> str:
        parts = (self.plan.name, self.memory_format, self.kernel)
        return "·".join(part for part in parts if part not in ("contiguous", "aten"))

    @property
    def calls(self) -> int:
        return 1 if self.kernel in cuda.ONE_LAUNCH else len(self.plan.calls)

    def describe(self) -> str:
        """One sentence for people, without a full stop."""
        plan = self.plan
        words = [NAMES.get(plan.name, f"{plan.calls[0].groups} equal blocks, zeros between the groups inside")]
        if self.memory_format == "channels_last":
            words.append("channels last")
        if self.kernel != "aten":
            words.append(WORDS[self.kernel])
        return f"{', '.join(words)} ({self.calls} call{'s' if self.calls > 1 else ''})"

    def prepare(self, layer: "GroupedConv2d") -> Run:
        """The layer's forward, by this strategy: (N, C_in, H, W) to (N, C_out, H', W'). What it keeps of the weights
        follows their updates, but for writes to single elements through `.data`: see GroupedConv2d.repack."""
        if self.kernel in cuda.KERNELS:
            return cuda.prepare(self, layer, functools.partial(self._native, layer))
        if self.kernel == "aten" and not self.plan.padded:
            return self._native(layer, self.plan.calls)
        return Kept(layer, self.plan, self.memory_format, self.kernel)

    def _native(self, layer: "GroupedConv2d", calls: tuple[Call, ...]) -> Run:
        return functools.partial(native.run, layer, calls, FORMATS[self.memory_format])


def strategies(layer: "GroupedConv2d", case: Case) -> list[Strategy]:
    """All that are exact and can be had for this case; first the plain one, which needs nothing."""
    cpu = case.device.startswith("cpu")
    kept = not case.grad and not any(p.is_inference() for p in layer.parameters())
    own = case.memory_format
    other = next(name for name in FORMATS if name != own)
    found = []
    for plan in plans(layer.grouping):
        if plan.padded and not (cpu and kept):  # zeros must not carry Inf between groups: guarded on the CPU alone
            continue
        found += [Strategy(plan, format_) for format_ in (own, other)]
        if kept and cpu and _packs(layer, case.dtype):
            found.append(Strategy(plan, "channels_last", "prepacked"))  # oneDNN computes on packed weights in no other
        if kept and _is_product(layer):
            found.append(Strategy(plan, own, "matmul"))
    if case.device.startswith("cuda"):
        found += [Strategy(*offer) for offer in cuda.offers(layer, case)]
    return found


def _is_product(layer: "GroupedConv2d") -> bool:
    return layer.kernel_size == layer.stride == (1, 1) and padding_of(layer) == (0, 0)


def _packs(layer: "GroupedConv2d", dtype: str) -> bool:
    return bool(torch.backends.mkldnn.enabled) and padding_of(layer) is not None and packing_works(dtype)
