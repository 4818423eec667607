"""What the API answers about measurements, as models: for OpenAPI and for the tests. Times are in seconds."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas import Model

Kind = Literal["layer", "waterfall", "sweep", "parallel", "ceilings", "network"]
Arm = Literal["standard", "uniform", "logarithmic", "depthwise", "custom"]
How = Literal["plain", "best"]
Side = Annotated[list[int], Field(min_length=2, max_length=2, description="[height, width]")]


class PlannedArm(Model):
    """One grouping that is set beside the others."""

    arm: Arm
    label: str
    sizes: str
    macs: int = Field(description="of one image")
    promised: float = Field(description="MACs of the standard layer / MACs of this one")


class MeasurePlan(Model):
    """What a measurement would run and how long it would take."""

    estimate_seconds: float
    limit_seconds: float
    allowed: bool = Field(description="the estimate is within the limit")
    arms: list[PlannedArm]
    skipped: dict[str, str] = Field(description="by scheme, why it is left out")
    dtypes: list[str] = Field(description="that the device has")
    memory_formats: list[str]
    waiting: int = Field(description="measurements that wait or run")
    assumed_gflops: float = Field(description="of dense convolutions, what the estimate is made with")
    measured_ceiling: bool = Field(description="that number was measured on this device")


class Accepted(Model):
    """It waits now, or runs."""

    id: str
    position: int = Field(description="measurements before it")
    estimate_seconds: float


class Queued(Model):
    """One that waits or runs."""

    id: str
    kind: Kind
    label: str
    query: str | None = Field(description="of the page, null for a network")
    estimate_seconds: float
    seconds_left: float
    position: int = Field(description="measurements before it")


class MeasureQueue(Model):
    running: Queued | None
    waiting: list[Queued]


class Active(Model):
    """The measurement that was asked about, while it waits or runs."""

    id: str
    kind: Kind
    position: int


class KeptMeasurement(Model):
    """One that is kept."""

    id: str
    created: str = Field(description="ISO 8601, UTC")
    kind: Kind
    device: str
    label: str
    summary: str
    query: str | None = Field(description="of the page, null for a network")


class KeptMeasurements(Model):
    measurements: list[KeptMeasurement] = Field(description="the latest first")
    active: Active | None


class Conditions(Model):
    """What it ran under."""

    device: str
    name: str
    dtype: str
    memory_format: str
    backward: bool
    batch: int
    threads: int
    allocator: str = Field(description="kept: large buffers stay mapped when they are freed; default: they do not")
    spin_count: str = Field(
        "default", description="GOMP_SPINCOUNT: how long idle threads of a CPU wait awake, in turns of a loop"
    )
    torch: str
    tf32: bool
    cudnn_benchmark: bool
    rounds: int
    discarded: int = Field(description="rounds that were run again: something else used the device")
    date: str = Field(description="ISO 8601, UTC")
    sentence: str


class MeasuredLayer(Model):
    in_channels: int
    out_channels: int
    kernel_size: Side
    stride: Side
    padding: Side
    dilation: Side
    bias: bool
    height: int
    width: int
    batch: int


class Control(Model):
    """The standard layer against itself, run by run."""

    ratio: float
    limit: float = Field(description="by how much it may differ from 1")
    trusted: bool


class Result(Model):
    """What every measurement says."""

    id: str
    version: int
    conditions: Conditions
    layer: MeasuredLayer | None = Field(description="null for a network")
    control: Control


class Quartiles(Model):
    median: float
    q1: float
    q3: float


class Times(Quartiles):
    min: float


class Factor(Model):
    """How many times as fast as the standard layer."""

    promised: float = Field(description="by MACs")
    measured: float = Field(description="median of the rounds' ratios")
    measured_low: float = Field(description="the true one lies above with 99.5 %")
    measured_high: float


class Bound(Model):
    """What holds a layer back."""

    name: Literal["memory", "compute", "narrow groups", "calls"]
    sentence: str
    gflops: float = Field(description="that it allows")


class LayerRow(Times, Factor):
    """One grouping, run in one way. Counts are of one image, bytes and times of the batch."""

    arm: Arm
    how: How = Field(description="plain: as people write it; best: the fastest exact way")
    label: str
    groups: int
    sizes: str
    strategy: str
    strategy_words: str
    calls: int = Field(description="native calls of one pass")
    samples: list[float] = Field(description="seconds of one pass, round by round")
    images_per_second: float
    gflops: float = Field(description="GFLOP/s, its MACs counted twice over the median")
    macs: int
    flops: int
    params: int
    bytes: int = Field(description="input, weights and output, each once")
    intensity: float = Field(description="FLOPs per byte")
    bound: Bound | None = Field(description="null for backward passes")
    peak_bytes: int | None
    peak_words: str


class Place(Model):
    arm: Arm
    how: How


class Ranking(Model):
    places: list[list[Place]] = Field(description="the fastest first; what can't be told apart shares a place")
    sentence: str


class NarrowCeiling(Model):
    width: int
    gflops: float


class CeilingNumbers(Model):
    """What the device does at most."""

    matmul_gflops: float
    conv_gflops: float
    peak_gflops: float
    peak_from: str
    cache_bytes_per_second: float
    memory_bytes_per_second: float
    cache_size_bytes: int
    narrow: list[NarrowCeiling] = Field(description="of groups so many channels wide")
    call_seconds: float
    trusted: bool = Field(description="false: another process had the cores, so the device can do more than this")
    sentence: str


class LayerResult(Result):
    kind: Literal["layer"]
    rows: list[LayerRow]
    skipped: dict[str, str]
    ranking: Ranking
    ceilings: CeilingNumbers


class CeilingsResult(CeilingNumbers, Result):
    kind: Literal["ceilings"]


class WaterfallStep(Quartiles):
    """One run more; all zero where it is not available."""

    name: Literal["promise", "loop", "layout", "prepack", "fewer-calls", "no-cat"]
    label: str
    strategy: str | None
    factor: float = Field(description="median of the standard layer / this")
    available: bool
    reason: str | None


class WaterfallResult(Result):
    kind: Literal["waterfall"]
    arm: Arm
    label: str
    promised: float
    reference: float = Field(description="median of the standard layer")
    steps: list[WaterfallStep]
    sentence: str


class SweepRow(Times, Factor):
    scheme: Literal["uniform", "logarithmic"]
    groups: int
    plain_median: float
    macs: int
    counted: float = Field(description="the first point's time, in proportion to MACs")
    strategy: str


class SweepResult(Result):
    kind: Literal["sweep"]
    rows: list[SweepRow]
    sentence: str


class ParallelRow(Quartiles):
    """All zero where it is not available."""

    how: Literal["one after another", "threads", "streams", "devices"]
    speedup: float
    bytes_per_worker: list[int]
    available: bool
    reason: str | None


class ParallelResult(Result):
    kind: Literal["parallel"]
    rows: list[ParallelRow]
    ideal: float = Field(description="sum / widest group")
    sentence: str


class NetworkSide(Model):
    sizes: str
    median: float
    macs: int


class NetworkVariantSide(NetworkSide):
    strategy: str


class NetworkRow(Model):
    name: str
    count: int = Field(description="convolutions of this shape")
    layer: MeasuredLayer
    original: NetworkSide
    variant: NetworkVariantSide
    promised: float
    measured: float


class NetworkSum(Model):
    median: float
    macs: int


class NetworkSums(Model):
    original: NetworkSum
    variant: NetworkSum
    promised: float
    measured: float


class NetworkResult(Result):
    kind: Literal["network"]
    rows: list[NetworkRow]
    total: NetworkSums
    sentence: str


AnyResult = Annotated[
    LayerResult | WaterfallResult | SweepResult | ParallelResult | CeilingsResult | NetworkResult,
    Field(discriminator="kind"),
]


class ExportedMeasurement(KeptMeasurement):
    spec: dict[str, Any]
    result: AnyResult


class ExportedCeilings(Model):
    device: str
    dtype: str
    result: CeilingNumbers


class Export(Model):
    """Everything that is kept."""

    version: int
    exported: str
    measurements: list[ExportedMeasurement]
    ceilings: list[ExportedCeilings]
