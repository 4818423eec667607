"""Networks as JSON documents, in and out: `{"input_shape": [3, 32, 32], "layers": [{"kind": "Conv2d", ...}, ...]}`.

Each layer names its `kind` (a class of torch.nn, or Add, Concat), optionally its `name` and `inputs`, and the kind's
own parameters. A convolution's split is `groups` (as in PyTorch) or `grouping`: {"scheme", "groups", "base", "sizes"}.
`in_channels`, `in_features`, `num_features` and `num_channels` follow from the layer before; where given to the kind
that PyTorch asks for them, they are checked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from typing import Any

from compute.errors import OutOfRange, SpecError, integer, printable
from compute.grouping import MAX_BASE, MIN_BASE
from compute.network.graph import MAX_WORDS, Layer, LayerError, Network
from compute.network.kinds import KINDS, Conv2d, Kind
from compute.network.split import Split

TOP = ("name", "source", "convention", "input_shape", "layers")
COMMON = ("kind", "name", "inputs")
STATED = {  # PyTorch asks for them, we infer them
    "Conv2d": "in_channels",
    "Linear": "in_features",
    "BatchNorm2d": "num_features",
    "GroupNorm": "num_channels",
}
MAX_NAME, MAX_INPUTS = 64, 64


@dataclass(frozen=True)
class Limits:
    """What a document may ask for at most."""

    layers: int = 1000
    channels: int = 65_536
    kernel: int = 64
    resolution: int = 4096
    groups: int = 65_536  # written out, of all layers together

    def of(self, parameter: str) -> int:
        """The limit on a parameter of a layer."""
        if parameter in ("kernel_size", "stride", "padding", "dilation"):
            return self.kernel
        return self.resolution if parameter == "output_size" else self.channels

    @property
    def features(self) -> int:
        """Of a vector that no parameter states: those of the largest image, flattened."""
        return self.channels * self.resolution**2


class UnknownName(SpecError):
    """A word that stands for nothing here."""

    code = "unknown_name"

    def __init__(self, what: str, name: object, known: tuple[str, ...], field: str) -> None:
        near = get_close_matches(str(name)[:40], known, n=1, cutoff=0.5)
        guess = f"did you mean {near[0]}? " if near else ""
        super().__init__(f"{_shown(name)} is no {what}", field, f"{guess}known: {', '.join(known)}")


def read(document: Any, limits: Limits = Limits()) -> Network:
    """The network that `document` describes; raises SpecError, LayerError where it is about a layer."""
    top = _mapping(document, "a network", None)
    for key in top:
        if key not in TOP:
            raise UnknownName("part of a network", key, TOP, printable(key))
    if "layers" not in top:
        raise SpecError("a network needs layers", "layers", 'such as [{"kind": "Flatten"}]')
    entries = top["layers"]
    if not isinstance(entries, list):
        raise SpecError(f"layers must be a list, not {_shown(entries)}", "layers", "write [...]")
    if len(entries) > limits.layers:
        hint = f"leave out {len(entries) - limits.layers}, or describe a part of the network"
        raise SpecError(f"a network may have at most {limits.layers} layers, not {len(entries)}", "layers", hint)
    network = Network(
        tuple(_layer(entry, number, limits) for number, entry in enumerate(entries, 1)),
        _input_shape(top.get("input_shape", [3, 224, 224]), limits),
        _words(top, "name"),
        _words(top, "source"),
        _words(top, "convention"),
    )
    _check_groups(sum(len(kind.split.sizes or ()) for _, kind, _ in network.convolutions()), limits, "layers")
    for number, (layer, entry) in enumerate(zip(network.layers, entries, strict=True), 1):
        _check_size(network, layer, number, limits)
        _check_stated(network, layer, number, entry)
    return network


def write(network: Network) -> dict[str, Any]:
    """The document of `network`: read(write(network)) is the same network, its published totals left out."""
    words = {key: getattr(network, key) for key in ("name", "source", "convention") if getattr(network, key)}
    layers = [
        {
            "kind": layer.kind.title(),
            "name": layer.name,
            **({"inputs": list(layer.inputs)} if layer.inputs else {}),
            **layer.kind.parameters(),
        }
        for layer in network.layers
    ]
    return {**words, "input_shape": list(network.input_shape), "layers": layers}


def read_kind(name: str, parameters: Mapping[str, Any], limits: Limits = Limits()) -> Kind:
    """The kind called `name` with these parameters, as a document or an edit states them; raises SpecError."""
    if not isinstance(name, str) or name not in KINDS:
        raise UnknownName("kind of layer", name, tuple(KINDS), "kind")
    kind = KINDS[name]
    known = {f.name: f for f in fields(kind) if f.name != "split"}
    extra = ("groups", "grouping") if kind is Conv2d else ()
    values: dict[str, Any] = {}
    for key, value in parameters.items():
        if key not in known and key not in extra:
            raise UnknownName(f"parameter of {name}", key, (*known, *extra), printable(key))
        if key in known:
            values[key] = _bounded(key, value, limits)
    for key, field in known.items():
        if key not in values and field.default is MISSING:
            raise SpecError(f"{name} needs {key}", key, f'add "{key}": …')
    if kind is Conv2d:
        values["split"] = _split(parameters, limits)
    return kind(**values)


def read_split(value: Any, limits: Limits = Limits()) -> Split:
    """{"scheme", "groups", "base", "sizes"}, all but the scheme optional."""
    given = _mapping(value, "grouping", "grouping")
    for key in given:
        if key not in ("scheme", "groups", "base", "sizes"):
            raise UnknownName("part of a grouping", key, ("scheme", "groups", "base", "sizes"), "grouping")
    scheme: Any = given.get("scheme")  # whatever it is, Split says what it may be
    if scheme in ("uniform", "logarithmic") and "groups" not in given:
        raise SpecError(f"a {scheme} grouping needs groups", "grouping", 'such as "groups": 4')
    groups = integer("groups", given.get("groups", 1), 1, limits.channels)
    base = integer("base", given.get("base", 2), MIN_BASE, MAX_BASE)  # held to its range where it says nothing too
    if scheme == "custom":
        return Split.custom(_sizes(given.get("sizes"), limits))
    if "sizes" in given:
        raise SpecError("sizes belong to the custom scheme, and only to it", "grouping", "leave them out")
    if scheme == "uniform":
        return Split.uniform(groups)
    return Split(scheme, groups if scheme == "logarithmic" else 1, base)


def _sizes(value: Any, limits: Limits) -> Iterator[Any]:
    """[[in, out], ...] as pairs; what is wrong with one of them Split says."""
    if not isinstance(value, list) or not value:
        raise SpecError("a custom grouping needs sizes", "grouping", "such as [[32, 32], [16, 16], [16, 16]]")
    _check_groups(len(value), limits, "grouping")
    return (tuple(pair) if isinstance(pair, list) else pair for pair in value)


def _layer(entry: Any, number: int, limits: Limits) -> Layer:
    given = _mapping(entry, f"layer {number}", f"layers[{number - 1}]")
    kind: Any = given.get("kind")
    name = given.get("name", f"layer{number}")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise SpecError(
            f"the name of layer {number} must be 1 to {MAX_NAME} printable characters, not {_shown(name)}",
            f"layers[{number - 1}].name",
            f'such as "layer{number}"',
        )
    stated = STATED.get(kind) if isinstance(kind, str) else None
    own = {k: v for k, v in given.items() if k not in COMMON and k != stated}
    try:
        if "kind" not in given:
            raise SpecError("a layer needs a kind", "kind", 'such as "kind": "Conv2d"')
        return Layer(name, read_kind(kind, own, limits), _inputs(given.get("inputs")))
    except SpecError as error:
        said = "no kind" if kind is None else printable(kind) if isinstance(kind, str) else _shown(kind)
        raise LayerError(name, number, said, error) from None


def _inputs(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise SpecError(f"inputs must be names of earlier layers, not {_shown(value)}", "inputs", 'such as ["conv1"]')
    if len(names) > MAX_INPUTS:
        hint = "add or join them in two steps"
        raise SpecError(f"a layer may have at most {MAX_INPUTS} inputs, not {len(names)}", "inputs", hint)
    return tuple(names)


def _split(parameters: Mapping[str, Any], limits: Limits) -> Split:
    if "groups" in parameters and "grouping" in parameters:
        raise SpecError("groups and grouping say the same thing twice", "grouping", "keep one of them")
    if "grouping" in parameters:
        return read_split(parameters["grouping"], limits)
    return Split.uniform(integer("groups", parameters.get("groups", 1), 1, limits.channels))


def _bounded(name: str, value: Any, limits: Limits) -> Any:
    """Whole numbers, alone or in pairs, within the limits; what else is wrong the kind itself says."""
    limit = limits.of(name)
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, int) and not isinstance(number, bool) and number > limit:
            raise OutOfRange(name, number, 0 if name == "padding" else 1, limit)
    return tuple(value) if isinstance(value, list) else value


def _input_shape(value: Any, limits: Limits) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) not in (1, 3):
        raise SpecError(
            f"input_shape must be [channels, height, width] or [features], not {_shown(value)}",
            "input_shape",
            "such as [3, 224, 224]",
        )
    highs = (limits.channels, limits.resolution, limits.resolution)
    return tuple(integer("input_shape", side, 1, high) for side, high in zip(value, highs, strict=False))


def _words(top: Mapping[str, Any], key: str) -> str:
    value = top.get(key, "")
    if not isinstance(value, str) or len(value) > MAX_WORDS:
        raise SpecError(f"{key} must be text of at most {MAX_WORDS} characters", key, "shorten it")
    return value


def _check_size(network: Network, layer: Layer, number: int, limits: Limits) -> None:
    """What is inferred keeps to the limits too: Concat adds channels up, padding lets an image grow."""
    shape = network.shapes[layer.name]
    highs = {"channels": limits.channels, "height": limits.resolution, "width": limits.resolution}
    if len(shape) == 1:
        highs = {"features": limits.features}
    for (side, limit), value in zip(highs.items(), shape, strict=True):
        if value > limit:
            field, hint = ("inputs", "join fewer layers") if layer.kind.many else ("padding", "use less padding")
            error = SpecError(f"its output may have at most {limit} {side}, not {value}", field, hint)
            raise LayerError(layer.name, number, layer.kind.title(), error)


def _check_groups(groups: int, limits: Limits, field: str) -> None:
    if groups > limits.groups:
        rule = f"custom groupings may have at most {limits.groups} groups in all layers together, not {groups}"
        raise SpecError(rule, field, "use groups or a logarithmic grouping where groups are alike")


def _check_stated(network: Network, layer: Layer, number: int, entry: Mapping[str, Any]) -> None:
    key, actual = STATED.get(layer.kind.title(), ""), network.inputs(layer)[0][0]
    if key and key in entry and (entry[key] != actual or isinstance(entry[key], bool)):
        rule = f"{key} must be what its input has: {actual}, not {_shown(entry[key])}"
        error = SpecError(rule, key, f"write {actual}, or leave it out")
        raise LayerError(layer.name, number, layer.kind.title(), error)


def _mapping(value: Any, what: str, field: str | None) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise SpecError(f"{what} must be an object, not {_shown(value)}", field, "write {...}")
    return value


def _shown(value: object) -> str:
    """Fit to be repeated in a sentence: short, printable, in quotes where it is text."""
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    return f"'{printable(value)}'" if isinstance(value, str) else printable(repr(value))
