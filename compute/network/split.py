"""How the channels of one convolution inside a network are to be split, before its channels are known.

A network's layers take their input channels from the layer before, so a rule is kept here and not a Grouping. Counting
needs no list of groups: closed forms answer for tens of thousands of channels at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from compute.errors import SpecError, integer
from compute.grouping import MAX_BASE, MIN_BASE, SCHEMES, Grouping, Sizes, legal_groups

WRITTEN = 6  # runs of groups written out before the rest is an ellipsis
_logarithmic = lru_cache(maxsize=512)(Grouping.logarithmic)  # some groups each; other schemes may have thousands
_legal = lru_cache(maxsize=8192)(legal_groups)


@dataclass(frozen=True)
class Split:
    """A scheme and its numbers: `groups` for uniform and logarithmic, `base` for logarithmic, `sizes` for custom."""

    scheme: str = "standard"
    groups: int = 1
    base: int = 2
    sizes: Sizes | None = None

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise SpecError(f"scheme must be one of {', '.join(SCHEMES)}, not {self.scheme!r}", "scheme")
        object.__setattr__(self, "groups", integer("groups", self.groups, 1))
        object.__setattr__(self, "base", integer("base", self.base, MIN_BASE, MAX_BASE))
        if self.scheme == "custom":
            object.__setattr__(self, "sizes", Grouping.custom(self.sizes or ()).sizes)
        elif self.sizes is not None:
            raise SpecError("sizes belong to the custom scheme, and only to it", "sizes")

    @classmethod
    def uniform(cls, groups: int) -> "Split":
        """nn.Conv2d(groups=...); one group is the standard convolution."""
        return cls("uniform", groups) if groups != 1 else cls()

    @classmethod
    def custom(cls, sizes: Iterable[tuple[int, int]]) -> "Split":
        return cls("custom", sizes=tuple(sizes))

    def on(self, in_channels: int, out_channels: int) -> Grouping:
        """The groups themselves; raises SpecError where the rule does not fit the channels."""
        if self.scheme == "logarithmic":
            return _logarithmic(in_channels, out_channels, self.groups, self.base)
        if self.scheme == "custom" and self.fits(in_channels, out_channels):
            return self._written
        return Grouping.of(self.scheme, in_channels, out_channels, self.groups, self.base, self.sizes)

    def fits(self, in_channels: int, out_channels: int) -> bool:
        match self.scheme:
            case "standard":
                return True
            case "uniform":
                return in_channels % self.groups == 0 and out_channels % self.groups == 0
            case "depthwise":
                return out_channels % in_channels == 0
            case "logarithmic":
                return self.groups <= _legal("logarithmic", in_channels, out_channels, self.base)[-1]
        return (self._written.in_channels, self._written.out_channels) == (in_channels, out_channels)

    def connections(self, in_channels: int, out_channels: int) -> int:
        """Pairs of an input and an output channel that see each other, as Grouping.connections; raises SpecError."""
        if not self.fits(in_channels, out_channels):
            return self.on(in_channels, out_channels).connections  # which says what does not fit
        match self.scheme:
            case "standard":
                return in_channels * out_channels
            case "uniform":
                return in_channels * out_channels // self.groups
            case "depthwise":
                return out_channels
        return self.on(in_channels, out_channels).connections

    def count(self, in_channels: int) -> int:
        """The number of groups on `in_channels` input channels."""
        if self.scheme == "depthwise":
            return in_channels
        return len(self.sizes) if self.sizes else 1 if self.scheme == "standard" else self.groups

    def describe(self, in_channels: int, out_channels: int) -> dict[str, Any]:
        """{"scheme", "groups", "base", "sizes"}: sizes only where the groups are not all alike."""
        uneven = self.scheme in ("logarithmic", "custom")
        sizes = [list(pair) for pair in self.on(in_channels, out_channels).sizes] if uneven else None
        base = self.base if self.scheme == "logarithmic" else None
        return {"scheme": self.scheme, "groups": self.count(in_channels), "base": base, "sizes": sizes}

    @cached_property
    def _written(self) -> Grouping:
        """The groups of custom sizes, kept for as long as the split is."""
        return Grouping.custom(self.sizes or ())

    def words(self, in_channels: int, out_channels: int) -> str:
        """`standard`, `uniform n = 4`, `logarithmic n = 4: 32, 16, 8, 8`, `custom n = 2: 32→16, 16→16`."""
        if self.scheme in ("standard", "depthwise"):
            return self.scheme
        base = f", base {self.base}" if self.scheme == "logarithmic" and self.base != 2 else ""
        head = f"{self.scheme} n = {self.count(in_channels)}{base}"
        if self.scheme == "uniform":
            return head
        sizes = self.on(in_channels, out_channels).sizes
        alike = all(a == b for a, b in sizes)
        shown = [str(a) if alike else f"{a}→{b}" for a, b in sizes[:WRITTEN]]
        return f"{head}: {', '.join(shown)}{', …' if len(sizes) > WRITTEN else ''}"

    def document(self) -> dict[str, Any]:
        """As a layer of a network's document says it: {} | {"groups"} | {"grouping": {...}}."""
        match self.scheme:
            case "standard":
                return {}
            case "uniform":
                return {"groups": self.groups}
            case "logarithmic":
                return {"grouping": {"scheme": "logarithmic", "groups": self.groups, "base": self.base}}
            case "depthwise":
                return {"grouping": {"scheme": "depthwise"}}
        return {"grouping": {"scheme": "custom", "sizes": [list(pair) for pair in self.sizes or ()]}}
