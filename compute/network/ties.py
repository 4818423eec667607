"""Which channels of a network can be changed, and which must change together.

A variable is the width of one convolution's output; a tensor's channels are a Form over variables:
- Add makes its sides equal, Concat adds Forms up, everything else that keeps channels passes them on;
- depthwise, and groups of a fixed width, make the output a multiple of the input; where ties are loose, that of a fixed
  width is only a multiple of the number of groups, which is left to whoever moves it;
- a uniform split, ChannelShuffle and GroupNorm need multiples of their groups, a logarithmic split room for its own.
Fixed are the network's input, what it puts out, linear layers, both sides of a convolution of custom sizes, and what
cannot be tied to anything.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from compute.network.graph import INPUT, Network
from compute.network.kinds import Add, ChannelShuffle, Concat, Conv2d, Flatten, GroupNorm, Kind, Linear
from compute.network.patience import check
from compute.network.split import Split

CONST = -1  # the key of a Form's constant
Form = Mapping[int, Any]  # {variable: coefficient, CONST: constant}; whole numbers or Fractions, never negative


class Ties:
    """The Form of every tensor, and what the layers ask of them."""

    def __init__(self, network: Network, fixed_width: frozenset[str], loose: bool = False) -> None:
        self.network, self.fixed_width, self._loose = network, fixed_width, loose
        self.loose: dict[str, int] = {}  # layers that follow only by whole groups -> channels of a group
        self.widths: list[int] = []  # of each variable, as it is
        self.bound: dict[int, Form] = {}
        self._resolved: dict[int, tuple[Form, Form]] = {}  # by the Form's identity, until more is bound
        self.multiples: list[tuple[Form, int]] = []
        self.minima: list[tuple[Form, int]] = []
        forms: dict[str, Form] = {INPUT: {CONST: network.input_shape[0]}}
        for layer in network.layers:
            forms[layer.name] = self._form(layer.name, layer.kind, [forms[name] for name in network.feeds[layer.name]])
        read = {name for names in network.feeds.values() for name in names}
        for layer in network.layers:
            if layer.name not in read:
                self.freeze(forms[layer.name])
        asked = {(id(form), n): (form, n) for form, n in self.multiples if n > 1}.values()
        while broken := [form for form, n in asked if not self._keeps(self.resolve(form), n)]:
            for form in broken:
                self.freeze(form)
        resolved = {key: self.resolve(form) for key, form in {id(form): form for form in forms.values()}.items()}
        self.forms = {name: resolved[id(form)] for name, form in forms.items()}
        self.multiples = [(self.resolve(form), n) for form, n in asked]
        self.minima = [(self.resolve(form), least) for form, least in self.minima]

    def resolve(self, form: Form) -> Form:
        """`form` over free variables only; single variables met on the way are bound to it for the next time."""
        known = self._resolved.get(id(form))
        if known:
            return known[1]
        given, passed = form, list[int]()
        while any(v in self.bound for v in form):
            if list(form.values()) == [1]:
                passed += form
            form = _sum((self.bound[v], k) if v in self.bound else ({v: 1}, k) for v, k in form.items())
        self.bound.update(dict.fromkeys(passed, form))
        self._resolved[id(given)] = given, form
        return form

    def freeze(self, form: Form) -> None:
        for v in self.resolve(form):
            if v != CONST:
                self._bind(v, {CONST: self.widths[v]})

    def follows(self, name: str, kind: Conv2d) -> bool:
        """Its output is a multiple of its input, or of its groups of a fixed width."""
        return kind.split.scheme == "depthwise" or (
            name in self.fixed_width and kind.split.scheme in ("standard", "uniform")
        )

    def _form(self, name: str, kind: Kind, reads: list[Form]) -> Form:
        form = reads[0]
        if isinstance(kind, Conv2d):
            return self._convolution(name, kind, form)
        if isinstance(kind, Linear):
            return {CONST: kind.out_features}
        if isinstance(kind, Flatten):
            before = self.network.shapes[self.network.feeds[name][0]]
            return _scaled(form, self.network.shapes[name][0], before[0])
        if isinstance(kind, Concat):
            return _sum((self.resolve(form), 1) for form in reads)
        if isinstance(kind, Add):
            for other in {id(other): other for other in reads[1:]}.values():
                self._equate(form, other)
        elif isinstance(kind, ChannelShuffle | GroupNorm):
            self.multiples.append((form, kind.groups if isinstance(kind, ChannelShuffle) else kind.num_groups))
        return form

    def _convolution(self, name: str, kind: Conv2d, form: Form) -> Form:
        channels = self.network.shapes[self.network.feeds[name][0]][0]
        groups = kind.split.count(channels)
        follows = self.follows(name, kind)
        if follows:
            self.multiples.append((form, channels // groups))
            if set(self.resolve(form)) != {CONST}:
                if not self._loose or channels == groups:
                    return _scaled(form, kind.out_channels, channels)
                self.loose[name] = channels // groups
        output = {len(self.widths): 1}
        self.widths.append(kind.out_channels)
        match kind.split:
            case Split("custom"):
                self.freeze(form)
                self.freeze(output)
            case Split("logarithmic", n, base):
                self.minima += [(side, base ** (n - 2) + 1 if n > 1 else 1) for side in (form, output)]
            case _ if name not in self.loose:
                self.multiples += [(output, groups)] if follows else [(form, groups), (output, groups)]
        return output

    def _equate(self, one: Form, other: Form) -> None:
        """Binds the last variable that is a whole multiple of the rest; freezes all where there is none."""
        rest = _sum([(self.resolve(one), 1), (self.resolve(other), -1)])
        for v in sorted((v for v in rest if v != CONST), reverse=True):
            others = {u: -k for u, k in rest.items() if u != v}
            if all(k % rest[v] == 0 and k // rest[v] >= 0 for k in others.values()):
                self._bind(v, {u: k // rest[v] for u, k in others.items()})
                return
        self.freeze({v: 1 for v in rest if v != CONST})

    def _bind(self, v: int, form: Form) -> None:
        self.bound[v] = form
        self._resolved.clear()

    def _keeps(self, form: Form, n: int) -> bool:
        """Every term is a multiple of n as it is, so that steps can keep it one; or no term can move."""
        terms = (k if v == CONST else k * self.widths[v] for v, k in form.items())
        return set(form) <= {CONST} or all(term % n == 0 for term in terms)


def _sum(parts: Iterable[tuple[Form, Any]]) -> Form:
    """Of Forms times numbers; terms that cancel are left out."""
    check()
    total: dict[int, Any] = {}
    for form, times in parts:
        for v, k in form.items():
            total[v] = total.get(v, 0) + k * times
    return {v: k for v, k in total.items() if k}


def _scaled(form: Form, times: int, over: int) -> Form:
    """form × times / over."""
    if times == over:
        return form
    if times % over == 0:
        return {v: k * (times // over) for v, k in form.items()}
    return {v: Fraction(k * times, over) for v, k in form.items()}


def variables(form: Form) -> list[tuple[int, Any]]:
    return [(v, k) for v, k in form.items() if v != CONST]
