"""What a network would cost under another policy, edited by hand, at its own width or on an equal budget."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from compute.errors import SpecError
from compute.formulas import digits
from compute.network.bill import Row, analyze, analyze_variant
from compute.network.document import Limits, read_kind
from compute.network.graph import LayerError, Network
from compute.network.halving import halving_of_variant
from compute.network.kinds import Kind
from compute.network.policy import Applied, Policy, apply
from compute.network.split import Split
from compute.network.width import Held
from compute.network.width import hold as at_width

HOLDS = ("channels", "params", "macs")
COMPARED = ("params", "macs", "flops", "activations", "memory_access_bytes", "weight_bytes")
NO_DELTAS = dict.fromkeys(COMPARED, 0)
SHOWN = 4  # names in a sentence before the rest is counted
LIMITS = Limits()
Edits = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class WhatIf:
    """original and variant: networks of the same layers. left_alone: {layer: why the policy did not fit}.

    held: how close the variant came to the original, None at equal channels. edited: layers changed by hand.
    unheld: the variant before its widths were changed.
    """

    original: Network
    variant: Network
    left_alone: dict[str, str]
    held: Held | None
    edited: frozenset[str]
    unheld: Network


class UnknownLayer(SpecError):
    """An edit of a layer that the network does not have."""

    code = "unknown_name"

    def __init__(self, name: str, network: Network) -> None:
        known = [layer.name for layer in network.layers]
        near = get_close_matches(name[:40], known, n=1, cutoff=0.5)
        shown = name if len(name) <= 40 else f"{name[:40]}…"
        hint = f"did you mean {near[0]}?" if near else f"use {_listed(known)}"
        super().__init__(f"'{shown}' is no layer of this network", shown, hint)


def what_if(
    original: Network,
    policy: Policy | None = None,
    hold: str = "channels",
    edits: Edits | None = None,
    limits: Limits = LIMITS,
) -> WhatIf:
    """The policy first, then the edits, then the widths.

    policy: None leaves splits as they are. hold: what must stay the original's: channels, params or macs.
    edits: {layer: {parameter: value}}, in a document's words, in place of that layer's own. Raises SpecError,
    LayerError (field LAYER.PARAMETER) where it is about a layer.
    """
    if hold not in HOLDS:
        raise SpecError(f"hold must be one of {', '.join(HOLDS)}, not {hold!r}", "hold", "use channels")
    edits = edits or {}
    applied = apply(original, policy) if policy else Applied(original, {})
    by_hand = {name for name, changes in edits.items() if {"groups", "grouping"} & set(changes)}
    left_alone = {name: reason for name, reason in applied.left_alone.items() if name not in by_hand}
    unheld = _edited(applied.network, edits, limits)
    if hold == "channels":
        return WhatIf(original, unheld, left_alone, None, frozenset(edits), unheld)
    fixed = (applied.fixed_width | _depthwise(original, unheld)) - by_hand
    variant, held = at_width(unheld, hold, getattr(original, hold), fixed, limits.channels)
    return WhatIf(original, variant, left_alone, held, frozenset(edits), unheld)


def describe(what_if: WhatIf) -> dict[str, Any]:
    """Both bills, layer by layer and in total, and how they differ: POST /api/networks/whatif."""
    original = analyze(what_if.original)
    variant = analyze_variant(what_if.variant, what_if.original)
    halves = halving_of_variant(what_if.variant, what_if.original)
    layers = [
        {
            "name": after["name"],
            "changed": before is not after and before != after,
            "left_alone": what_if.left_alone.get(after["name"]),
            "edited": after["name"] in what_if.edited,
            **_compared(before, after),
            "halving": half,
        }
        for before, after, half in zip(original["rows"], variant["rows"], halves, strict=True)
    ]
    return {
        "original": original,
        "variant": variant,
        "layers": layers,
        **_compared(original["totals"], variant["totals"]),
        "hold": _hold(what_if.held),
        "notes": list(_notes(what_if)),
    }


def _edited(network: Network, edits: Edits, limits: Limits) -> Network:
    numbered = {layer.name: (number, layer) for number, layer in enumerate(network.layers, 1)}
    kinds: dict[str, Kind] = {}
    for name, changes in edits.items():
        if name not in numbered:
            raise UnknownLayer(name, network)
        number, layer = numbered[name]
        own = layer.kind.parameters()
        if {"groups", "grouping"} & set(changes):
            own = {key: value for key, value in own.items() if key not in ("groups", "grouping")}
        try:
            kinds[name] = read_kind(layer.kind.title(), {**own, **changes}, limits)
        except SpecError as error:
            raise LayerError(name, number, layer.kind.title(), error) from None
    return network.with_kinds(kinds)


def _depthwise(original: Network, variant: Network) -> frozenset[str]:
    """Layers with a group a channel, as PyTorch writes depthwise, that nobody changed."""
    before = {layer.name: kind for layer, kind, _ in original.convolutions()}
    return frozenset(
        layer.name
        for layer, kind, image in variant.convolutions()
        if kind.split.scheme == "uniform" and kind.split.groups == image[0] and kind.split == before[layer.name].split
    )


def _compared(before: Row, after: Row) -> dict[str, Any]:
    if before is after:
        return {"deltas": NO_DELTAS, "ratios": {key: 1.0 if before[key] else None for key in COMPARED}}
    return {
        "deltas": {key: after[key] - before[key] for key in COMPARED},
        "ratios": {key: after[key] / before[key] if before[key] else None for key in COMPARED},
    }


def _hold(held: Held | None) -> dict[str, Any] | None:
    if held is None:
        return None
    return {
        "target": held.target,
        "wanted": held.wanted,
        "reached": held.reached,
        "relative": held.relative,
        "factor": held.factor,
    }


def _notes(what_if: WhatIf) -> Iterator[str]:
    if what_if.left_alone:
        count = len(what_if.left_alone)
        head = "1 layer was" if count == 1 else f"{digits(count)} layers were"
        yield f"{head} left alone, where the policy is illegal: {_listed(list(what_if.left_alone))}."
    yield from _bill(what_if.unheld, what_if.held)
    if what_if.held:
        yield _closeness(what_if.held)


def _bill(network: Network, held: Held | None) -> Iterator[str]:
    """That a logarithmic split is no saving: of the layers where a uniform one with as many groups is legal."""
    groups, params, macs, layers = set(), network.params, network.macs, 0
    for layer, kind, (in_channels, *_) in network.convolutions():
        split, channels = kind.split, (in_channels, kind.out_channels)
        if split.scheme == "logarithmic" and split.groups > 2 and Split.uniform(split.groups).fits(*channels):
            more = kind.taps * (split.connections(*channels) - in_channels * kind.out_channels // split.groups)
            _, height, width = network.shapes[layer.name]
            params, macs, layers = params - more, macs - more * height * width, layers + 1
            groups.add(split.groups)
    if network.params > params and network.macs > macs:
        n = f" n = {groups.pop()}" if len(groups) == 1 else ""
        before = ", before its widths were changed" if held and held.factor != 1 else ""
        yield (
            f"At equal channels this network with logarithmic{n} costs more than with a uniform split into as many"
            f" groups ({digits(layers)} layer{'s'[: layers - 1]} where both are legal{before}):"
            f" params {digits(network.params)} against {digits(params)},"
            f" MACs {digits(network.macs)} against {digits(macs)}."
        )


def _closeness(held: Held) -> str:
    name = "params" if held.target == "params" else "MACs"
    if held.factor == 1 and held.reached == held.wanted:
        return f"No width had to change: {name} are {digits(held.wanted)} in both."
    head = (
        "Widths unchanged" if held.factor == 1 else f"{'Widened' if held.factor > 1 else 'Narrowed'} by {_times(held)}"
    )
    off = "exactly" if held.reached == held.wanted else _percent(held.relative)
    end = " Nothing can be {}.".format("wider" if held.reached < held.wanted else "narrower")
    spent = end if held.spent and held.reached != held.wanted else ""
    return f"{head}; {name} {digits(held.reached)} against {digits(held.wanted)}, {off}.{spent}"


def _times(held: Held) -> str:
    """1.31, or as many digits as tell it from 1."""
    places = next((p for p in (2, 3, 4) if round(held.factor, p) != 1), 6)
    return f"{held.factor:.{places}f}"


def _percent(share: float | None) -> str:
    """+0.0008 %, signed, four decimals."""
    if share is None:
        return "where there were none"
    percent = 100 * share
    if abs(percent) < 0.00005:
        return f"less than 0.0001 % {'more' if percent > 0 else 'less'}"
    return f"{percent:+.4f} %".replace("-", "−")


def _listed(names: Sequence[str]) -> str:
    """The first few, and how many more."""
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {digits(rest)} more" if rest > 0 else "")
