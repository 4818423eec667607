"""Real measurements of small layers: complete, honest about disturbances, and without a trace in torch's settings."""

import json
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from compute.errors import SpecError
from compute.grouping import Grouping
from compute.measure import MeasureSpec, NetworkLayer, NetworkMeasureSpec
from compute.measurerun import Measurer
from compute.measurerun.layers import arm_of, peak_bytes
from compute.measurerun.rotation import rotated
from compute.spec import ConvSpec

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
LAYER = ConvSpec(Grouping.logarithmic(32, 32, 3), height=20, width=20)
TOP = {
    "peak_gflops": 200.0, "memory_bytes_per_second": 20e9, "cache_bytes_per_second": 60e9, "cache_size_bytes": 8 << 20,
    "narrow": [{"width": 1, "gflops": 10.0}, {"width": 64, "gflops": 200.0}], "call_seconds": 5e-6, "trusted": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def measurer() -> Measurer:
    return Measurer("cpu")


def finished(
    measurer: Measurer, spec: Any, disturb: int = -1, known: Any = TOP
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The result and all events; the step `disturb` is told that something else ran."""
    steps, events = measurer.begin(spec, known), []
    try:
        events.append(next(steps))
        while True:
            events.append(steps.send(len(events) == disturb))
    except StopIteration as stop:
        return stop.value, events


def test_a_layer_beside_its_groupings(measurer: Measurer) -> None:
    result, events = finished(measurer, MeasureSpec(LAYER, rounds=7))
    json.dumps(result, allow_nan=False)
    assert [(row["arm"], row["how"]) for row in result["rows"]] == [
        (arm, how)
        for arm in ("standard", "uniform", "logarithmic", "depthwise")
        for how in ("plain", "best")
        if arm != "uniform"
    ]
    assert "32 % 3" in result["skipped"]["uniform"]
    for row in result["rows"]:
        grouping = Grouping.of(row["arm"], 32, 32, row["groups"])
        counted = FlopCounterMode(display=False)
        with counted:
            for a, b in grouping.sizes:
                nn.Conv2d(a, b, 3, padding=1)(torch.zeros(1, a, 20, 20))
        assert row["flops"] == counted.get_total_flops()
        assert row["promised"] == 32 * 32 / grouping.connections
        assert len(row["samples"]) == 7
        assert row["min"] <= row["q1"] <= row["median"] <= row["q3"]
        assert row["gflops"] == pytest.approx(row["flops"] / row["median"] / 1e9)
        assert row["images_per_second"] == pytest.approx(1 / row["median"])
        assert row["intensity"] == pytest.approx(row["flops"] / (4 * (2 * 32 * 400 + 9 * grouping.connections)))
        assert row["measured_low"] <= row["measured"] <= row["measured_high"]
        assert row["peak_bytes"] >= 4 * 32 * 400, "the output at least"
        assert row["bound"]["sentence"].endswith(".")
    plain = {row["arm"]: row for row in result["rows"] if row["how"] == "plain"}
    assert [plain[arm]["strategy"] for arm in ("standard", "logarithmic", "depthwise")] == ["native", "loop", "native"]
    ranked = [entry for place in result["ranking"]["places"] for entry in place]
    assert len(ranked) == len(result["rows"])
    assert result["conditions"]["threads"] == torch.get_num_threads()
    assert result["conditions"]["torch"] == str(torch.__version__)
    assert events[-1]["done"] <= events[-1]["total"]
    assert all(event["seconds_left"] >= 0 for event in events)


def test_a_disturbed_round_is_run_again(measurer: Measurer) -> None:
    trials = {"a": lambda: torch.ones(100).sum(), "b": lambda: torch.ones(200).sum()}

    def run(disturbed: set[int]) -> tuple[int, Any]:
        steps, count = rotated(trials, "a", CPU, 5), 0
        try:
            next(steps)
            while True:
                count += 1
                steps.send(count in disturbed)
        except StopIteration as stop:
            return count, stop.value

    count, rounds = run(set(range(7, 13)))  # the first three of a second round and of a third
    assert rounds.discarded >= 2
    assert len(rounds.samples["a"]) == len(rounds.samples["b"]) == len(rounds.again) == 5
    assert count >= 2 + 3 * 5 + rounds.discarded
    _, always = run(set(range(1000)))
    assert len(always.again) == 5, "it ends, and says what it is worth"
    assert always.discarded == 10


def test_the_same_layer_twice_is_a_tie(measurer: Measurer) -> None:
    from compute.measure import places

    arm = arm_of(LAYER, MeasureSpec(LAYER), CPU)
    trial = arm.trial(arm.plain())
    steps = rotated({"a": trial, "b": trial, "c": trial}, "a", CPU, 15)
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        rounds = stop.value
    assert len(places(rounds.samples, abs(rounds.control - 1))) == 1


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(
    "grouping", [Grouping.logarithmic(32, 32, 3), Grouping.uniform(32, 32, 4), Grouping.standard(32, 32)]
)
def test_a_waterfall_has_every_step_or_says_why_not(measurer: Measurer, grouping: Grouping, backward: bool) -> None:
    conv = ConvSpec(grouping, height=12, width=12)
    result, _ = finished(measurer, MeasureSpec(conv, "waterfall", rounds=5, backward=backward))
    json.dumps(result, allow_nan=False)
    assert [step["name"] for step in result["steps"]] == [
        "promise",
        "loop",
        "layout",
        "prepack",
        "fewer-calls",
        "no-cat",
    ]
    promise, loop, layout, *_ = result["steps"]
    assert promise["factor"] == result["promised"] == 32 * 32 / grouping.connections
    assert layout["median"] <= loop["median"], "the faster of the two formats"
    for step in result["steps"]:
        assert step["available"] or step["reason"]
        assert not step["available"] or step["factor"] > 0
    missing = {step["name"] for step in result["steps"] if not step["available"]}
    assert ("prepack" in missing) >= backward
    assert ("no-cat" in missing) == grouping.equal


def test_a_sweep_has_every_legal_number(measurer: Measurer) -> None:
    result, _ = finished(
        measurer, MeasureSpec(ConvSpec(Grouping.uniform(8, 16, 2), height=9, width=9), "sweep", rounds=5)
    )
    json.dumps(result, allow_nan=False)
    assert [(row["scheme"], row["groups"]) for row in result["rows"]] == [
        *(("uniform", n) for n in (1, 2, 4, 8)), *(("logarithmic", n) for n in (1, 2, 3, 4)),
    ]  # fmt: skip
    for scheme in ("uniform", "logarithmic"):
        first, *rest = [row for row in result["rows"] if row["scheme"] == scheme]
        assert first["counted"] == pytest.approx(first["median"])
        assert all(row["counted"] == pytest.approx(first["median"] * row["macs"] / first["macs"]) for row in rest)


def test_groups_side_by_side_and_what_they_could_gain(measurer: Measurer) -> None:
    torch.set_num_threads(2)
    try:
        spec = MeasureSpec(ConvSpec(Grouping.logarithmic(64, 64, 4), height=8, width=8), "parallel", rounds=5)
        result, _ = finished(measurer, spec)
        assert torch.get_num_threads() == 2
        assert result["ideal"] == pytest.approx(1.375)
        rows = {row["how"]: row for row in result["rows"]}
        assert rows["threads"]["available"]
        assert sum(rows["threads"]["bytes_per_worker"]) == rows["one after another"]["bytes_per_worker"][0]
        assert len(rows["threads"]["bytes_per_worker"]) == 2
        assert not rows["devices"]["available"]
        assert rows["devices"]["reason"]
        assert "1.375" in result["sentence"]
        steps = measurer.begin(spec)
        for _ in range(4):
            next(steps)
        steps.close()
        assert torch.get_num_threads() == 2, "cancelled in the middle"
    finally:
        torch.set_num_threads(1)


def test_a_network_layer_by_layer(measurer: Measurer) -> None:
    standard = ConvSpec(Grouping.standard(16, 16), height=10, width=10)
    grouped = ConvSpec(Grouping.uniform(16, 16, 4), height=10, width=10)
    spec = NetworkMeasureSpec(
        (NetworkLayer("conv1", 3, standard, grouped), NetworkLayer("conv2", 1, standard, standard)), rounds=5
    )
    result, _ = finished(measurer, spec)
    json.dumps(result, allow_nan=False)
    first, second = result["rows"]
    assert (first["name"], first["count"], first["promised"]) == ("conv1", 3, 4.0)
    assert (second["promised"], second["measured"]) == (1.0, 1.0)
    total = result["total"]
    assert total["original"]["median"] == pytest.approx(3 * first["original"]["median"] + second["original"]["median"])
    assert total["promised"] == pytest.approx((3 + 1) / (3 / 4 + 1))
    assert total["measured"] == pytest.approx(total["original"]["median"] / total["variant"]["median"])


def test_ceilings_are_ordered_and_say_whether_they_hold(measurer: Measurer) -> None:
    result, events = finished(measurer, MeasureSpec(LAYER, "ceilings"), known=None)
    json.dumps(result, allow_nan=False)
    assert result["peak_gflops"] == max(result["matmul_gflops"], result["conv_gflops"])
    assert result["cache_bytes_per_second"] >= result["memory_bytes_per_second"] > 1e8
    assert [point["width"] for point in result["narrow"]] == [1, 2, 4, 8, 16, 32, 64, 128]
    assert all(0 < point["gflops"] <= result["peak_gflops"] for point in result["narrow"])
    assert 0 < result["call_seconds"] < 0.01
    assert result["control"]["trusted"] == result["trusted"]
    assert ("busy" in result["sentence"]) == (not result["trusted"])
    assert len({event["done"] for event in events}) == len(events), "a step a block"


def test_peak_bytes_of_what_is_known() -> None:
    x = torch.ones(1000)
    assert peak_bytes(lambda: x.neg(), CPU) == 4000
    assert peak_bytes(lambda: x.neg() + x.abs(), CPU) == 12000
    assert 4000 <= (peak_bytes(lambda: (x.neg().sum(), x.abs().sum()), CPU) or 0) <= 4100, "freed before the second"


def test_what_the_device_does_not_run_is_refused(measurer: Measurer) -> None:
    assert "float32" in measurer.dtypes()
    assert set(measurer.dtypes()) <= {"float32", "bfloat16", "float16", "float64"}
    measurer._dtypes, before = ["float32"], measurer._dtypes
    try:
        with pytest.raises(SpecError, match="bfloat16 does not run on cpu") as refused:
            next(measurer.begin(MeasureSpec(LAYER, dtype="bfloat16")))
        assert refused.value.field == "dtype"
    finally:
        measurer._dtypes = before


def test_a_cancelled_measurement_leaves_torch_as_it_was() -> None:
    measurer = Measurer("cpu")
    state = torch.random.get_rng_state()
    before = torch.is_grad_enabled(), torch.get_num_threads()
    for backward in (False, True):
        steps = measurer.begin(MeasureSpec(LAYER, rounds=5, backward=backward), TOP)
        for _ in range(9):
            next(steps)
            assert (torch.is_grad_enabled(), torch.get_num_threads()) == before, "between two steps too"
        steps.close()
    assert torch.equal(torch.random.get_rng_state(), state)
