"""The networks that are set beside each other: their groupings, and how wide each must be to cost the same.

An arm is a compute.stack.StackSpec with a head: 3 x 3 stem, BatchNorm, ReLU; grouped modules
relu(BatchNorm(conv(u)) + u); mean over all pixels; a linear layer. Counts: `params` are all that is learned, scale and
shift of BatchNorm included; `macs` are those of convolutions and the linear layer, one image forward.
"""

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

from compute.errors import SpecError
from compute.grouping import Grouping
from compute.stack import StackSpec, describe_bill
from compute.training.spec import MAX_WIDTH, DataShape, TrainSpec

STEM_TAPS = 9
NEAR = 0.1  # how far from the reference an arm may lie


@dataclass(frozen=True)
class Arm:
    """One network. stack: its modules, on images of the data's side; `bias` is BatchNorm's shift."""

    name: str
    stack: StackSpec
    params: int
    macs: int

    @property
    def grouping(self) -> Grouping:
        return self.stack.grouping

    @property
    def label(self) -> str:
        """As people call it: uniform n = 4."""
        if self.name == "depthwise":
            return "depthwise + 1 × 1"
        return self.name if self.name == "standard" else f"{self.name} n = {self.grouping.groups}"


def reference_of(spec: TrainSpec, data: DataShape) -> Arm:
    """The standard network of spec.width channels. Raises SpecError."""
    return _arm("standard", spec.width, spec, data)


@lru_cache(maxsize=64)
def arms_of(spec: TrainSpec, data: DataShape) -> tuple[Arm, ...]:
    """spec's arms, each of the width at which it costs what the reference costs, as nearly as whole channels allow.
    Raises SpecError where no width comes within NEAR."""
    if spec.hold == "channels":
        return tuple(_arm(name, spec.width, spec, data) for name in spec.arms)
    reference = reference_of(spec, data)
    return tuple(reference if name == "standard" else _nearest(name, reference, spec, data) for name in spec.arms)


def _nearest(name: str, reference: Arm, spec: TrainSpec, data: DataShape) -> Arm:
    """Costs grow with the width, so the nearest is beside the place where they pass the reference's."""
    target, step = getattr(reference, spec.hold), spec.groups if name == "uniform" else 1
    widths = range(step, MAX_WIDTH + 1, step)

    def cost(width: int) -> int:
        try:
            return int(getattr(_arm(name, width, spec, data), spec.hold))
        except SpecError:  # too few channels for so many groups
            return 0

    at = bisect_left(widths, target, key=cost)
    beside = [width for width in widths[max(0, at - 1) : at + 1] if cost(width)]
    if not beside:
        _arm(name, widths[-1], spec, data)  # raises what is wrong with all of them
    best = _arm(name, min(beside, key=lambda width: abs(cost(width) - target)), spec, data)
    found = getattr(best, spec.hold)
    if abs(found / target - 1) > NEAR:
        rule = (
            f"no width of the {name} arm comes within {NEAR:.0%} of {target:,} {spec.hold}:"
            f" the nearest, {best.stack.channels} channels, has {found:,}"
        )
        raise SpecError(rule, "width", f"use a larger width than {spec.width}, fewer groups, or hold channels")
    return best


def _arm(name: str, width: int, spec: TrainSpec, data: DataShape) -> Arm:
    grouping = _grouping(name, width, spec)
    try:
        stack = _stack(name, grouping, spec, data)
    except SpecError as error:  # a page that trains has no in_channels
        field = "width" if error.field == "in_channels" else error.field
        raise SpecError(error.message, field, error.hint) from error
    bill = describe_bill(stack)
    stem, head = STEM_TAPS * data.channels * width, width * data.classes
    norms = 2 * width + spec.modules * width  # the modules' shift is counted as their bias
    params = stem + norms + bill["params"] + head + data.classes
    return Arm(name, stack, params, stem * data.side**2 + bill["macs"] + head)


def _stack(name: str, grouping: Grouping, spec: TrainSpec, data: DataShape) -> StackSpec:
    return StackSpec(
        grouping,
        modules=spec.modules,
        kernel_size=(3, 3),
        dilation=(1, 1),
        bias=True,
        residual=spec.residual,
        mixing="pointwise" if name == "depthwise" else spec.mixing,
        downsample="max" if spec.modules > spec.stage else "none",
        stage=spec.stage,
        normalisation="none",
        relu=True,
        size=data.side,
    )


def _grouping(name: str, width: int, spec: TrainSpec) -> Grouping:
    try:
        return Grouping.of(name, width, width, spec.groups, spec.base)
    except SpecError as error:
        raise SpecError(
            f"{name}: {error.message}", "groups" if spec.hold != "channels" else error.field, error.hint
        ) from error
