"""A layer put in words and numbers: counts, ratios, formulas and notes, as the API and a notebook show them."""

from typing import Any

from compute.counts import count, count_fully_connected, count_layer, count_standard
from compute.formulas import formulas
from compute.grouping import Grouping, legal_groups
from compute.notes import split_notes
from compute.spec import ConvSpec


def describe_layer(spec: ConvSpec) -> dict[str, Any]:
    """Everything there is to say about `spec` in numbers: the body of GET /api/layer."""
    layer, standard = count_layer(spec), count_standard(spec)
    grouping = spec.grouping
    return {
        "scheme": grouping.scheme,
        "base": grouping.base,
        "groups": describe_groups(spec),
        **layer.as_dict(),
        "output_shape": [grouping.out_channels, spec.output_height, spec.output_width],
        "standard": standard.as_dict(),
        "fully_connected": count_fully_connected(layer).as_dict(),
        "ratios": {
            "params": layer.params / standard.params,
            "macs": layer.macs / standard.macs,
            "flops": layer.flops / standard.flops,
            "memory_access": layer.memory_access_elements / standard.memory_access_elements,
        },
        "legal_groups": list(_legal(grouping)),
        "formulas": formulas(spec, layer),
        "rounded": grouping.rounded,
        "notes": split_notes(grouping),
    }


def describe_groups(spec: ConvSpec) -> list[dict[str, Any]]:
    """A row a group: where its channels lie and what it costs."""
    pixels = spec.height * spec.width, spec.output_height * spec.output_width

    def bill(a: int, b: int) -> dict[str, Any]:
        return count(a * b, spec.kernel_size, spec.bias, (a, b), *pixels).as_dict()

    bills = {size: bill(*size) for size in set(spec.grouping.sizes)}
    return [
        {
            "index": span.index,
            "in_start": span.in_start,
            "in_channels": span.in_channels,
            "out_start": span.out_start,
            "out_channels": span.out_channels,
            "weight_shape": [span.out_channels, span.in_channels, *spec.kernel_size],
            **bills[span.in_channels, span.out_channels],
        }
        for span in spec.grouping.spans
    ]


def _legal(grouping: Grouping) -> tuple[int, ...]:
    return legal_groups(
        grouping.scheme, grouping.in_channels, grouping.out_channels, grouping.base or 2, grouping.sizes
    )
