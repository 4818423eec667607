"""What is asked for: its name, its place among what is kept, its estimate, and the refusals."""

from dataclasses import replace
from typing import Any

import pytest

from app.documents import Documents
from app.fields import BadField, Fields
from app.limits import TooMuchToMeasure, check_measurement
from app.measureparams import MEASURE, measure_parameters
from app.measureplans import (
    NETWORK,
    Asked,
    Standing,
    TooLong,
    asked_layer,
    asked_network,
    check_dtype,
    check_length,
    standing,
    summary_of,
)
from app.query import Query
from app.settings import Settings
from app.subjects import Subjects
from compute.errors import SpecError
from compute.measure import ASSUMED_GFLOPS, MeasureSpec, NetworkMeasureSpec
from compute.network import read

SETTINGS = Settings()
QUERY = Query(measure_parameters(SETTINGS), MEASURE, 10_000, by_scheme=True)


def layer(query: str) -> Asked:
    return asked_layer(QUERY.table, QUERY.parse(query.encode()))


def network(**body: Any) -> Asked:
    return asked_network(Fields(body, "a network to measure", NETWORK), Subjects(Documents(SETTINGS)))


def test_the_query_that_is_kept_asks_for_the_same() -> None:
    for query in (
        "", "scheme=custom&sizes=32x32,32x32&backward=true", "scheme=depthwise&groups=7&kernel_size=3,1&padding=1,0",
        "bias=false&batch=8&dtype=float64&memory_format=channels_last&rounds=9&kind=sweep&base=3",
    ):  # fmt: skip
        asked = layer(query)
        again = layer(f"{asked.told['query']}&kind={asked.kind}")
        assert (again.spec, again.layer, again.told) == (asked.spec, asked.layer, asked.told)


@pytest.mark.parametrize(
    "same, other",
    [
        ("", "rounds=31"),
        ("", "kind=sweep"),
        ("scheme=standard&groups=3", "scheme=standard&groups=7&base=5"),
        ("scheme=uniform&groups=4&base=2", "scheme=uniform&groups=4&base=3"),
        ("scheme=uniform&groups=4", "scheme=uniform&groups=4&sizes=1x1"),
    ],
)
def test_what_does_not_matter_does_not_part_measurements(same: str, other: str) -> None:
    assert layer(same).layer == layer(other).layer


@pytest.mark.parametrize(
    "query", ["batch=2", "dtype=float64", "memory_format=channels_last", "backward=true", "base=3"]
)
def test_what_matters_parts_them(query: str) -> None:
    assert layer("").layer != layer(query).layer


def test_a_layer_is_called_by_what_is_special_about_it() -> None:
    assert layer("").label == "64 channels, 3 × 3, on 56 × 56, logarithmic n = 4"
    assert (
        layer(
            "out_channels=128&scheme=depthwise&batch=2&dtype=bfloat16&memory_format=channels_last&backward=true"
        ).label
        == "64 → 128 channels, 3 × 3, on 56 × 56, depthwise, batch 2, bfloat16, channels last, forward and backward"
    )


def test_convolutions_of_one_shape_are_measured_once() -> None:
    asked = network(network="resnet-50", policy={"kind": "uniform", "groups": 4}, batch=2)
    assert isinstance(asked.spec, NetworkMeasureSpec)
    network_of = read({"layers": [{"kind": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1}] * 2})
    assert len(list(network_of.convolutions())) == 2
    layers = asked.spec.layers
    assert sum(layer.count for layer in layers) == 53
    assert len({(layer.original, layer.variant) for layer in layers}) == len(layers) < 30
    assert all(layer.original.grouping.groups == 1 for layer in layers)
    assert {layer.variant.grouping.groups for layer in layers} == {1, 4}
    assert asked.label == "ResNet-50, uniform, batch 2"
    assert asked.told == {"subject": {"network": "resnet-50", "policy": {"kind": "uniform", "groups": 4}, "batch": 2}}
    assert asked.layer == network(network="resnet-50", policy={"kind": "uniform", "groups": 4}, batch=2, rounds=9).layer
    assert asked.layer != network(network="resnet-50", policy={"kind": "uniform", "groups": 2}, batch=2).layer


def test_a_document_is_not_kept_with_its_measurement() -> None:
    document = {"name": "mine", "layers": [{"kind": "Conv2d", "out_channels": 4, "kernel_size": 3}]}
    asked = network(network=document, rounds=5)
    assert asked.told == {"subject": {"network": "mine", "rounds": 5}}
    with pytest.raises(BadField, match="backward must be true or false, not 'yes'"):
        network(network=document, backward="yes")


def test_an_estimate_that_is_too_long_names_the_rounds_that_fit() -> None:
    spec = layer("rounds=101").spec
    slow = Standing(1.0, True)
    with pytest.raises(TooLong) as refused:
        check_length(spec, slow, Settings(max_measure_seconds=60))
    assert refused.value.field == "rounds"
    assert "a measurement may take at most 60 s" in refused.value.message
    assert refused.value.hint
    fits = int(refused.value.hint.split("use at most ")[1].split()[0])
    assert slow.seconds(replace(spec, rounds=fits)) <= 60 < slow.seconds(replace(spec, rounds=fits + 1))
    with pytest.raises(TooLong) as refused:
        check_length(spec, slow, Settings(max_measure_seconds=1))
    assert refused.value.hint == "even 5 rounds are too many: a smaller layer or batch"
    assert check_length(spec, Standing(1000.0, True), SETTINGS) < 60


def test_what_is_supposed_is_said_to_be() -> None:
    cpu = {"device": "cpu", "threads": 3}
    assert standing(cpu, None) == Standing(3 * ASSUMED_GFLOPS, False)
    assert standing(cpu, {"conv_gflops": 123.0}) == Standing(123.0, True)
    assert standing({"device": "cuda", "threads": 3}, None).gflops > standing(cpu, None).gflops


def test_types_that_the_device_lacks_are_refused() -> None:
    with pytest.raises(SpecError, match="float64 does not run on this device; use float32 or float16"):
        check_dtype("float64", ["float32", "float16"])
    check_dtype("float32", ["float32"])


@pytest.mark.parametrize(
    "query, settings, field, what",
    [
        ("batch=256&height=112&width=112", {}, "batch", "elements of its input may"),
        ("batch=4&height=512&width=512", {"max_macs": 10**9}, "batch", "multiply-accumulates"),
        ("height=512&width=512&backward=true", {"max_macs": 10**10}, "batch", "multiply-accumulates"),
        ("in_channels=2048&out_channels=2048&kernel_size=9&padding=4&height=4&width=4", {}, "kernel_size", "weights"),
    ],
)
def test_one_pass_needs_no_more_than_the_settings_allow(
    query: str, settings: dict[str, Any], field: str, what: str
) -> None:
    spec = layer(query).spec
    with pytest.raises(TooMuchToMeasure) as refused:
        check_measurement(spec, Settings(**settings))
    assert refused.value.field == field
    assert what.removesuffix(" may") in refused.value.message
    check_measurement(layer("").spec, SETTINGS)


def test_a_summary_falls_back_where_the_split_ran_under_another_name() -> None:
    asked = layer("groups=2")
    assert isinstance(asked.spec, MeasureSpec)
    assert "logarithmic" in asked.spec.legal_arms()[1], "the same as uniform"
    assert summary_of(asked, {"rows": [], "ranking": {"sentence": "all alike"}}) == "all alike"
