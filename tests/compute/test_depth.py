import math
from itertools import pairwise

import pytest

from compute import SpecError, describe_depth
from compute.depth import Stack

KEYS = {
    *("layer", "scheme", "groups", "in_channels", "out_channels", "height", "width", "reason"),
    *("params", "macs", "flops", "activation_elements"),
    *("cumulative_params", "cumulative_macs", "cumulative_flops", "cumulative_activation_elements"),
}


def rows_of(stack: Stack, scheme: str) -> list[dict]:
    return [row for row in describe_depth(stack)["rows"] if row["scheme"] == scheme]


@pytest.mark.parametrize("halve", [True, False])
def test_rows_by_the_rule(halve):
    stack = Stack(in_channels=6, kernel_size=(3, 5), height=50, width=31, groups=2, depth=9, stage=3, halve=halve)
    for scheme, connections in (("standard", lambda a, b: a * b), ("uniform", lambda a, b: a * b // 2)):
        total = 0
        for i, row in enumerate(rows_of(stack, scheme)):
            a, b = 6 * 2 ** math.floor(i / 3), 6 * 2 ** math.floor((i + 1) / 3)
            factor = 2 ** math.floor(i / 3) if halve else 1
            height, width = math.ceil(50 / factor), math.ceil(31 / factor)
            macs = height * width * 15 * connections(a, b)
            total += macs
            assert set(row) == KEYS
            assert (row["layer"], row["in_channels"], row["out_channels"]) == (i, a, b)
            assert (row["height"], row["width"]) == (height, width)
            assert row["macs"] == macs
            assert row["flops"] == 2 * macs
            assert row["params"] == 15 * connections(a, b) + b
            assert row["activation_elements"] == b * height * width
            assert row["cumulative_macs"] == total


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "the resolution halves: weights grow ×4 while MACs stay flat."),
        ({"halve": False}, "at the same resolution, weights and MACs both grow ×4."),
        ({"height": 15, "width": 15, "depth": 12}, "the resolution halves, rounded up"),
        ({"depth": 56}, "the resolution halves, rounded up"),
        ({"depth": 3}, "No layer doubles its channels"),
        ({"depth": 4}, "The layer that doubles the channels costs twice as much"),
    ],
)
def test_what_the_page_says_is_true(options, says):
    stack = Stack(**options)
    note = describe_depth(stack)["notes"][1]
    assert says in note
    rows = rows_of(stack, "standard")
    firsts = rows[:: stack.stage]  # of each stage
    weights = [row["params"] - row["out_channels"] for row in rows]
    growth = [b["macs"] / a["macs"] for a, b in pairwise(firsts)]
    assert all(b == 4 * a for a, b in pairwise(weights[:: stack.stage]))
    if "MACs stay flat." in note:
        assert set(growth) == {1}
    if "both grow" in note:
        assert set(growth) == {4}
    if "rounded up" in note:
        assert all(1 <= g <= 4 for g in growth)
        assert max(growth) > 1
    doubling = rows[stack.stage - 1 :: stack.stage]
    assert bool(doubling) == ("The layer that doubles" in note)
    for row in doubling:
        if stack.stage > 1:
            assert row["macs"] == 2 * rows[row["layer"] - 1]["macs"]


def test_the_stack_is_said_in_words():
    assert describe_depth(Stack(in_channels=6, kernel_size=(3, 5), height=50, width=31, groups=2))["notes"][0] == (
        "A stack of its own: 6 channels at 50 × 31 to begin with, 3 × 5 filters, stride 1, same padding;"
        " uniform and logarithmic (base 2) with n = 2."
    )


def test_an_illegal_number_of_groups_is_null_with_its_reason():
    described = describe_depth(Stack(in_channels=12, groups=24, depth=6, stage=2))
    uniform = [row for row in described["rows"] if row["scheme"] == "uniform"]
    assert [row["params"] is None for row in uniform] == [True, True, False, False, False, False]
    assert uniform[0]["reason"] == "groups must divide in_channels: 12 % 24 = 12; use 1, 2, 3, 4, 6 or 12"
    assert uniform[2]["reason"] is None
    assert all(row["cumulative_params"] is None for row in uniform)
    assert described["notes"][2].startswith("uniform, layers 0–1: groups must divide in_channels: 12 % 24 = 12;")
    assert described["notes"][3].startswith("logarithmic, layers 0–5: every group needs a channel")


def test_a_bottomless_stack_can_be_stopped_at_its_first_row_too_many():
    """64 stages: the channels of the last layer have no divisors that anyone could list in time."""

    def check(row):
        if row["out_channels"] > 10**5:
            raise OverflowError(row["layer"])

    with pytest.raises(OverflowError, match="10"):
        describe_depth(Stack(groups=3, depth=64, stage=1), check)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"depth": 0}, "depth"),
        ({"depth": 65}, "depth"),
        ({"stage": 0}, "stage"),
        ({"in_channels": 0}, "in_channels"),
        ({"base": 1}, "base"),
    ],
)
def test_bad_numbers_name_their_field(options, field):
    with pytest.raises(SpecError) as caught:
        Stack(**options)
    assert caught.value.field == field
