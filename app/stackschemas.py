"""What the API answers about stacks, as models: for OpenAPI and for the tests."""

from typing import Literal

from pydantic import Field

from app.schemas import Model

Gain = Literal["cut", "fan-in"]
Normalisation = Literal["none", "conv", "sum"]


class StackGroup(Model):
    """Where one group's channels lie in the first module."""

    index: int
    in_start: int
    in_channels: int
    out_start: int
    out_channels: int


class Total(Model):
    params: int
    macs: int
    flops: int


class TotalRatios(Model):
    """This stack / the same stack with one group."""

    params: float
    macs: float
    flops: float


class StackModule(Model):
    """One module: its size, its bill, and what it can see."""

    module: int
    height: int
    width: int
    rotation: int = Field(description="channels by which the groups are moved")
    downsampled: bool = Field(description="what enters was halved")
    params: int
    macs: int
    mixing_params: int = Field(description="of the 1 x 1 convolution before it")
    mixing_macs: int
    receptive_field: list[int] = Field(min_length=2, max_length=2, description="[height, width] in pixels")
    connected: int = Field(description="pairs (channel of the stem, channel after the module) that are connected")
    share: float = Field(description="connected / all pairs")


class StackAnswer(Total):
    """A stack of grouped modules in numbers, for one picture. Stem, pooling, normalisation and the identity's additions
    are not counted."""

    channels: int
    groups: list[StackGroup]
    order: list[int] | None = Field(description="of a shuffle: channel i comes from channel order[i]")
    modules: list[StackModule]
    standard: Total = Field(description="the same stack with one group")
    ratios: TotalRatios
    notes: list[str]


class Reachability(Model):
    """After one module; 0 is the stem."""

    module: int
    connected: int
    share: float
    rows: list[str] = Field(description="row o, character i: 1 where stem channel i can influence channel o")


class OutputEnergy(Model):
    output: float | None = Field(description="mean square; null past the largest double")
    zeros: float = Field(description="share of values that are zero")
    dead: int = Field(description="maps that are zero everywhere")


class ModuleEnergy(OutputEnergy):
    """identity + conv + cross = sum, before a normalisation of the sum; null where there is no identity."""

    module: int
    identity: float | None
    conv: float | None
    cross: float | None = Field(description="2 mean(identity x convolution)")
    sum: float | None


class Energies(Model):
    """Means of squares over channels and pixels."""

    stem: OutputEnergy
    modules: list[ModuleEnergy]


class Scale(Model):
    """Root mean square of all maps, from the stem on."""

    gain: Gain
    normalisation: Normalisation
    rms: list[float | None] = Field(description="null where it is no finite number")
    chosen: bool = Field(description="this is the stack that was asked about")


class Scales(Model):
    arms: list[Scale]


class ModuleInk(Model):
    """|dyed - clean| of each channel over its pixels."""

    module: int
    max: list[float]
    mean: list[float]
    changed: int = Field(description="channels whose map changed at all")
    reachable: int | None = Field(description="channels that the dyed one can influence; null for a patch")


class Ink(Model):
    stem: ModuleInk
    modules: list[ModuleInk]
