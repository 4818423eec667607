"""Counts against things that were not written here: torch's modules and counter, fvcore, plain loops, papers."""

import json
import warnings
from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from compute import ConvSpec, GroupedConv2d, Grouping, SpecError, describe_layer, legal_groups
from compute.counts import count_layer
from tests.compute.oracle import grouped_conv2d
from tests.golden.make import golden_layers, golden_legal, spec_of

GOLDEN = Path(__file__).parents[1] / "golden"
LAYERS = json.loads((GOLDEN / "layers.json").read_text())


def layer_of(spec: ConvSpec, device: str = "meta") -> GroupedConv2d:
    grouping = spec.grouping
    return GroupedConv2d(
        *(grouping.in_channels, grouping.out_channels, spec.kernel_size, grouping),
        **{name: getattr(spec, name) for name in ("stride", "padding", "dilation", "bias")},
        device=device,
    )


def test_the_golden_tables_are_current():
    assert json.loads(json.dumps(golden_layers())) == LAYERS
    assert json.loads(json.dumps(golden_legal())) == json.loads((GOLDEN / "legal.json").read_text())


@pytest.mark.parametrize("row", LAYERS, ids=lambda row: json.dumps(row["query"])[:60])
def test_params_and_flops_against_torch(row):
    spec, expect = spec_of(row["query"]), row["expect"]
    layer = layer_of(spec)
    x = torch.empty(1, layer.in_channels, spec.height, spec.width, device="meta")
    with FlopCounterMode(display=False) as counter:
        y = layer(x)
    assert counter.get_total_flops() == expect["flops"] == 2 * expect["macs"]
    assert sum(p.numel() for p in layer.parameters()) == expect["params"]
    assert list(y.shape[1:]) == expect["output_shape"]
    assert (x.numel(), y.numel()) == (expect["input_elements"], expect["output_elements"])
    assert [list(f.shape) for f in layer.filters()] == [g["weight_shape"] for g in expect["groups"]]
    assert sum(g["params"] for g in expect["groups"]) == expect["params"]
    assert sum(g["macs"] for g in expect["groups"]) == expect["macs"]


@pytest.mark.parametrize("row", LAYERS, ids=lambda row: json.dumps(row["query"])[:60])
def test_standard_and_fully_connected_against_torch(row):
    spec, expect = spec_of(row["query"]), row["expect"]
    grouping = spec.grouping
    options = {name: getattr(spec, name) for name in ("stride", "padding", "dilation", "bias")}
    dense = nn.Conv2d(grouping.in_channels, grouping.out_channels, spec.kernel_size, **options, device="meta")
    x = torch.empty(1, grouping.in_channels, spec.height, spec.width, device="meta")
    with FlopCounterMode(display=False) as counter:
        y = dense(x)
    standard = expect["standard"]
    assert counter.get_total_flops() == standard["flops"]
    assert sum(p.numel() for p in dense.parameters()) == standard["params"]
    linear = nn.Linear(x.numel(), y.numel(), bias=False, device="meta")
    assert linear.weight.numel() == expect["fully_connected"]["params"] == expect["fully_connected"]["macs"]
    assert expect["ratios"]["params"] == expect["params"] / standard["params"]
    assert expect["ratios"]["macs"] == expect["macs"] / standard["macs"]


@pytest.mark.parametrize(
    "row", [r for r in LAYERS if r["expect"]["macs"] < 10**9][:8], ids=lambda r: str(r["query"])[:60]
)
def test_macs_against_fvcore(row):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fvcore's own imports are deprecated in places
        from fvcore.nn import FlopCountAnalysis

        spec = spec_of(row["query"])
        layer = layer_of(spec, "cpu")
        analysis = FlopCountAnalysis(layer, torch.zeros(1, layer.in_channels, spec.height, spec.width))
        analysis.unsupported_ops_warnings(False)
        assert analysis.by_operator()["conv"] == row["expect"]["macs"]


@pytest.mark.parametrize(
    ("sizes", "kernel_size", "stride", "padding", "dilation"),
    [
        (((6, 4),), (3, 2), (2, 1), (0, 1), (1, 1)),
        (((3, 2), (3, 2)), (3, 2), (2, 1), (1, 0), (1, 2)),
        (((3, 1), (2, 2), (1, 1)), (2, 3), (1, 2), (1, 1), (2, 1)),
    ],
)
def test_macs_and_output_against_loops(sizes, kernel_size, stride, padding, dilation):
    spec = ConvSpec(Grouping.custom(sizes), kernel_size, stride, padding, dilation, True, 7, 6)
    rng = np.random.default_rng(0)
    filters = [rng.standard_normal((b, a, *kernel_size)) for a, b in sizes]
    x = rng.standard_normal((spec.grouping.in_channels, 7, 6))
    output, multiplications = grouped_conv2d(x, filters, None, stride, padding, dilation)
    described = describe_layer(spec)
    assert described["macs"] == multiplications
    assert described["output_shape"] == list(output.shape)


ALEXNET = [  # Krizhevsky et al. 2012: in, out, kernel, stride, padding, groups, input, published params and MACs
    (3, 96, 11, 4, 0, 1, 227, 34_944, 105_415_200),
    (96, 256, 5, 1, 2, 2, 27, 307_456, 223_948_800),
    (256, 384, 3, 1, 1, 1, 13, 885_120, 149_520_384),
    (384, 384, 3, 1, 1, 2, 13, 663_936, 112_140_288),
    (384, 256, 3, 1, 1, 2, 13, 442_624, 74_760_192),
]


@pytest.mark.parametrize("row", ALEXNET)
def test_alexnet_2012(row):
    a, b, kernel, stride, padding, groups, size, params, macs = row
    counts = count_layer(ConvSpec(Grouping.uniform(a, b, groups), kernel, stride, padding, height=size, width=size))
    assert (counts.params, counts.macs) == (params, macs)


@pytest.mark.parametrize("base", [2, 3, 4])
@pytest.mark.parametrize("groups", [1, 2, 3, 4])
def test_the_closed_form_of_an_exact_logarithmic_split(base, groups):
    channels = base ** (groups - 1) * 6
    ratio = count_layer(ConvSpec(Grouping.logarithmic(channels, channels, groups, base))).weights / (9 * channels**2)
    assert ratio == pytest.approx((base - 1 + 2 * base ** (-2.0 * (groups - 1))) / (base + 1), rel=1e-12)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=12),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.booleans(),
)
def test_totals_are_the_sum_of_the_groups(sizes, kernel_size, bias):
    described = describe_layer(ConvSpec(Grouping.custom(sizes), kernel_size, bias=bias, height=9, width=8))
    for total in ("params", "macs", "flops", "weights"):
        assert sum(group[total] for group in described["groups"]) == described[total]
    assert described["weights"] == sum(prod(group["weight_shape"]) for group in described["groups"])


def test_memory_access_and_intensity_by_hand():
    described = describe_layer(ConvSpec(Grouping.logarithmic(64, 64, 4)))
    assert described["memory_access_elements"] == 64 * 224 * 224 * 2 + 12_672
    assert described["memory_access_bytes"] == 4 * described["memory_access_elements"]
    assert described["arithmetic_intensity"] == 2 * 635_830_272 / 25_740_800


def test_formulas_compute_what_they_say():
    for row in LAYERS:
        for name in ("params", "macs", "flops", "fully_connected"):
            formula = row["expect"]["formulas"][name]
            if "more groups" in formula:
                continue
            left, right = formula.replace("\u202f", "").replace("·", "*").replace("×", "*").split(" = ")
            assert eval(left) == int(right), formula
            expected = row["expect"]["fully_connected"]["params"] if name == "fully_connected" else row["expect"][name]
            assert int(right) == expected


def test_notes_tell_the_honest_bill():
    notes = describe_layer(ConvSpec(Grouping.logarithmic(64, 64, 4)))["notes"]
    assert notes == [
        "This split keeps 1\u202f408 of 4\u202f096 connections (0.3438), more than an even split into 4 would (0.25);"
        " without rounding no number of groups takes it below 1/3."
    ]
    rounded = describe_layer(ConvSpec(Grouping.logarithmic(5, 5, 4)))["notes"]
    assert rounded[0] == "Shares were rounded to whole channels: 5 channels into 2, 1, 1, 1."
    assert rounded[1].startswith("This split keeps 7 of 25 connections (0.28)")


@given(st.integers(1, 200), st.integers(1, 200), st.integers(2, 64))
def test_the_floor_of_the_note_holds_without_rounding(in_channels, out_channels, base):
    for groups in legal_groups("logarithmic", in_channels, out_channels, base):
        grouping = Grouping.logarithmic(in_channels, out_channels, groups, base)
        if not grouping.rounded:
            assert Fraction(grouping.connections, in_channels * out_channels) >= Fraction(base - 1, base + 1)


def test_a_kernel_that_does_not_fit():
    with pytest.raises(SpecError) as caught:
        ConvSpec(Grouping.standard(1, 1), kernel_size=9, height=5, width=50)
    assert caught.value.field == "kernel_size"
    assert caught.value.message == (
        "the kernel must fit in the padded input: dilation × (kernel_size − 1) + 1 = 9 is more than"
        " height 5 + 2 × padding = 7"
    )


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"kernel_size": 0}, "kernel_size"),
        ({"kernel_size": (3, 3, 3)}, "kernel_size"),
        ({"stride": (1, 0)}, "stride"),
        ({"padding": -1}, "padding"),
        ({"dilation": 1.5}, "dilation"),
        ({"height": 0}, "height"),
        ({"width": "9"}, "width"),
    ],
)
def test_bad_numbers_name_their_field(options, field):
    with pytest.raises(SpecError) as caught:
        ConvSpec(Grouping.standard(1, 1), **options)
    assert caught.value.field == field
