"""The growth of a layer's bill: against torch itself, against closed forms, and sentence by sentence."""

from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from compute.errors import SpecError
from compute.formulas import digits
from compute.growth import GROWTH_METRICS, GROWTH_SERIES, Growth, describe_growth

KEYS = {"series", "halve", "stage", "channels", "height", "width", "groups", "weights", "macs", "activations", "reason"}
AWKWARD = Growth(in_channels=6, kernel_size=(3, 2), height=7, width=14, groups=4, group_width=4)


def line(described: dict, series: str, halve: bool) -> list[dict]:
    return [row for row in described["rows"] if (row["series"], row["halve"]) == (series, halve)]


def slopes(described: dict, halve: bool) -> dict[str, tuple]:
    return {
        series: tuple(s["factor"] for s in described["slopes"] if (s["series"], s["halve"]) == (series, halve))
        for series in GROWTH_SERIES
    }


def measured(sizes: list[int], height: int, width: int, kernel: int) -> tuple[int, int, int]:
    """(weights, MACs, output elements) of one convolution a group, as torch counts them, on no device."""
    weights = flops = elements = 0
    for channels, groups in sizes:
        layer = torch.nn.Conv2d(
            channels, channels, kernel, padding=kernel // 2, groups=groups, bias=False, device="meta"
        )
        with FlopCounterMode(display=False) as counter:
            output = layer(torch.empty(1, channels, height, width, device="meta"))
        weights += layer.weight.numel()
        flops += counter.get_total_flops()
        elements += output.numel()
    return weights, flops // 2, elements


@pytest.mark.parametrize("halve", [False, True])
@pytest.mark.parametrize("stage", [0, 1, 3])
def test_rows_are_what_torch_counts(stage, halve):
    described = describe_growth(Growth(in_channels=24, height=30, width=17, doublings=3, groups=4, group_width=6))
    channels = 24 << stage
    height, width = (-(-side // 2**stage) if halve else side for side in (30, 17))
    cut = {
        "standard": [(channels, 1)],
        "uniform": [(channels, 4)],
        "width": [(channels, channels // 6)],
        "logarithmic": [(channels // 2, 1), (channels // 4, 1), (channels // 8, 1), (channels // 8, 1)],
    }
    groups = {"standard": 1, "uniform": 4, "width": channels // 6, "logarithmic": 4}
    for series in GROWTH_SERIES:
        row = line(described, series, halve)[stage]
        weights, macs, elements = measured(cut[series], height, width, 3)
        assert row == {
            "series": series, "halve": halve, "stage": stage, "channels": channels, "height": height, "width": width,
            "groups": groups[series], "weights": weights, "macs": macs, "activations": elements, "reason": None,
        }  # fmt: skip


def test_slopes_are_the_exact_factors_per_doubling():
    described = describe_growth(Growth())
    assert slopes(described, False) == {
        "standard": ("4", "4", "2"), "uniform": ("4", "4", "2"),
        "width": ("2", "2", "2"), "logarithmic": ("4", "4", "2"),
    }  # fmt: skip
    assert slopes(described, True) == {
        "standard": ("4", "1", "1/2"), "uniform": ("4", "1", "1/2"),
        "width": ("2", "1/2", "1/2"), "logarithmic": ("4", "1", "1/2"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "growth",
    [Growth(), AWKWARD, Growth(in_channels=54, base=3, groups=3, height=5, width=64, group_width=9), Growth(groups=1)],
    ids=["defaults", "awkward", "base 3", "one group"],
)
def test_a_slope_is_stated_exactly_where_every_step_has_it(growth):
    described = describe_growth(growth)
    assert len(described["slopes"]) == len(GROWTH_SERIES) * len(GROWTH_METRICS) * 2
    for slope in described["slopes"]:
        rows = [row[slope["metric"]] for row in line(described, slope["series"], slope["halve"])]
        standard = [row[slope["metric"]] for row in line(described, "standard", slope["halve"])]
        if slope["factor"] is None:
            assert slope["reason"]
            assert slope["ratio"] is None
            assert f"not exact here: {slope['reason']}." in slope["sentence"]
            assert None in rows or len({Fraction(b, a) for a, b in pairwise(rows)}) > 1
            continue
        assert slope["reason"] is None
        assert {Fraction(b, a) for a, b in pairwise(rows)} == {Fraction(slope["factor"])}
        shares = {Fraction(a, b) for a, b in zip(rows, standard, strict=True)}
        assert shares == {Fraction(slope["ratio"])} if slope["ratio"] else len(shares) > 1
        assert f"×{slope['factor']} per doubling of the channels" in slope["sentence"]


@pytest.mark.parametrize("groups", range(1, 8))
def test_a_logarithmic_split_is_standard_times_its_closed_form(groups):
    """1/3 + 2/3 4^-(n-1) for base 2, where 2^(n-1) divides the channels."""
    slope = describe_growth(Growth(groups=groups))["slopes"][9]
    assert (slope["series"], slope["metric"]) == ("logarithmic", "weights")
    assert Fraction(slope["ratio"]) == Fraction(1, 3) + Fraction(2, 3) / 4 ** (groups - 1)


@pytest.mark.parametrize(("base", "floor"), [(3, Fraction(1, 2)), (4, Fraction(3, 5))])
def test_the_floor_of_other_bases(base, floor):
    described = describe_growth(Growth(in_channels=base**5, base=base, groups=6, height=1, width=1, doublings=1))
    slope = next(s for s in described["slopes"] if s["series"] == "logarithmic")
    assert Fraction(slope["ratio"]) == floor + Fraction(2, base + 1) / base**10
    assert f"never below {floor}" in described["notes"][4]


def test_notes_say_what_is_true_of_these_stages():
    assert describe_growth(Growth())["notes"] == [
        "One layer a stage, with as many output as input channels, from 64 to 1\u202f024; 3 × 3 filters, stride 1, same"
        " padding, 224 × 224 at the first stage. Weights without bias; MACs and activations for one image.",
        "Standard weights grow ×4 per doubling of the channels, from 36\u202f864 to 9\u202f437\u202f184: exponential in"
        " the number of doublings, ×256 after 4.",
        "Uniform n = 4 is the standard curve shifted down to exactly 1/4: a constant number of groups leaves the growth"
        " at ×4.",
        "Group width 16: weights grow ×2 per doubling, as 4 groups become 64, from 1/4 of standard to 1/64. Only a"
        " fixed width changes the growth itself.",
        "Logarithmic n = 4 is the standard curve shifted down to exactly 11/32 = 1/3 + 2/3 × 4^−3: more than uniform"
        " with as many groups, ×4 per doubling all the same, and without rounding never below 1/3, however many"
        " groups.",
        "With the resolution halved at each doubling the MACs of a standard layer do not grow:"
        " 1\u202f849\u202f688\u202f064 at every stage, ×1 per doubling; those of group width 16 and"
        " activations shrink ×1/2.",
        "At constant resolution MACs grow as the weights do, and activations ×2 per doubling.",
    ]  # fmt: skip


def test_what_is_not_exact_is_called_so():
    notes = describe_growth(AWKWARD)["notes"]
    assert notes[2:6] == [
        "Uniform n = 4 is not exact here: groups must divide in_channels: 6 % 4 = 2; use 1, 2, 3 or 6.",
        "Group width 4 is not exact here: group_width must divide the channels: 6 % 4 = 2; use a divisor of 6.",
        "Logarithmic n = 4 is not exact here: shares are rounded to whole channels, 6 into 3, 1, 1, 1. Its weights are"
        " 1/3 of standard at the first stage, 11/32 at the last; without rounding they would never be fewer than 1/3.",
        "With the resolution halved at each doubling MACs and activations are not exact here: half of 7 × 14 is rounded"
        " up to 4 × 7. A standard layer needs 21\u202f168 MACs at the first stage and 55\u202f296 at the last; they"
        " stay level only where the halves are exact.",
    ]  # fmt: skip
    first, last = line(describe_growth(AWKWARD), "standard", True)[:: AWKWARD.doublings]
    assert (first["macs"], last["macs"]) == (7 * 14 * 6 * 36, 1 * 1 * 6 * 96 * 96)


def test_macs_with_halving_are_never_called_exponential():
    for growth in (Growth(), AWKWARD):
        described = describe_growth(growth)
        said = [*described["notes"], *(slope["sentence"] for slope in described["slopes"])]
        assert [text for text in said if "exponential" in text] == [described["notes"][1]]
        assert digits(line(described, "standard", False)[-1]["weights"]) in described["notes"][1]


def test_one_group_is_the_standard_layer():
    notes = describe_growth(Growth(groups=1))["notes"]
    assert notes[2] == "Uniform n = 1 is the standard layer."
    assert notes[4] == "Logarithmic n = 1 is the standard layer."


def test_where_a_split_does_not_fit_its_counts_are_null_with_the_reason():
    described = describe_growth(Growth(in_channels=4, groups=8, doublings=2))
    uniform = line(described, "uniform", False)
    assert all(set(row) == KEYS for row in described["rows"])
    assert [row["weights"] for row in uniform] == [None, 9 * 8, 9 * 32]
    assert [row["activations"] is None for row in uniform] == [True, False, False]
    assert uniform[0]["reason"] == "groups must divide in_channels: 4 % 8 = 4; use 1, 2 or 4"
    assert slopes(described, False)["uniform"] == (None, None, None)


def test_tens_of_thousands_of_groups_are_counted_without_a_list_of_them():
    described = describe_growth(Growth(in_channels=2**16, doublings=16, group_width=1, height=1, width=1))
    last = line(described, "width", False)[-1]
    assert (last["groups"], last["weights"]) == (2**32, 9 * 2**32)


def test_a_width_that_begins_as_the_standard_layer():
    note = describe_growth(Growth(in_channels=16, group_width=16))["notes"][3]
    assert note == (
        "Group width 16: weights grow ×2 per doubling, as 1 group becomes 16, from all of standard to 1/16. Only a"
        " fixed width changes the growth itself."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"doublings": 0}, "doublings must be from 1 to 16, not 0; use 1 to 16"),
        ({"doublings": 17}, "doublings must be from 1 to 16, not 17; use 1 to 16"),
        ({"group_width": 0}, "group_width must be at least 1, not 0; use 1 or more"),
        ({"in_channels": 1.5}, "in_channels must be a whole number, not 1.5; write digits only, such as 64"),
        ({"base": 1}, "base must be from 2 to 64, not 1; use 2 to 64"),
    ],
)
def test_bad_numbers_are_refused(options, message):
    with pytest.raises(SpecError) as caught:
        Growth(**options)
    assert str(caught.value) == message
    assert caught.value.field in options
