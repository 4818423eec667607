"""What is to be trained, described by numbers alone."""

import math
from dataclasses import dataclass

from compute.errors import OutOfRange, SpecError, integer
from compute.grouping import MAX_BASE, MIN_BASE
from compute.maps import MAX_SEED
from compute.stack import MIXINGS

ARMS = ("standard", "uniform", "logarithmic", "depthwise")
HOLDS = ("params", "macs", "channels")
MIN_ARMS, MAX_ARMS, MAX_SEEDS, MAX_EPOCHS, MAX_MODULES, MAX_WIDTH, MAX_BATCH = 2, 4, 5, 100, 8, 256, 1024
WARM_UP = 0.1  # of the steps: the learning rate rises, then falls along a cosine to zero
BACKWARD = 3  # a training step counted in forwards: backward is two of them


@dataclass(frozen=True)
class DataShape:
    """What a network must know of the images it learns from. channels: of an image; side: height and width, in pixels;
    train, test: numbers of images."""

    channels: int
    side: int
    classes: int
    train: int
    test: int


@dataclass(frozen=True)
class TrainSpec:
    """Networks that differ in their grouping alone, trained on the same batches in the same order.

    width: channels of the standard arm, the reference. hold: what the other arms share with it; `channels` means the
    same width. mixing stands between modules, as in compute.stack.StackSpec; the depthwise arm always has the 1 x 1
    convolution. seeds: how many starts, from `seed` on. SGD with Nesterov's momentum; weight_decay on every parameter.
    Raises SpecError.
    """

    arms: tuple[str, ...] = ("standard", "uniform", "logarithmic")
    groups: int = 4
    base: int = 2
    width: int = 16
    hold: str = "params"
    modules: int = 3
    stage: int = 1
    residual: bool = True
    mixing: str = "none"
    seeds: int = 1
    seed: int = 0
    epochs: int = 3
    batch: int = 100
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 0.0005

    def __post_init__(self) -> None:
        self._check_arms()
        for field, choices in (("hold", HOLDS), ("mixing", MIXINGS)):
            if getattr(self, field) not in choices:
                rule = f"{field} must be one of {', '.join(choices)}, not {getattr(self, field)!r}"
                raise SpecError(rule, field, f"use {choices[0]}")
        for field, low, high in (
            ("groups", 1, MAX_WIDTH),
            ("base", MIN_BASE, MAX_BASE),
            ("width", 1, MAX_WIDTH),
            ("modules", 1, MAX_MODULES),
            ("stage", 1, MAX_MODULES),
            ("seeds", 1, MAX_SEEDS),
            ("seed", 0, MAX_SEED - MAX_SEEDS),
            ("epochs", 1, MAX_EPOCHS),
            ("batch", 2, MAX_BATCH),
        ):
            object.__setattr__(self, field, integer(field, getattr(self, field), low, high))
        if not 0 < self.learning_rate <= 10:  # NaN is refused too
            hint = "use 0.1, or 0.01 where it diverges"
            rule = f"learning_rate must be above 0 and at most 10, not {self.learning_rate:g}: at 0 nothing is learned"
            raise SpecError(rule, "learning_rate", hint)
        if not 0 <= self.momentum < 1:
            raise OutOfRange("momentum", f"{self.momentum:g}", 0, 1)
        if not 0 <= self.weight_decay <= 1:
            raise OutOfRange("weight_decay", f"{self.weight_decay:g}", 0, 1)

    def steps_per_epoch(self, data: DataShape) -> int:
        """Whole batches; the images left over wait for the next epoch's order. Raises SpecError."""
        if self.batch > data.train:
            rule = f"a batch of {self.batch} is more than the {data.train} images there are to train on"
            raise SpecError(rule, "batch", f"use {data.train} or fewer")
        return data.train // self.batch

    def steps(self, data: DataShape) -> int:
        """Of each arm and seed."""
        return self.epochs * self.steps_per_epoch(data)

    def evaluated(self, data: DataShape) -> tuple[int, ...]:
        """After which steps the test images are looked at: before the first, and after each epoch."""
        return tuple(range(0, self.steps(data) + 1, self.steps_per_epoch(data)))

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of step `step` (from 0) of `steps`."""
        warm = max(1, round(WARM_UP * steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    def _check_arms(self) -> None:
        for arm in self.arms:
            if arm not in ARMS:
                raise SpecError(
                    f"an arm must be one of {', '.join(ARMS)}, not {arm!r}", "arms", f"use {','.join(ARMS[:3])}"
                )
        if len(set(self.arms)) < len(self.arms):
            raise SpecError(f"each arm may be named once, not {','.join(self.arms)}", "arms", "leave out the second")
        if not MIN_ARMS <= len(self.arms) <= MAX_ARMS:
            rule = f"{MIN_ARMS} to {MAX_ARMS} arms are set beside each other, not {len(self.arms)}"
            raise SpecError(rule, "arms", f"use {','.join(ARMS[:3])}")
