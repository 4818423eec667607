"""What is to be trained, as numbers: held against modules of torch, its counter of FLOPs, and tables of Student's t."""

import random
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from compute.errors import SpecError
from compute.training import ARMS, DataShape, TrainSpec, arms_of, mean_interval, reference_of, verdict
from compute.training.verdict import t_quantile
from compute.trainrun.network import GroupedNetwork

GREY, COLOUR = DataShape(1, 28, 10, 10_000, 2_000), DataShape(3, 32, 7, 500, 100)
THREE = "use standard,uniform,logarithmic"
RATE = (
    "learning_rate must be above 0 and at most 10, not {}: at 0 nothing is learned; use 0.1, or 0.01 where it diverges"
)
SPECS = [
    (TrainSpec(arms=ARMS), GREY),
    (TrainSpec(arms=ARMS, hold="macs", mixing="shuffle", modules=4, stage=2), COLOUR),
    (TrainSpec(arms=ARMS, hold="channels", width=12, mixing="pointwise", residual=False), COLOUR),
    (TrainSpec(arms=ARMS, groups=3, base=3, width=20, mixing="rotated", modules=2, stage=2), GREY),
]


@pytest.mark.parametrize(("spec", "data"), SPECS, ids=lambda x: getattr(x, "hold", ""))
def test_bills_are_those_of_the_modules_that_train(spec: TrainSpec, data: DataShape) -> None:
    for arm in arms_of(spec, data):
        network = GroupedNetwork(arm.stack, data.channels, data.classes)
        assert arm.params == sum(parameter.numel() for parameter in network.parameters())
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(2, data.channels, data.side, data.side))
        assert 2 * 2 * arm.macs == counter.get_total_flops()


@pytest.mark.parametrize("hold", ["params", "macs"])
def test_no_other_width_comes_nearer(hold: str) -> None:
    spec = TrainSpec(arms=ARMS, hold=hold, width=24)
    target = getattr(reference_of(spec, GREY), hold)
    for arm in arms_of(spec, GREY):
        found = abs(getattr(arm, hold) - target)
        for width in range(8, 160, 4 if arm.name == "uniform" else 1):
            beside = "depthwise" if arm.name != "depthwise" else "standard"
            alone = replace(spec, arms=(arm.name, beside), hold="channels", width=width)
            assert abs(getattr(arms_of(alone, GREY)[0], hold) - target) >= found


def test_channels_held_are_the_same_for_all() -> None:
    assert {arm.stack.channels for arm in arms_of(TrainSpec(arms=ARMS, hold="channels"), GREY)} == {16}


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"arms": ("standard",)}, "arms", f"2 to 4 arms are set beside each other, not 1; {THREE}"),
        (
            {"arms": ("standard", "standard")},
            "arms",
            "each arm may be named once, not standard,standard; leave out the second",
        ),
        ({"arms": ("standard", "wide")}, "arms", f"an arm must be one of {', '.join(ARMS)}, not 'wide'; {THREE}"),
        ({"learning_rate": 0.0}, "learning_rate", RATE.format(0)),
        ({"learning_rate": float("nan")}, "learning_rate", RATE.format("nan")),
        ({"momentum": 1.0}, "momentum", "momentum must be from 0 to 1, not 1; use 0 to 1"),
        ({"seeds": 6}, "seeds", "seeds must be from 1 to 5, not 6; use 1 to 5"),
        ({"epochs": 0}, "epochs", "epochs must be from 1 to 100, not 0; use 1 to 100"),
        ({"hold": "time"}, "hold", "hold must be one of params, macs, channels, not 'time'; use params"),
        (
            {"mixing": "stirred"},
            "mixing",
            "mixing must be one of none, shuffle, pointwise, rotated, not 'stirred'; use none",
        ),
    ],
)
def test_refused(given: dict[str, object], field: str, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        TrainSpec(**given)  # type: ignore[arg-type]
    assert (refused.value.field, str(refused.value)) == (field, message)


@pytest.mark.parametrize(
    ("given", "data", "field"),
    [
        ({"width": 8, "modules": 1}, GREY, "width"),  # no uniform width comes near
        ({"groups": 17, "hold": "channels"}, GREY, "groups"),
        ({"batch": 501}, COLOUR, "batch"),
        ({"modules": 8, "stage": 1}, GREY, "stage"),  # 28 halved seven times
        ({"width": 3, "hold": "channels", "groups": 1, "mixing": "rotated"}, GREY, "width"),
    ],
)
def test_refused_for_these_images(given: dict[str, object], data: DataShape, field: str) -> None:
    spec = TrainSpec(**given)  # type: ignore[arg-type]
    with pytest.raises(SpecError) as refused:
        (arms_of(spec, data), spec.steps(data))
    assert refused.value.field == field


def test_learning_rate_rises_then_falls_to_nothing() -> None:
    rates = [TrainSpec(learning_rate=0.4).rate(step, 100) for step in range(100)]
    assert rates[:10] == pytest.approx([0.04 * (i + 1) for i in range(10)])
    assert rates[10] == 0.4
    assert rates[55] == pytest.approx(0.2)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.001


def test_steps_are_whole_batches_and_each_epoch_is_tested() -> None:
    spec = TrainSpec(epochs=2, batch=64)
    assert (spec.steps(COLOUR), spec.evaluated(COLOUR)) == (14, (0, 7, 14))


@pytest.mark.parametrize(
    ("freedom", "published"), [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042), (120, 1.980)]
)
def test_t_is_that_of_the_tables(freedom: int, published: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(published, abs=6e-4)


def test_interval_of_a_mean() -> None:
    assert mean_interval([0.8, 0.82, 0.84]) == pytest.approx((0.82, 0.82 - 4.3027 * 0.02 / 3**0.5, 0.8697), abs=1e-4)
    assert mean_interval([0.8]) == (0.8, 0.8, 0.8)


def test_noise_is_rarely_taken_for_a_difference() -> None:
    """Three arms that are the same: all three intervals hold at once in 95 of 100 cases."""
    chance, wrong = random.Random(1), 0
    for _ in range(1000):
        accuracies = {arm: [chance.gauss(0.85, 0.01) for _ in range(4)] for arm in ARMS[:3]}
        wrong += not all(pair["noise"] for pair in verdict(accuracies, {}, 2000)["pairs"])
    assert wrong < 65  # 50 expected at most; 65 is two deviations more


def test_a_difference_is_told_with_its_interval() -> None:
    accuracies = {"standard": [0.80, 0.81, 0.80], "uniform": [0.70, 0.71, 0.70]}
    told = verdict(accuracies, {}, 2000)
    assert told["pairs"][0]["difference"] == pytest.approx(0.1)
    assert told["sentence"] == "With 3 seeds: standard is ahead of uniform by 10.0 to 10.0 points."


def test_one_seed_knows_the_images_only() -> None:
    """200 images apart of 2,000: 0.1 +- 1.96 sqrt(300 - 200^2/2000)/2000."""
    told = verdict({"standard": [0.8], "uniform": [0.7]}, {("standard", "uniform"): (250, 50)}, 2000)
    half = 1.96 * (300 - 200**2 / 2000) ** 0.5 / 2000 + 0.5 / 2000
    found = told["pairs"][0]
    assert (found["low"], found["high"]) == pytest.approx((0.1 - half, 0.1 + half), abs=1e-5)
    assert told["sentence"].endswith("; another seed may turn it round.")
    same = verdict({"standard": [0.8], "uniform": [0.799]}, {("standard", "uniform"): (100, 98)}, 2000)
    assert same["sentence"] == (
        "With one seed and 2,000 test images, no difference between the arms exceeds the noise: train more seeds to see"
        " smaller ones."
    )
