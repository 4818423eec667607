"""What the API answers about training, as models: for OpenAPI and for the tests. Times are in seconds, accuracies
shares of the test images."""

from typing import Any, Literal

from pydantic import Field

from app.schemas import Model

ArmName = Literal["standard", "uniform", "logarithmic", "depthwise"]
State = Literal["queued", "running", "paused", "done", "cancelled", "failed"]


class TrainedArm(Model):
    """One network that is set beside the others."""

    arm: ArmName
    label: str
    channels: int
    groups: int
    sizes: str
    params: int = Field(description="all that is learned, BatchNorm's scale and shift included")
    macs: int = Field(description="of convolutions and the linear layer, one image forward")
    params_ratio: float = Field(description="to the reference's")
    macs_ratio: float


class DataSet(Model):
    """Images to learn from."""

    id: str
    name: str
    credit: str
    channels: int
    side: list[int] = Field(min_length=2, max_length=2, description="[height, width]")
    classes: list[str]
    train: int
    test: int
    digest: str = Field(description="SHA-256 of pixels and labels")
    note: str


class TrainingPlan(Model):
    """What a run would train and how long it would take."""

    arms: list[TrainedArm]
    reference: TrainedArm = Field(description="the standard network of `width` channels")
    hold: Literal["params", "macs", "channels"]
    steps: int = Field(description="of each arm and seed")
    steps_per_epoch: int
    epochs: int
    seeds: int
    total_steps: int
    step_seconds: dict[str, float] = Field(description="by arm, tried on this device")
    estimate_seconds: float
    limit_seconds: float
    allowed: bool = Field(description="the estimate is within the limit")
    waiting: int = Field(description="runs that wait or train")
    data: DataSet
    own: bool = Field(description="the server has images of its own")
    conventions: str


class AcceptedRun(Model):
    """It waits now, or trains."""

    id: str
    position: int = Field(description="runs before it")
    estimate_seconds: float


class ListedRun(Model):
    id: str
    created: str = Field(description="ISO 8601, UTC")
    state: State
    label: str
    summary: str
    query: str = Field(description="of the page")
    done: int = Field(description="steps of all arms and seeds")
    total: int
    seconds_left: float


class Runs(Model):
    trainings: list[ListedRun] = Field(description="the latest first")


class TrainedSeed(Model):
    """One arm from one start, at its end."""

    seed: int
    accuracy: float
    loss: float = Field(description="of the test images")
    confusion: list[list[int]] = Field(description="rows: true classes, columns: guessed ones")
    checkpoint: str = Field(description="of /api/checkpoints")


class RunArm(TrainedArm):
    seeds: list[TrainedSeed]
    accuracy_mean: float | None
    accuracy_low: float | None = Field(description="95 %, Student's t")
    accuracy_high: float | None


class Evaluation(Model):
    step: int
    accuracy: float
    loss: float
    seconds: float
    macs: int


class Curve(Model):
    """One seed of one arm. loss: the mean of the steps up to each of `steps`."""

    seed: int
    steps: list[int]
    loss: list[float]
    seconds: list[float]
    macs: list[int] = Field(description="spent so far, three forwards a training image")
    evaluations: list[Evaluation]


class Pair(Model):
    a: str
    b: str
    difference: float = Field(description="accuracy of a minus b")
    low: float
    high: float
    noise: bool = Field(description="0 lies between low and high")


class Verdict(Model):
    sentence: str
    pairs: list[Pair]
    confidence: float = Field(description="with which all intervals hold at once")
    seeds: int


class RunRecord(ListedRun):
    """Everything there is to say about a run."""

    arms: list[RunArm]
    reference: TrainedArm
    data: DataSet
    device: str
    estimate_seconds: float
    conventions: str
    history: dict[str, list[Curve]] = Field(description="by arm, a curve a seed")
    looks: list[dict[str, Any]] = Field(description="by arm, groups' energies, dead maps, ranks and blocks of late")
    looks_version: int
    verdict: Verdict | None
    error: dict[str, Any] | None
    stored: bool
    stored_reason: str | None
