"""One network that learns: its optimiser, its order of images, what it remembers of the way."""

import math
import time
from collections.abc import Generator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from compute.errors import SpecError
from compute.training import Arm, DataShape, TrainSpec
from compute.training.spec import BACKWARD
from compute.trainrun.network import GroupedNetwork
from compute.trainrun.pixels import Pixels

POINTS = 200  # of a loss curve: the mean loss of so many equal stretches of steps


class Diverged(SpecError):
    """The loss is no finite number any more."""

    code = "diverged"

    def __init__(self, arm: str, step: int, rate: float) -> None:
        hint = f"lower learning_rate, to {rate / 10:g} say"
        super().__init__(f"the loss of {arm} is no finite number after step {step}", "learning_rate", hint)


class Learner:
    """An arm from one seed. Everything that it will do follows from spec, seed and `state()`."""

    def __init__(
        self, arm: Arm, seed: int, spec: TrainSpec, data: DataShape, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.arm, self.seed, self._spec, self._device = arm, seed, spec, device
        self.steps, self._per_epoch = spec.steps(data), spec.steps_per_epoch(data)
        self._macs = BACKWARD * arm.macs * spec.batch
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = GroupedNetwork(arm.stack, data.channels, data.classes).to(device, dtype)
        self._optimiser = torch.optim.SGD(
            self.network.parameters(),
            lr=spec.learning_rate,
            momentum=spec.momentum,
            weight_decay=spec.weight_decay,
            nesterov=spec.momentum > 0,
        )
        self.step, self.loss = 0, math.nan
        self.seconds = 0.0  # of training steps alone
        self._every = max(1, math.ceil(self.steps / POINTS))
        self._stretch: list[float] = []
        self.curve: dict[str, list[Any]] = {"steps": [], "loss": [], "seconds": []}
        self.evaluations: list[dict[str, Any]] = []

    @property
    def macs(self) -> int:
        """Spent so far: forward and, as two forwards, backward, of every image seen."""
        return self.step * self._macs

    def learn(self, pixels: Pixels, order: Tensor) -> Generator[None]:
        """The next step; stops halfway, between forward and backward, for whoever wants the device. order: of the
        epoch's images. Raises Diverged."""
        began = time.perf_counter()
        rate = self._spec.rate(self.step, self.steps)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        at = self.step % self._per_epoch * self._spec.batch
        x, y = pixels.train(order[at : at + self._spec.batch])
        self.network.train()
        self._optimiser.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.network(x), y)
        found, halfway = loss.item(), time.perf_counter()
        if not math.isfinite(found):  # before it is noted or learned from
            raise Diverged(self.arm.label, self.step, self._spec.learning_rate)
        self.loss = found
        try:
            yield
        finally:  # whoever stops here stops after the step: forward has moved BatchNorm's statistics already
            began += time.perf_counter() - halfway
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            self.step += 1
            self.seconds += time.perf_counter() - began
            self._note()

    def _note(self) -> None:
        self._stretch.append(self.loss)
        if len(self._stretch) == self._every or self.step == self.steps:
            self.curve["steps"].append(self.step)
            self.curve["loss"].append(sum(self._stretch) / len(self._stretch))
            self.curve["seconds"].append(self.seconds)
            self._stretch = []

    @torch.no_grad()
    def guesses(self, x: Tensor) -> Tensor:
        """(N, classes), in evaluation mode."""
        self.network.eval()
        return self.network(x)  # type: ignore[no-any-return]

    def tensors(self) -> dict[str, Tensor]:
        """Weights, BatchNorm's statistics and momentum, by name; the live ones."""
        found = dict(self.network.state_dict())
        for name, parameter in self.network.named_parameters():
            momentum = self._optimiser.state.get(parameter, {}).get("momentum_buffer")
            if momentum is not None:
                found[f"momentum.{name}"] = momentum
        return found

    def state(self) -> dict[str, Any]:
        """The rest of it, as JSON."""
        facts = {"step": self.step, "loss": self.loss if self.step else None, "seconds": self.seconds}
        return {**facts, "stretch": self._stretch, "curve": self.curve, "evaluations": self.evaluations}

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        names = {name for name, _ in self.network.named_parameters()}
        self.network.load_state_dict({n: t for n, t in tensors.items() if not n.startswith("momentum.")})
        for name, parameter in self.network.named_parameters():
            if (momentum := tensors.get(f"momentum.{name}")) is not None and name in names:
                self._optimiser.state[parameter]["momentum_buffer"] = momentum.to(parameter)
        self.step, self.seconds = state["step"], state["seconds"]
        self.loss = math.nan if state["loss"] is None else state["loss"]
        self._stretch, self.curve, self.evaluations = state["stretch"], state["curve"], state["evaluations"]

    def history(self) -> dict[str, Any]:
        """What the curves are drawn from."""
        macs = [step * self._macs for step in self.curve["steps"]]
        return {"seed": self.seed, **self.curve, "macs": macs, "evaluations": self.evaluations}


def order_of(seed: int, epoch: int, images: int) -> Tensor:
    """In which the images of an epoch are seen, the same for every arm."""
    return torch.randperm(images, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
