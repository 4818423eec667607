"""One rule of grouping for a whole network: what each convolution's split becomes, and where the rule does not fit.

A policy changes splits only, never channels. Layers that it does not concern stay as they are; those where its split is
illegal stay as they are too, and are named with the reason. Root is Ioannou et al., "Deep Roots" (arXiv 1605.06489).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

from compute.errors import SpecError, integer
from compute.grouping import MAX_BASE, MIN_BASE
from compute.network.graph import Layer, Network
from compute.network.kinds import Conv2d, Kind
from compute.network.patience import check
from compute.network.split import Split

POLICIES = ("none", "uniform", "width", "logarithmic", "depthwise", "root")
SCOPES = ("spatial", "all")


@dataclass(frozen=True)
class Policy:
    """A rule; cannot be built wrong (raises SpecError).

    groups: of uniform and logarithmic; of root at the first resolution where it fits, halved at each lower one.
    width: input channels a group. base: of logarithmic. scope: spatial is kernels larger than 1 × 1.
    """

    kind: str
    groups: int = 4
    width: int = 32
    base: int = 2
    scope: str = "spatial"

    def __post_init__(self) -> None:
        for field, known in (("kind", POLICIES), ("scope", SCOPES)):
            if getattr(self, field) not in known:
                rule = f"{field} of a policy must be one of {', '.join(known)}, not {getattr(self, field)!r}"
                raise SpecError(rule, field, f"use {known[1]}" if field == "kind" else f"use {known[0]}")
        for field in ("groups", "width"):
            object.__setattr__(self, field, integer(field, getattr(self, field), 1))
        object.__setattr__(self, "base", integer("base", self.base, MIN_BASE, MAX_BASE))

    def concerns(self, kind: Conv2d) -> bool:
        return self.scope == "all" or kind.taps > 1


@dataclass(frozen=True)
class Applied:
    """A network under a policy. left_alone: {layer: why its split stayed}.

    fixed_width: layers whose groups keep their width when channels change, so that their number follows.
    """

    network: Network
    left_alone: dict[str, str]
    fixed_width: frozenset[str] = frozenset()


def apply(network: Network, policy: Policy) -> Applied:
    """`network` with the policy's splits wherever they are legal."""
    kinds: dict[str, Kind] = {}
    left_alone: dict[str, str] = {}
    fixed = set()
    groups = _root(network, policy) if policy.kind == "root" else {}
    for layer, kind, image in _concerned(network, policy):
        check()
        channels = image[0], kind.out_channels
        try:
            split = _split(policy, *channels, groups.get(layer.name, policy.groups))
            if not split.fits(*channels):
                split.on(*channels)  # which says what does not fit
        except SpecError as error:
            left_alone[layer.name] = error.message
            continue
        if policy.kind == "width":
            fixed.add(layer.name)
        if split != kind.split:
            kinds[layer.name] = replace(kind, split=split)
    return Applied(network.with_kinds(kinds), left_alone, frozenset(fixed))


def _concerned(network: Network, policy: Policy) -> Iterator[tuple[Layer, Conv2d, tuple[int, ...]]]:
    return (entry for entry in network.convolutions() if policy.concerns(entry[1]))


def _split(policy: Policy, in_channels: int, out_channels: int, groups: int) -> Split:
    match policy.kind:
        case "none":
            return Split()
        case "depthwise":
            return Split("depthwise")
        case "logarithmic":
            return Split("logarithmic", policy.groups, policy.base)
        case "width":
            return _of_width(policy.width, in_channels, out_channels)
    return Split.uniform(groups)


def _of_width(width: int, in_channels: int, out_channels: int) -> Split:
    if in_channels % width:
        raise SpecError(f"width must divide in_channels: {in_channels} % {width} = {in_channels % width}", "width")
    groups = in_channels // width
    if out_channels % groups:
        rule = f"{in_channels} / {width} = {groups} groups must divide out_channels"
        raise SpecError(f"{rule}: {out_channels} % {groups} = {out_channels % groups}", "width")
    return Split.uniform(groups)


def _root(network: Network, policy: Policy) -> dict[str, int]:
    """{layer: groups}: from the first layer that `groups` fits, halved at each lower output resolution, down to 1."""
    pixels = {layer.name: prod(network.shapes[layer.name][1:]) for layer, _, _ in _concerned(network, policy)}
    wanted = Split.uniform(policy.groups)
    for layer, kind, image in _concerned(network, policy):
        if wanted.fits(image[0], kind.out_channels):
            lower = sorted({area for area in pixels.values() if area < pixels[layer.name]}, reverse=True)
            ranks = {area: rank for rank, area in enumerate(lower, 1)}
            return {name: max(1, policy.groups >> ranks.get(area, 0)) for name, area in pixels.items()}
    return {}
