"""What the API answers, as models: for OpenAPI and for the tests, which hold real answers against them.

Never used while serving: a check per answer would halve the throughput.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Scheme = Literal["standard", "uniform", "logarithmic", "depthwise", "custom"]


class Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Counts(Model):
    """The bill of a layer, for one image: params with bias, MACs and FLOPs (2 per MAC) without."""

    weights: int
    bias: int
    params: int
    macs: int
    flops: int
    input_elements: int
    output_elements: int
    weight_elements: int
    memory_access_elements: int = Field(description="input + output + weights, each moved once: a lower bound")
    memory_access_bytes: int = Field(description="at 4 bytes an element")
    arithmetic_intensity: float = Field(description="FLOPs per byte")


class Group(Counts):
    """One group: where its channels start, how many it has, and its bill."""

    index: int
    in_start: int
    in_channels: int
    out_start: int
    out_channels: int
    weight_shape: list[int] = Field(min_length=4, max_length=4, description="[out, in, k_h, k_w]")


class Ratios(Model):
    """This layer / standard."""

    params: float
    macs: float
    flops: float
    memory_access: float


class Formulas(Model):
    """Each count as text with this layer's numbers in it."""

    output: str
    params: str
    macs: str
    flops: str
    memory_access: str
    arithmetic_intensity: str
    fully_connected: str


class Layer(Counts):
    """One grouped layer, against the standard and the fully connected one."""

    scheme: Scheme
    base: int | None = Field(description="of a logarithmic split, else null")
    groups: list[Group]
    output_shape: list[int] = Field(min_length=3, max_length=3, description="[out_channels, height, width]")
    standard: Counts
    fully_connected: Counts = Field(description="between the same two volumes, without bias")
    ratios: Ratios
    legal_groups: list[int] = Field(description="every number of groups this scheme can have on these channels")
    formulas: Formulas
    rounded: bool = Field(description="shares of a logarithmic split were rounded to whole channels")
    notes: list[str]


class DepthRow(Model):
    """One layer of one scheme; counts are null where `groups` does not fit, with the reason."""

    layer: int
    scheme: Literal["standard", "uniform", "logarithmic"]
    groups: int
    in_channels: int
    out_channels: int
    height: int
    width: int
    params: int | None
    macs: int | None
    flops: int | None
    activation_elements: int | None
    cumulative_params: int | None
    cumulative_macs: int | None
    cumulative_flops: int | None
    cumulative_activation_elements: int | None
    reason: str | None


class Depth(Model):
    rows: list[DepthRow]
    notes: list[str]


class PlotlyFigure(Model):
    """JSON that plotly.graph_objects.Figure accepts."""

    data: list[dict[str, Any]]
    layout: dict[str, Any]


class Picture(Model):
    """A picture that was kept; width and height after EXIF rotation and, of very large pictures, reduction."""

    id: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file as it was sent")
    width: int
    height: int


class Sample(Picture):
    """A photograph that ships with the server."""

    name: str
    credit: str
    licence: str
    source: str


class Device(Model):
    """What feature maps are computed on."""

    device: str
    name: str
    compute_dtype: str
    threads: int
    tf32: bool
    torch: str


class Health(Model):
    status: Literal["ok"]
    version: str


class Readiness(Model):
    status: Literal["ready"]


class Error(Model):
    code: str = Field(description="for programs")
    message: str = Field(description="the rule and the value")
    field: str | None = Field(description="the parameter to change")
    hint: str | None = Field(description="the way out")


class Failure(Model):
    """Every 4xx and 5xx."""

    error: Error
    request_id: str = Field(description="the same in the header X-Request-Id and in the server's log")
