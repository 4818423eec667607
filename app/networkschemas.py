"""What the API answers about networks, as models: for OpenAPI and for the tests. Never used while serving."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas import Model

# Beyond ±(2^53 − 1) the digits travel as a string: app/travel.py
Count = Annotated[int | str, Field(description="a string of digits where it passes 2^53 − 1")]
Size = Annotated[list[int], Field(min_length=1, max_length=3, description="[channels, height, width] or [features]")]
Pair = Annotated[list[int], Field(min_length=2, max_length=2, description="[height, width]")]
Sizes = Annotated[list[int], Field(min_length=2, max_length=2, description="[in, out] channels of a group")]


class Summary(Model):
    """A published network; totals by this project's rules."""

    id: str
    name: str
    source: str
    params: Count
    macs: Count


class Published(Model):
    """Totals as the source prints them; a unit is what the last digit is worth."""

    params: Count | None
    macs: Count | None
    params_unit: int
    macs_unit: int


class LayerGrouping(Model):
    """How a convolution's channels are split."""

    scheme: Literal["standard", "uniform", "logarithmic", "depthwise", "custom"]
    groups: int
    base: int | None = Field(description="of a logarithmic split, else null")
    sizes: list[Sizes] | None = Field(description="where the groups are not all alike")
    text: str


class Bill(Model):
    """For one image: params with bias and BatchNorm's affine pairs; MACs of convolutions and linear layers, no bias."""

    params: Count
    weights: Count
    bias: Count
    macs: Count
    flops: Count = Field(description="2 per MAC")
    activations: Count = Field(description="elements of the output")
    weight_bytes: Count = Field(description="params at 4 bytes")
    memory_access_elements: Count = Field(description="input + output + weights, each moved once")
    memory_access_bytes: Count
    arithmetic_intensity: float = Field(description="FLOPs per byte; 0 where nothing moves")


class Row(Bill):
    """One layer."""

    index: int
    name: str
    kind: str
    inputs: list[str]
    in_channels: int
    out_channels: Count
    kernel_size: Pair | None
    stride: Pair | None
    padding: Pair | None
    dilation: Pair | None
    grouping: LayerGrouping | None = Field(description="of a convolution, else null")
    output_shape: Annotated[list[Count], Field(min_length=1, max_length=3)]
    fully_connected_weights: Count | None = Field(
        description="weights, and MACs, of a fully connected layer between the same volumes, without bias"
    )


class Totals(Bill):
    """Sums over the rows; the intensity is that of the sums."""

    fully_connected_weights: Count


class Analysis(Model):
    """What a network costs, layer by layer."""

    name: str
    source: str
    convention: str = Field(description="where the source counts otherwise, in words")
    published: Published | None
    input_shape: Size
    rows: list[Row]
    totals: Totals


class Document(Model):
    """A network as it is written and read."""

    name: str = ""
    source: str = ""
    convention: str = ""
    input_shape: Size
    layers: list[dict[str, Any]]


class PublishedAnalysis(Analysis):
    """A published network, with the document to change it by."""

    id: str
    document: Document


class Deltas(Model):
    """Variant - original."""

    params: Count
    macs: Count
    flops: Count
    activations: Count
    memory_access_bytes: Count
    weight_bytes: Count


class NetworkRatios(Model):
    """Variant / original; null where the original has none."""

    params: float | None
    macs: float | None
    flops: float | None
    activations: float | None
    memory_access_bytes: float | None
    weight_bytes: float | None


class Saved(Model):
    """What halving would save; nulls, with the reason, where it cannot be done."""

    params: Count | None
    macs: Count | None
    activations: Count | None
    memory_access_bytes: Count | None
    reason: str | None


class Halving(Model):
    channels: Saved = Field(description="both sides, the split kept")
    resolution: Saved = Field(description="of the input, rounded up")


class Change(Model):
    """One layer of the variant beside the original's."""

    name: str
    changed: bool
    left_alone: str | None = Field(description="why the policy did not fit")
    edited: bool
    deltas: Deltas
    ratios: NetworkRatios
    halving: Halving | None = Field(description="of the variant's convolutions and linear layers, else null")


class Hold(Model):
    """How close the variant came to the original."""

    target: Literal["params", "macs"]
    wanted: Count
    reached: Count
    relative: float | None = Field(description="signed share: (reached - wanted) / wanted")
    factor: float = Field(description="of the widths, before single ones were nudged")


class Comparison(Model):
    """A network and its variant; with changed_only, only the rows of layers that differ."""

    original: Analysis
    variant: Analysis
    layers: list[Change]
    deltas: Deltas
    ratios: NetworkRatios
    hold: Hold | None = Field(description="null at equal channels")
    notes: list[str]


class KeptBytes(Model):
    name: str
    saved_bytes: Count


class TrainingMemory(Model):
    """Bytes of one training step: total_bytes = fixed_bytes + batch × per_image_bytes."""

    batch: int
    dtype: Literal["float32", "float16", "bfloat16"]
    optimizer: Literal["sgd", "momentum", "adam"]
    weight_bytes: Count
    gradient_bytes: Count
    optimizer_bytes: Count
    saved_activation_bytes: Count
    total_bytes: Count
    per_image_bytes: Count
    fixed_bytes: Count
    rows: list[KeptBytes] = Field(description="what each layer is the first to keep, for this batch")
    not_counted: list[str]
    largest_batch: Count = Field(description="that fits the budget; 0 where not one image does")


class Memory(Model):
    budget_bytes: Count
    original: TrainingMemory
    variant: TrainingMemory


class PlacedDevice(Model):
    """What one device holds and does, for one image."""

    index: int
    params: Count
    weight_bytes: Count
    activations: Count
    macs: Count


class Crossing(Model):
    layer: str
    elements: Count = Field(description="both directions, forward, one image")
    why: str


class Bound(Model):
    layer: str
    speedup: float = Field(description="sum / largest group: as many devices at most are kept busy")


class Placement(Model):
    devices: list[PlacedDevice]
    crossings: list[Crossing]
    crossing_elements: Count
    speedup: float | None = Field(description="MACs to those of each layer's busiest device; null without MACs")
    bounds: list[Bound] = Field(description="of uneven splits")
    notes: list[str]


class PolicyRatios(Model):
    """Variant / original; null where the original has none."""

    params: float | None
    macs: float | None


class PolicyLine(Model):
    """What a network would cost under one policy."""

    policy: Literal["none", "uniform", "width", "logarithmic", "depthwise", "root"]
    params: Count | None
    macs: Count | None
    ratios: PolicyRatios
    left_alone: int | None = Field(description="convolutions that the policy does not fit")
    split: int | None = Field(description="convolutions whose split it changes")
    reason: str | None = Field(description="why it cannot be together with the edits; the counts are then null")
    relative: float | None = Field(description="of an equal budget, how far from it; else null")
