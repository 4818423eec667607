"""What the device can be asked about a picture: plain values that travel to the engine's process.

Each question is answered by one body of bytes; app.worker knows how.
"""

from dataclasses import dataclass, field

from compute.grouping import Grouping
from compute.maps import MapsSpec
from compute.stack import Dye, StackSpec

Slice = tuple[int, int]


@dataclass(frozen=True)
class Sent:
    """Which maps of a layer are sent, and how: see compute.run.Runner.feature_maps."""

    channels: Slice | None = None
    tile: int | None = None
    dtype: str = "uint8"


@dataclass(frozen=True)
class LayerMaps:
    """Feature maps of one layer, as a safetensors file."""

    spec: MapsSpec
    sent: Sent = Sent()


@dataclass(frozen=True)
class StackQuestion:
    """Something about a stack. other: the grouping of side b."""

    spec: StackSpec
    other: Grouping | None = None
    side: str = "a"


@dataclass(frozen=True)
class StackMaps(StackQuestion):
    """Maps of one module, as a safetensors file or, `npy`, as a bare array. dyed: whose ink, where side is `ink`."""

    module: int = 1
    point: str = "output"
    dye: Dye | None = None
    dyed: str = "a"
    sent: Sent = Sent()
    npy: bool = False


@dataclass(frozen=True)
class StackEnergy(StackQuestion):
    """Mean squares module by module, as JSON."""


@dataclass(frozen=True)
class StackScale(StackQuestion):
    """Root mean squares against depth, as JSON: a list, null where a number is not finite."""


@dataclass(frozen=True)
class StackPixel(StackQuestion):
    """One value taken apart, as a safetensors file."""

    module: int = 1
    channel: int = 0
    row: int = 0
    column: int = 0


@dataclass(frozen=True)
class StackRedundancy(StackQuestion):
    """Correlation and covariance of one module's maps, as a safetensors file."""

    module: int = 1


@dataclass(frozen=True)
class StackInk(StackQuestion):
    """|dyed - clean| of every channel of every module, as JSON."""

    dye: Dye = field(default_factory=Dye)


Question = LayerMaps | StackQuestion
