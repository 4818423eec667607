import math

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


def test_what_the_page_says_is_true():
    halved = rows_of(Stack(), "standard")
    flat = rows_of(Stack(halve=False), "standard")
    for rows, growth in ((halved, 1), (flat, 4)):
        assert rows[4]["macs"] / rows[0]["macs"] == growth
        assert (rows[4]["params"] - 128) / (rows[0]["params"] - 64) == 4
    assert "MACs stay flat" in describe_depth(Stack())["notes"][0]
    assert "both grow ×4" in describe_depth(Stack(halve=False))["notes"][0]


def test_an_illegal_number_of_groups_is_null_with_its_reason():
    described = describe_depth(Stack(in_channels=12, groups=24, depth=6, stage=2))
    uniform = [row for row in described["rows"] if row["scheme"] == "uniform"]
    assert [row["params"] is None for row in uniform] == [True, True, False, False, False, False]
    assert uniform[0]["reason"] == "groups must divide in_channels: 12 % 24 = 12; use 1, 2, 3, 4, 6 or 12"
    assert uniform[2]["reason"] is None
    assert all(row["cumulative_params"] is None for row in uniform)
    assert any(note.startswith("logarithmic, layer 0: every group needs a channel") for note in described["notes"])


@pytest.mark.parametrize(
    ("options", "field"),
    [({"depth": 0}, "depth"), ({"depth": 65}, "depth"), ({"stage": 0}, "stage"), ({"in_channels": 0}, "in_channels")],
)
def test_bad_numbers_name_their_field(options, field):
    with pytest.raises(SpecError) as caught:
        Stack(**options)
    assert caught.value.field == field
