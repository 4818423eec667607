"""What is to be measured, described by numbers alone; no torch."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from compute.counts import Counts, count_layer, count_standard
from compute.errors import OutOfRange, SpecError, integer
from compute.grouping import Grouping, legal_groups
from compute.spec import ConvSpec

KINDS = ("layer", "waterfall", "sweep", "parallel", "ceilings")
ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "float64": 8}
DTYPES = tuple(ITEM_BYTES)
MEMORY_FORMATS = ("contiguous", "channels_last")
ROUNDS, MIN_ROUNDS, MAX_ROUNDS = 15, 5, 101
FEW_GROUPS = 4  # where the split on screen has no number of groups of its own
MOST_SWEPT = 24  # numbers of groups of one scheme in a sweep


@dataclass(frozen=True)
class MeasureSpec:
    """A layer and how it is run. conv.grouping is the split on screen; `legal_arms` are those it is set beside.
    Raises SpecError for a value out of range."""

    conv: ConvSpec
    kind: str = "layer"
    batch: int = 1
    dtype: str = "float32"
    memory_format: str = "contiguous"
    backward: bool = False
    rounds: int = ROUNDS

    def __post_init__(self) -> None:
        choose("kind", self.kind, KINDS)
        check_conditions(self)

    def legal_arms(self) -> tuple[dict[str, Grouping], dict[str, str]]:
        """({scheme: grouping}, {scheme: why it is left out}), standard first and always there."""
        on_screen = self.conv.grouping
        channels = on_screen.in_channels, on_screen.out_channels
        own_number = on_screen.scheme in ("uniform", "logarithmic", "custom")
        groups, base = (on_screen.groups if own_number else FEW_GROUPS), on_screen.base or 2
        arms = {"standard": Grouping.standard(*channels)}
        skipped = {}
        for scheme in ("uniform", "logarithmic", "depthwise"):
            try:
                arm = Grouping.of(scheme, *channels, groups, base)
            except SpecError as error:
                skipped[scheme] = error.message
                continue
            same = next((name for name, other in arms.items() if other.sizes == arm.sizes), None)
            if same:
                skipped[scheme] = f"the same as {same}"
            else:
                arms[scheme] = arm
        if on_screen.scheme == "custom":
            arms["custom"] = on_screen
        return arms, skipped

    def swept(self) -> dict[str, tuple[Grouping, ...]]:
        """Every legal number of groups of each scheme, thinned evenly where there are more than MOST_SWEPT."""
        on_screen = self.conv.grouping
        channels = on_screen.in_channels, on_screen.out_channels
        found = {}
        for scheme in ("uniform", "logarithmic"):
            base = on_screen.base or 2
            legal = thinned(self.legal_numbers(scheme))
            found[scheme] = tuple(Grouping.of(scheme, *channels, n, base) for n in legal)
        return found

    def legal_numbers(self, scheme: str) -> tuple[int, ...]:
        """Of groups, which `scheme` can have on these channels."""
        on_screen = self.conv.grouping
        return legal_groups(scheme, on_screen.in_channels, on_screen.out_channels, on_screen.base or 2)

    def with_grouping(self, grouping: Grouping) -> ConvSpec:
        return regrouped(self.conv, grouping)

    def groupings(self) -> Iterator[Grouping]:
        """What runs besides the standard layer."""
        if self.kind == "layer":
            yield from list(self.legal_arms()[0].values())
        elif self.kind == "sweep":
            for swept in self.swept().values():
                yield from swept
        elif self.kind != "ceilings":
            yield self.conv.grouping


@dataclass(frozen=True)
class NetworkLayer:
    """Convolutions of one shape in a network: `count` of them, `name` the first."""

    name: str
    count: int
    original: ConvSpec
    variant: ConvSpec


@dataclass(frozen=True)
class NetworkMeasureSpec:
    """Every convolution of a network, as it is and as its variant has it. Raises SpecError."""

    layers: tuple[NetworkLayer, ...]
    name: str = ""
    batch: int = 1
    dtype: str = "float32"
    memory_format: str = "contiguous"
    backward: bool = False
    rounds: int = ROUNDS
    kind: str = field(default="network", init=False)

    def __post_init__(self) -> None:
        check_conditions(self)
        if not self.layers:
            raise SpecError("the network has no convolution", "network", "choose another network")


AnySpec = MeasureSpec | NetworkMeasureSpec


def check_conditions(spec: AnySpec) -> None:
    object.__setattr__(spec, "batch", integer("batch", spec.batch, 1))
    object.__setattr__(spec, "rounds", integer("rounds", spec.rounds, 1))
    if not MIN_ROUNDS <= spec.rounds <= MAX_ROUNDS:
        raise OutOfRange("rounds", spec.rounds, MIN_ROUNDS, MAX_ROUNDS)
    choose("dtype", spec.dtype, DTYPES)
    choose("memory_format", spec.memory_format, MEMORY_FORMATS)


def choose(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SpecError(f"{name} must be one of {', '.join(choices)}, not {value!r}", name)


def regrouped(conv: ConvSpec, grouping: Grouping) -> ConvSpec:
    return ConvSpec(
        grouping, conv.kernel_size, conv.stride, conv.padding, conv.dilation, conv.bias, conv.height, conv.width
    )


def thinned(numbers: tuple[int, ...], most: int = MOST_SWEPT) -> tuple[int, ...]:
    """At most `most` of them, the first and the last kept."""
    if len(numbers) <= most:
        return numbers
    return tuple(sorted({numbers[round(i * (len(numbers) - 1) / (most - 1))] for i in range(most)}))


def sizes_text(grouping: Grouping) -> str:
    """`32x32,16x16`, as the API writes sizes; a run of many equal groups as `64*(1x1)`."""
    parts = [f"{n}*({a}x{b})" if n > 4 else ",".join([f"{a}x{b}"] * n) for n, a, b in grouping.runs]
    return ",".join(parts)


def label_of(grouping: Grouping) -> str:
    """As people call it: uniform n = 4."""
    if grouping.scheme in ("standard", "depthwise"):
        return grouping.scheme
    return f"{grouping.scheme} n = {grouping.groups}"


def promised(conv: ConvSpec) -> float:
    """What MACs promise: those of the standard layer over those of this one."""
    return count_standard(conv).macs / count_layer(conv).macs


def bytes_moved(counts: Counts, batch: int, dtype: str) -> int:
    """Input, weights and output, each element once: a lower bound."""
    elements = batch * (counts.input_elements + counts.output_elements) + counts.weights
    return elements * ITEM_BYTES[dtype]
