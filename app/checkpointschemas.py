"""What the API answers about trained networks, as models: for OpenAPI and for the tests."""

from typing import Literal

from pydantic import Field

from app.schemas import Model, Scheme


class TrainingData(Model):
    """What a network was trained on; null where its file does not say."""

    id: str | None
    name: str | None
    credit: str | None
    classes: list[str]
    channels: Literal[1, 3] = Field(description="of its pictures: grey or colour")
    side: list[int] | None = Field(description="[height, width] of its pictures in pixels")
    mean: list[float] = Field(
        description="of pixel values from 0 to 1, one a channel; what a picture is standardised by"
    )
    std: list[float]
    named: bool = Field(description="the file names mean and std itself; else ImageNet's are taken")
    train: int | None = Field(description="training images")
    test: int | None = Field(description="test images, never trained on")


class TrainedStack(Model):
    """The stack that was trained."""

    in_channels: int
    scheme: Scheme
    groups: int
    base: int | None
    sizes: list[list[int]] | None
    modules: int
    residual: bool
    mixing: Literal["none", "shuffle", "pointwise", "rotated"]
    downsample: Literal["none", "average", "max"]
    stage: int
    kernel_size: list[int]


class CheckpointEntry(Model):
    """A trained network that can be looked through."""

    id: str
    origin: Literal["shipped", "run", "upload"]
    name: str
    data: TrainingData
    stack: TrainedStack
    arm: str | None
    seed: int | None
    epochs: int | None
    accuracy: float | None = Field(description="share of the test images")
    params: int | None
    macs: int | None
    date: str | None
    torch: str | None
    query: str = Field(description="parameters of a stack that show the network as trained")
    layer_query: str = Field(description="parameters of a layer that is its first module's convolution")
    sentence: str = Field(description="data, accuracy, date")


class CheckpointList(Model):
    checkpoints: list[CheckpointEntry]


class TensorShape(Model):
    name: str
    shape: list[int | str] = Field(description="a word where the number is the file's")
    optional: bool


class CheckpointLayout(Model):
    """What a file for a stack must hold."""

    tensors: list[TensorShape]
    dtypes: list[str]
