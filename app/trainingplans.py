"""From values to what is to be trained, and what can be said of it before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import ApiError
from app.params import Table
from app.settings import Settings
from app.trainingparams import NUMBERS, TRAINING
from compute.errors import SpecError
from compute.measure import sizes_text
from compute.training import Arm, DataShape, TrainSpec, arms_of, reference_of

TEST_SHARE = 1 / 3  # of a training step, for as many images
MARGIN = 1.25  # for looks, files, and whoever asks in between
MAX_STEP_SECONDS = 2.0  # somebody who moves a slider meanwhile waits for a step
CONVENTIONS = (
    "params: all that is learned, scale and shift of BatchNorm included; MACs: of convolutions and the linear layer,"
    " one image forward; MACs spent: three forwards a training image, since backward costs two. Accuracy: share of the"
    " test images, which are never trained on."
)


class RunTooLong(ApiError):
    code = "too_long"

    def __init__(self, seconds: float, limit: float, epochs: int) -> None:
        rule = f"this run would take about {seconds:,.0f} s on this device, and the limit is {limit:,.0f} s"
        super().__init__(
            rule, "epochs", f"use {epochs} epochs or fewer" if epochs else "use a smaller width or fewer modules"
        )


@dataclass(frozen=True)
class AskedRun:
    """spec: what is trained; own: on the server's own images; query, label: as the page and a person call it."""

    spec: TrainSpec
    own: bool
    query: str


def asked_run(table: Table, values: Mapping[str, Any]) -> AskedRun:
    """Raises SpecError."""
    spec = TrainSpec(**{name: values[name] for name in NUMBERS})
    query = "&".join(f"{name}={table[name].write(values[name])}" for name in TRAINING)
    return AskedRun(spec, values["data"] == "own", query)


def shape_of(data: Mapping[str, Any]) -> DataShape:
    """data: of Engine.data(). Raises SpecError."""
    height, width = data["side"]
    if height != width:
        hint = "cut them to squares of one size"
        raise SpecError(f"images must be square to be trained on, and these are {height} × {width}", "data", hint)
    return DataShape(data["channels"], height, len(data["classes"]), data["train"], data["test"])


def label_of(spec: TrainSpec, data: Mapping[str, Any], arms: tuple[Arm, ...]) -> str:
    names = ", ".join(arm.label for arm in arms)
    equal = f"{spec.width} channels each" if spec.hold == "channels" else f"equal {_word(spec.hold)}"
    return f"{data['name']}: {names}, {equal}"


def run_seconds(spec: TrainSpec, data: DataShape, steps: Mapping[str, float], epochs: int | None = None) -> float:
    """steps: seconds of one step of each arm."""
    epochs = spec.epochs if epochs is None else epochs
    training = epochs * spec.steps_per_epoch(data)
    testing = (epochs + 1) * TEST_SHARE * data.test / spec.batch
    return MARGIN * spec.seeds * sum(seconds * (training + testing) for seconds in steps.values())


def check_run(spec: TrainSpec, data: DataShape, steps: Mapping[str, float], settings: Settings) -> float:
    """The estimate in seconds. Raises RunTooLong, SpecError."""
    slowest = max(steps, key=lambda arm: steps[arm])
    if steps[slowest] > MAX_STEP_SECONDS:
        rule = f"one step of the {slowest} arm takes {steps[slowest]:.1f} s here, and may take {MAX_STEP_SECONDS:g} s"
        raise SpecError(rule, "batch", f"use a batch of {max(2, int(spec.batch * MAX_STEP_SECONDS / steps[slowest]))}")
    seconds, limit = run_seconds(spec, data, steps), settings.max_train_seconds
    if seconds > limit:
        fits = [n for n in range(1, spec.epochs) if run_seconds(spec, data, steps, n) <= limit]
        raise RunTooLong(seconds, limit, fits[-1] if fits else 0)
    return seconds


def described_arms(spec: TrainSpec, data: DataShape) -> dict[str, Any]:
    """{"arms", "reference"}. Raises SpecError."""
    reference = reference_of(spec, data)
    return {
        "arms": [_described(arm, reference) for arm in arms_of(spec, data)],
        "reference": _described(reference, reference),
    }


def _described(arm: Arm, reference: Arm) -> dict[str, Any]:
    return {
        "arm": arm.name,
        "label": arm.label,
        "channels": arm.stack.channels,
        "groups": arm.grouping.groups,
        "sizes": sizes_text(arm.grouping),
        "params": arm.params,
        "macs": arm.macs,
        "params_ratio": arm.params / reference.params,
        "macs_ratio": arm.macs / reference.macs,
    }


def _word(hold: str) -> str:
    return {"macs": "MACs"}.get(hold, hold)
