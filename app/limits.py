"""What is refused before anything is allocated: counts that JSON readers cannot hold, and work beyond the settings."""

from typing import Any

from app.errors import ApiError
from app.settings import Settings
from compute.counts import count_layer, count_standard
from compute.formulas import digits
from compute.grouping import Grouping
from compute.maps import MapsSpec
from compute.measure import AnySpec, MeasureSpec
from compute.spec import ConvSpec
from compute.stack import StackSpec, describe_bill

MAX_COUNT = 2**53 - 1  # the largest integer that a double, and so JavaScript, holds exactly
SMALLER = "use fewer channels or a smaller height and width"
LESS = "use a smaller size, fewer channels, a smaller kernel or more groups"
LESS_TO_MEASURE = "use a smaller batch, a smaller height and width, fewer channels or a smaller kernel"
LESS_OF_A_STACK = "use a smaller size, fewer channels or modules, a smaller kernel or more groups"
STEM_TAPS = 3 * 3 * 3  # the stem: 3 colours, 3 x 3


class CountTooLarge(ApiError):
    code = "count_too_large"

    def __init__(self, name: str, value: int, field: str, hint: str) -> None:
        super().__init__(
            f"no count may pass 2^53 − 1 = {digits(MAX_COUNT)}: {name} would be {digits(value)}", field, hint
        )


class TooMuchWork(ApiError):
    code = "too_much_work"

    def __init__(self, what: str, value: int, limit: int, field: str, hint: str = LESS) -> None:
        super().__init__(
            f"feature maps may need at most {digits(limit)} {what}, and these need {digits(value)}", field, hint
        )


class TooMuchToMeasure(ApiError):
    code = "too_much_work"

    def __init__(self, what: str, value: int, limit: int, field: str, layer: str) -> None:
        rule = f"one pass of {layer} may need at most {digits(limit)} {what}, and this one needs {digits(value)}"
        super().__init__(rule, field, LESS_TO_MEASURE)


class ChannelsOutside(ApiError):
    code = "invalid_parameter"

    def __init__(self, stop: int, total: int, name: str = "out_channels") -> None:
        rule = f"channels must end at {name} = {total} or before, not at {stop}"
        super().__init__(rule, "channels", f"use 0:{total} for all")


def bounded_layer(layer: dict[str, Any]) -> dict[str, Any]:
    """`layer` as compute described it; raises CountTooLarge. No count of a layer passes its standard twin's."""
    for part in ("standard", "fully_connected"):
        for key in ("flops", "params", "memory_access_bytes"):
            if layer[part].get(key, 0) > MAX_COUNT:
                name = f"{key} of the {part.replace('_', ' ')} layer"
                raise CountTooLarge(name, layer[part][key], "in_channels", SMALLER)
    return layer


def check_depth(row: dict[str, Any]) -> None:
    """Raises CountTooLarge where a count of `row` passes the limit."""
    for key, value in row.items():
        if type(value) is int and value > MAX_COUNT:
            hint = f"use at most {row['layer']} layers, a larger stage or fewer channels" if row["layer"] else SMALLER
            raise CountTooLarge(f"{key} of layer {row['layer']}, {row['scheme']},", value, "depth", hint)


# A module's inputs, insides and outputs, of two sides, stand beside each other; and each walk moves them all.
COPIES, PASSES = 4, 8


def check_stack(spec: StackSpec, runs: int, settings: Settings, other: Grouping | None = None) -> None:
    """Raises TooMuchWork where `runs` walks of the stack up to its last module need more than the settings allow.

    The wider of the two groupings counts, for every run.
    """
    wide = max((spec.grouping, other or spec.grouping), key=lambda g: g.connections)
    bill, elements = describe_bill(spec, wide), spec.channels * spec.size**2
    moved = elements + sum(spec.channels * spec.side(m) ** 2 for m in range(1, spec.modules + 1))
    macs = runs * (bill["macs"] + STEM_TAPS * elements)
    for what, value, limit, field in (
        ("elements of one module's maps", elements, settings.max_elements // COPIES, "size"),
        ("elements of all modules' maps", runs * moved, settings.max_elements * PASSES, "size"),
        ("weights", bill["params"], settings.max_elements, "kernel_size"),
        ("multiply-accumulates", macs, settings.max_macs, "size"),
    ):
        if value > limit:
            raise TooMuchWork(what, value, limit, field, LESS_OF_A_STACK)


def check_pairs(spec: StackSpec, module: int, settings: Settings) -> None:
    """Raises TooMuchWork where comparing every map of a module with every other does."""
    macs = 4 * spec.channels**2 * spec.side(module - 1) ** 2
    if macs > settings.max_macs:
        what = "multiply-accumulates to compare every map with every other"
        raise TooMuchWork(what, macs, settings.max_macs, "size", "use a smaller size or fewer channels")


def check_measurement(spec: AnySpec, settings: Settings) -> None:
    """Raises TooMuchToMeasure where one pass of the batch needs more than the settings allow; the standard layer, which
    runs beside every other, needs most."""
    if isinstance(spec, MeasureSpec):
        _check_passes(spec.conv, "a layer", spec, settings)
        return
    for layer in spec.layers:
        for conv in (layer.original, layer.variant):
            _check_passes(conv, layer.name, spec, settings)


def _check_passes(conv: ConvSpec, name: str, spec: AnySpec, settings: Settings) -> None:
    counts = count_standard(conv)
    passes = 3 if spec.backward else 1
    for what, value, limit, field in (
        ("elements of its input", spec.batch * counts.input_elements, settings.max_elements, "batch"),
        ("elements of its output", spec.batch * counts.output_elements, settings.max_elements, "batch"),
        ("weights", counts.weights, settings.max_elements, "kernel_size"),
        ("multiply-accumulates", passes * spec.batch * counts.macs, settings.max_macs, "batch"),
    ):
        if value > limit:
            raise TooMuchToMeasure(what, value, limit, field, name)


def check_work(spec: MapsSpec, channels: tuple[int, int] | None, settings: Settings) -> None:
    """Raises TooMuchWork where `spec` needs more than the settings allow."""
    conv = spec.conv
    counts = count_layer(conv)
    macs = counts.macs + STEM_TAPS * counts.input_elements
    for what, value, limit, field in (
        ("elements between stem and layer", counts.input_elements, settings.max_elements, "in_channels"),
        ("elements of all maps", counts.output_elements, settings.max_elements, "out_channels"),
        ("weights", counts.weights, settings.max_elements, "kernel_size"),
        ("multiply-accumulates", macs, settings.max_macs, "size"),
    ):
        if value > limit:
            raise TooMuchWork(what, value, limit, field)
    if channels is not None and channels[1] > conv.grouping.out_channels:
        raise ChannelsOutside(channels[1], conv.grouping.out_channels)
