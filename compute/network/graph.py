"""A network as data: named layers in order, each fed by earlier ones, with every shape inferred and checked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from compute.counts import Counts
from compute.errors import SpecError, integer, printable
from compute.network.kinds import Conv2d, Kind, Linear, Shape
from compute.network.patience import check

T = TypeVar("T")
MAX_WORDS = 2000  # of a name, a source, a convention
CHANGED = ", changed"  # ends the name of a network that is no longer what its source describes
INPUT = "input"  # the name under which layers read the network's input


class LayerError(SpecError):
    """What is wrong with one layer; `field` is LAYER.PARAMETER."""

    def __init__(self, layer: str, number: int, kind: str, error: SpecError) -> None:
        field = f"{layer}.{error.field}" if error.field else layer
        super().__init__(f"layer {number} '{layer}' ({kind}): {error.message}", field, error.hint)
        self.code = error.code


@dataclass(frozen=True)
class Layer:
    """One layer. inputs: names of earlier layers, or "input"; () is the layer before."""

    name: str
    kind: Kind
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Published:
    """Totals as a source prints them, either may be absent. params_unit, macs_unit: what the last digit is worth."""

    params: int | None = None
    macs: int | None = None
    params_unit: int = 1
    macs_unit: int = 1


@dataclass(frozen=True)
class Network:
    """Layers and the shape they start from; cannot be built wrong (raises LayerError, with the layer's name).

    input_shape: (C, H, W) or (features,), one image. source: where the table is from. convention: how the source
    counts otherwise than this project, in words. published: the totals the source states by this project's rules.
    """

    layers: tuple[Layer, ...]
    input_shape: Shape = (3, 224, 224)
    name: str = ""
    source: str = ""
    convention: str = ""
    published: Published | None = None
    _made: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shape = tuple(integer("input_shape", side, 1) for side in self.input_shape)
        if len(shape) not in (1, 3):
            raise SpecError(
                f"input_shape must be [channels, height, width] or [features], not {list(shape)}",
                "input_shape",
                "such as [3, 224, 224]",
            )
        object.__setattr__(self, "input_shape", shape)
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise SpecError("a network needs at least one layer", "layers", "add a layer, such as a Conv2d")
        assert self.shapes  # inferred now, so that nothing wrong is ever handed on

    @cached_property
    def feeds(self) -> dict[str, tuple[str, ...]]:
        """Names of what each layer reads, the default written out."""
        feeds: dict[str, tuple[str, ...]] = {}
        before = INPUT
        for layer in self.layers:
            feeds.setdefault(layer.name, layer.inputs or (before,))  # a name taken twice is refused by `shapes`
            before = layer.name
        return feeds

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """The shape that each layer makes, and the input's."""
        shapes: dict[str, Shape] = {INPUT: self.input_shape}
        for number, layer in enumerate(self.layers, 1):
            check()
            try:
                shapes[layer.name] = self._shape(layer, shapes)
            except LayerError:
                raise
            except SpecError as error:
                raise LayerError(layer.name, number, layer.kind.title(), error) from None
        return shapes

    def inputs(self, layer: Layer) -> list[Shape]:
        return [self.shapes[name] for name in self.feeds[layer.name]]

    @cached_property
    def counts(self) -> dict[str, Counts]:
        """The bill of each layer."""
        return {layer.name: layer.kind.count(self.inputs(layer), self.shapes[layer.name]) for layer in self.layers}

    @cached_property
    def params(self) -> int:
        return sum(counts.params for counts in self.counts.values())

    @cached_property
    def macs(self) -> int:
        return sum(counts.macs for counts in self.counts.values())

    def once(self, make: Callable[["Network"], T]) -> T:
        """What `make` works out of this network, worked out when it is first asked for."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    def unchanged(self, index: int, other: "Network") -> bool:
        """Layer `index` is the very layer of `other`, and reads and makes the same shapes."""
        layer = self.layers[index]
        return (
            layer is other.layers[index]
            and self.shapes[layer.name] == other.shapes[layer.name]
            and self.inputs(layer) == other.inputs(layer)
        )

    def convolutions(self) -> Iterator[tuple[Layer, Conv2d, Shape]]:
        """(layer, kind, input shape) of every convolution, in order."""
        for layer in self.layers:
            if isinstance(layer.kind, Conv2d):
                yield layer, layer.kind, self.inputs(layer)[0]

    def weighted(self, layer: Layer) -> bool:
        """A convolution or a linear layer: what is counted in MACs, and what a fully connected layer could replace."""
        return isinstance(layer.kind, Conv2d | Linear)

    def with_kinds(self, kinds: dict[str, Kind]) -> "Network":
        """The same network with other kinds in place of some; raises LayerError where they do not fit.

        One that differs is named so, and its source is what it was made after; conventions are the original's alone.
        """
        if not kinds:
            return self
        layers = tuple(replace(la, kind=kinds[la.name]) if la.name in kinds else la for la in self.layers)
        if layers == self.layers:
            return self
        name, source = self.name, self.source
        if name and not name.endswith(CHANGED):
            name = f"{self.name[: MAX_WORDS - len(CHANGED)]}{CHANGED}"
            source = f"after {self.name}{source and f': {source}'}"[:MAX_WORDS]
        return replace(self, layers=layers, name=name, source=source, convention="", published=None)

    def _shape(self, layer: Layer, shapes: dict[str, Shape]) -> Shape:
        if layer.name in shapes:
            taken = "is what layers call the network's input" if layer.name == INPUT else "is taken already"
            raise SpecError(f"every layer needs a name of its own, and '{layer.name}' {taken}", "name", "rename it")
        feeds = self.feeds[layer.name]
        for name in feeds:
            if name not in shapes:
                raise SpecError(self._unknown(name), "inputs", f"use {_listed(tuple(shapes))}")
        if layer.kind.many and len(feeds) < 2:
            raise SpecError(f"inputs must name two layers or more, not {len(feeds)}", "inputs", _two(tuple(shapes)))
        if not layer.kind.many and len(feeds) != 1:
            hint = "put an Add or a Concat before it"
            raise SpecError(f"inputs must name one layer, not {len(feeds)}", "inputs", hint)
        return layer.kind.output(*(shapes[name] for name in feeds))

    def _unknown(self, name: str) -> str:
        later = any(layer.name == name for layer in self.layers)
        return (
            f"inputs may name earlier layers only, and '{printable(name)}' {'comes later' if later else 'is no layer'}"
        )


def _listed(names: Sequence[str]) -> str:
    """The nearest few of many."""
    return ", ".join(names[-4:])


def _two(names: Sequence[str]) -> str:
    pair = names[-2:] if len(names) > 1 else (INPUT, "a layer")
    return f'such as ["{pair[0]}", "{pair[1]}"]'
