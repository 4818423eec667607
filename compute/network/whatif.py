"""What a network would cost under another policy, edited by hand, at its own width or on an equal budget."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import compress
from typing import Any

from compute.errors import SpecError, printable
from compute.formulas import digits
from compute.network.bill import Row, analysis, analyze, row_of, rows_of
from compute.network.document import Limits, read_kind
from compute.network.graph import LayerError, Network
from compute.network.halving import halved, halving
from compute.network.kinds import Kind
from compute.network.policy import Applied, Policy, apply
from compute.network.split import Split
from compute.network.width import Held
from compute.network.width import hold as at_width

HOLDS = ("channels", "params", "macs")
COMPARED = ("params", "macs", "flops", "activations", "memory_access_bytes", "weight_bytes")
SPLITS = {"groups", "grouping"}  # two ways to say one thing
NO_DELTAS = dict.fromkeys(COMPARED, 0)
SHOWN = 4  # names in a sentence before the rest is counted
FAR = 0.01  # of the wanted total: worth saying why
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

    @cached_property
    def kept(self) -> list[bool]:
        """Layer by layer: whether it is the original's, and between the same shapes."""
        return [self.variant.unchanged(index, self.original) for index in range(len(self.variant.layers))]

    @cached_property
    def rows(self) -> list[Row]:
        """The variant's; those of kept layers are the original's."""
        known = self.original.once(rows_of)
        return [known[i] if kept else row_of(self.variant, i) for i, kept in enumerate(self.kept)]

    def told_before(self, index: int) -> bool:
        """Nothing of this layer is news to whoever knows the original."""
        name = self.variant.layers[index].name
        return self.kept[index] and name not in self.edited and name not in self.left_alone


class UnknownLayer(SpecError):
    """An edit of a layer that the network does not have."""

    code = "unknown_name"

    def __init__(self, name: str, network: Network) -> None:
        known = [layer.name for layer in network.layers]
        near = get_close_matches(name[:40], known, n=1, cutoff=0.5)
        shown = printable(name)
        hint = f"did you mean {near[0]}?" if near else f"use {_listed(known)}"
        super().__init__(f"'{shown}' is no layer of this network", shown, hint)


def what_if(
    original: Network,
    policy: Policy | None = None,
    hold: str = "channels",
    edits: Edits | None = None,
    limits: Limits = LIMITS,
) -> WhatIf:
    """The policy first, then the edits, then the widths. A layer whose edited channels the policy does not fit is
    left alone like any other.

    policy: None leaves splits as they are. hold: what must stay the original's: channels, params or macs.
    edits: {layer: {parameter: value}}, in a document's words, in place of that layer's own. Raises SpecError,
    LayerError (field LAYER.PARAMETER) where it is about a layer.
    """
    if hold not in HOLDS:
        raise SpecError(f"hold must be one of {', '.join(HOLDS)}, not {hold!r}", "hold", "use channels")
    edits = edits or {}
    applied, unheld = _regrouped(original, policy, edits, limits)
    by_hand = {name for name, changes in edits.items() if SPLITS & set(changes)}
    left_alone = {name: reason for name, reason in applied.left_alone.items() if name not in by_hand}
    if hold == "channels":
        return WhatIf(original, unheld, left_alone, None, frozenset(edits), unheld)
    fixed = (applied.fixed_width | _depthwise(original, unheld)) - by_hand
    variant, held = at_width(unheld, hold, getattr(original, hold), fixed, limits.channels)
    return WhatIf(original, variant, left_alone, held, frozenset(edits), unheld)


def _regrouped(original: Network, policy: Policy | None, edits: Edits, limits: Limits) -> tuple[Applied, Network]:
    """The policy applied, and the network with the edits too."""
    if policy is None:
        return Applied(original, {}), _edited(original, edits, limits)
    applied = apply(original, policy)
    try:
        return applied, _edited(applied.network, edits, limits)
    except LayerError as error:
        with suppress(SpecError):  # the other way round, the policy sees the channels that it is to split
            applied = apply(_edited(original, edits, limits), policy)
            return applied, _edited(applied.network, _splits(edits), limits)
        raise error


def _splits(edits: Edits) -> Edits:
    """What the edits say of groups alone."""
    parts = {name: {key: value for key, value in of.items() if key in SPLITS} for name, of in edits.items()}
    return {name: changes for name, changes in parts.items() if changes}


def describe(what_if: WhatIf, changed_only: bool = False) -> dict[str, Any]:
    """Both bills, layer by layer and in total, and how they differ: POST /api/networks/whatif.

    changed_only: leave out the original's rows, and those of layers that are what they were, which describe() of the
    same network unchanged tells: what an editor of a thousand layers needs at each step.
    """
    original, variant = analyze(what_if.original), analysis(what_if.variant, what_if.rows)
    told = [not (changed_only and what_if.told_before(index)) for index in range(len(what_if.rows))]
    layers = [_change(what_if, index) for index, wanted in enumerate(told) if wanted]
    comparison = _compared(original["totals"], variant["totals"])
    if changed_only:
        original, variant = {**original, "rows": []}, {**variant, "rows": list(compress(what_if.rows, told))}
    return {
        "original": original,
        "variant": variant,
        "layers": layers,
        **comparison,
        "hold": _hold(what_if.held),
        "notes": list(_notes(what_if)),
    }


def _change(what_if: WhatIf, index: int) -> dict[str, Any]:
    before, after = what_if.original.once(rows_of)[index], what_if.rows[index]
    shared = what_if.kept[index]
    return {
        "name": after["name"],
        "changed": not shared and before != after,
        "left_alone": what_if.left_alone.get(after["name"]),
        "edited": after["name"] in what_if.edited,
        **_compared(before, after),
        "halving": what_if.original.once(halving)[index]
        if shared
        else halved(what_if.variant, what_if.variant.layers[index]),
    }


def _edited(network: Network, edits: Edits, limits: Limits) -> Network:
    numbered = {layer.name: (number, layer) for number, layer in enumerate(network.layers, 1)}
    kinds: dict[str, Kind] = {}
    for name, changes in edits.items():
        if name not in numbered:
            raise UnknownLayer(name, network)
        number, layer = numbered[name]
        own = layer.kind.parameters()
        if SPLITS & set(changes):
            own = {key: value for key, value in own.items() if key not in SPLITS}
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
    groups, params, macs, layers = set(), 0, 0, 0  # how many more, and where
    for layer, kind, (in_channels, *_) in network.convolutions():
        split, channels = kind.split, (in_channels, kind.out_channels)
        if split.scheme == "logarithmic" and split.groups > 2 and Split.uniform(split.groups).fits(*channels):
            more = kind.taps * (split.connections(*channels) - in_channels * kind.out_channels // split.groups)
            _, height, width = network.shapes[layer.name]
            params, macs, layers = params + more, macs + more * height * width, layers + 1
            groups.add(split.groups)
    if params > 0 and macs > 0:
        n = f" n = {groups.pop()}" if len(groups) == 1 else ""
        before = ", before its widths were changed" if held and held.changed else ""
        yield (
            f"At equal channels this network with logarithmic{n} costs more than with a uniform split into as many"
            f" groups ({digits(layers)} layer{'s'[: layers - 1]} where both are legal{before}):"
            f" params {digits(network.params)} against {digits(network.params - params)},"
            f" MACs {digits(network.macs)} against {digits(network.macs - macs)}."
        )


def _closeness(held: Held) -> str:
    name = "params" if held.target == "params" else "MACs"
    if not held.changed and held.reached == held.wanted:
        return f"No width had to change: {name} are {digits(held.wanted)} in both."
    off = "exactly" if held.reached == held.wanted else _percent(held.relative)
    sentence = f"{_widths(held)}; {name} {digits(held.reached)} against {digits(held.wanted)}, {off}."
    return " ".join([sentence, *_why(held)])


def _why(held: Held) -> Iterator[str]:
    """What kept the widths from coming closer."""
    if held.spent:
        yield f"Nothing can be {held.spent}."
    elif held.steps and abs(held.relative or 0) > FAR:
        least, most = map(digits, held.steps)
        steps = (
            f"of {least} channel{'' if held.steps[0] == 1 else 's'}"
            if least == most
            else f"of {least} to {most} channels"
        )
        yield f"Widths move in steps {steps} here, and no step is closer."


def _widths(held: Held) -> str:
    """Widths × 1.31; the factor has as many digits as tell it from 1."""
    if held.factor == 1:
        return "Single widths nudged" if held.nudged else "Widths unchanged"
    places = next((p for p in (2, 3, 4) if round(held.factor, p) != 1), 6)
    return f"Widths {'about ' if held.nudged else ''}× {held.factor:.{places}f}"


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
