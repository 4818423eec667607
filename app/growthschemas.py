"""What the API answers about growth with channels, as models: for OpenAPI and for the tests."""

from typing import Literal

from pydantic import Field

from app.networkschemas import Count
from app.schemas import Model

Series = Literal["standard", "uniform", "width", "logarithmic"]


class GrowthRow(Model):
    """One layer of one stage; counts are null where the split does not fit, with the reason."""

    series: Series
    halve: bool = Field(description="the resolution halves, rounded up, at each doubling")
    stage: int
    channels: int
    height: int
    width: int
    groups: int | None
    weights: Count | None
    macs: Count | None
    activations: Count | None
    reason: str | None


class Slope(Model):
    """How one count of one series grows per doubling of the channels."""

    series: Series
    label: str
    metric: Literal["weights", "macs", "activations"]
    halve: bool
    factor: str | None = Field(description="exact, such as 4 or 1/2; null where no one factor holds")
    ratio: str | None = Field(description="to standard, exact; null where no one ratio holds")
    sentence: str
    reason: str | None = Field(description="why it is not exact")


class GrowthAnswer(Model):
    rows: list[GrowthRow]
    slopes: list[Slope]
    notes: list[str]


class GroupSize(Model):
    group: int
    channels: int
    log: float = Field(description="to `base`")


class LawPoint(Model):
    stimulus: float = Field(description="in multiples of the threshold")
    sensation: float


class Law(Model):
    text: str
    formula: str
    points: list[LawPoint]


class WeberFechner(Model):
    """Group sizes beside the law."""

    channels: int
    groups: int
    base: int
    sizes: list[GroupSize]
    law: Law
    notes: list[str]
