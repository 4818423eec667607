"""What only CUDA can do for a grouped convolution: groups on streams, launches recorded as a graph, a Triton kernel.

Nothing here runs without a CUDA device, but for the kernel in Triton's interpreter. Plans with zeros between groups
are not offered: 0 x Inf is NaN, and asking the device whether it happened would make every call wait for the answer.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from compute.strategies.cuda import uneven
from compute.strategies.cuda.replay import Graphs, Streams
from compute.strategies.cuda.uneven import Run, Uneven
from compute.strategies.plan import Call, Plan, loop, plans

if TYPE_CHECKING:
    from compute.layers import GroupedConv2d
    from compute.strategies.case import Case
    from compute.strategies.strategy import Strategy

KERNELS = ("streams", "graph", "triton", "triton graph")
ONE_LAUNCH = ("triton", "triton graph")
WORDS = {
    "streams": "each on a stream of its own",
    "graph": "recorded as a CUDA graph",
    "triton": "by a Triton kernel",
    "triton graph": "by a Triton kernel, recorded as a CUDA graph",
}
MOST_GROUPS = 16  # streams beyond it only wait for each other
NARROW = 8  # channels: a split without a wider group leaves most of a tile empty


def offers(layer: "GroupedConv2d", case: "Case") -> list[tuple[Plan, str, str]]:
    """(plan, memory format, kernel) that may be tried for this case."""
    own, plain, each = case.memory_format, plans(layer.grouping)[0], loop(layer.grouping)
    found: list[tuple[Plan, str, str]] = []
    if not case.grad:
        found += [(plain, own, "graph"), (plain, _other(own), "graph")]
        if 1 < layer.grouping.groups <= MOST_GROUPS:
            found += [(each, own, "streams"), (each, own, "graph")]
    if _kernel_fits(layer, case):
        together = Plan("groups", each.calls)
        found += [(together, "channels_last", k) for k in (("triton",) if case.grad else ONE_LAUNCH)]
    return list(dict.fromkeys(found))


def prepare(strategy: "Strategy", layer: "GroupedConv2d", native: Callable[[tuple[Call, ...]], Run]) -> Run:
    """native: of some calls of the plan what runs them one after another, weights read anew each time."""
    match strategy.kernel:
        case "streams":
            return Streams([native((call,)) for call in strategy.plan.calls])
        case "graph":
            return Graphs(layer, native(strategy.plan.calls))
    run = Uneven(layer)
    return Graphs(layer, run.forward) if strategy.kernel == "triton graph" else run


def _other(format_: str) -> str:
    return "contiguous" if format_ == "channels_last" else "channels_last"


def _kernel_fits(layer: "GroupedConv2d", case: "Case") -> bool:
    device = next(layer.parameters()).device
    sides = case.height * case.width * case.batch * max(layer.in_channels, layer.out_channels)
    return (
        uneven.installed()
        and device.type == "cuda"
        and uneven.builds_for(device)
        and case.dtype in uneven.DTYPES
        and layer.grouping.groups > 1
        and max(a for a, _ in layer.grouping.sizes) >= NARROW
        and sides <= uneven.MOST_ELEMENTS
        and (uneven.padding_of(layer)[1] or not case.grad)
    )
