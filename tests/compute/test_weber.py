"""Logarithmic group sizes beside the Weber-Fechner law: sizes, scale, and what is claimed."""

import math
from itertools import pairwise

import pytest

from compute.errors import SpecError
from compute.weber import describe_weber, log_of


def test_sizes_on_both_scales():
    described = describe_weber(64, 5)
    assert described["sizes"] == [
        {"group": 0, "channels": 32, "log": 5.0},
        {"group": 1, "channels": 16, "log": 4.0},
        {"group": 2, "channels": 8, "log": 3.0},
        {"group": 3, "channels": 4, "log": 2.0},
        {"group": 4, "channels": 4, "log": 2.0},
    ]
    assert (described["channels"], described["groups"], described["base"]) == (64, 5, 2)


@pytest.mark.parametrize(("channels", "groups", "base"), [(64, 7, 2), (99, 4, 2), (81, 4, 3), (1000, 3, 10)])
def test_logarithms_are_those_of_the_sizes(channels, groups, base):
    sizes = describe_weber(channels, groups, base)["sizes"]
    assert sum(size["channels"] for size in sizes) == channels
    assert [base ** size["log"] for size in sizes] == pytest.approx([size["channels"] for size in sizes])


def test_powers_have_whole_logarithms():
    """math.log(1000, 10) is 2.9999999999999996."""
    assert [log_of(1000, 10), log_of(243, 3), log_of(1, 2)] == [3.0, 5.0, 0.0]


@pytest.mark.parametrize(("groups", "base"), [(4, 2), (3, 3), (1, 2)])
def test_equal_ratios_of_the_stimulus_are_equal_steps_of_sensation(groups, base):
    points = describe_weber(81 if base == 3 else 64, groups, base)["law"]["points"]
    assert points[0] == {"stimulus": 1.0, "sensation": 0.0}
    assert points[-1] == {"stimulus": base ** max(1, groups - 1), "sensation": max(1, groups - 1)}
    ratios = [b["stimulus"] / a["stimulus"] for a, b in pairwise(points)]
    steps = [b["sensation"] - a["sensation"] for a, b in pairwise(points)]
    assert steps == [steps[0]] * len(steps)
    assert ratios == pytest.approx([math.exp(steps[0] * math.log(base))] * len(ratios))


def test_the_law_and_what_it_is_not():
    described = describe_weber(64, 4)
    assert described["law"]["text"] == (
        "Weber–Fechner: perceived intensity is proportional to the logarithm of the stimulus."
    )
    assert described["law"]["formula"] == "sensation = log₂(stimulus / threshold)"
    assert describe_weber(64, 2, 16)["law"]["formula"] == "sensation = log₁₆(stimulus / threshold)"
    assert described["notes"] == [
        described["law"]["text"],
        "The paper takes its motivation from this law. It is an analogy about perceived intensity, not a derivation"
        " about channels: nothing in the law says how a convolution should be split.",
        "32, 16, 8, 8: equal steps on the log scale, each group half of the one before, except that the last repeats"
        " the size before it: so all 64 channels are used.",
        "This is our reading of Lee, Baddar, Kim and Ro, “Convolution with Logarithmic Filter Groups for Efficient"
        " Shallow CNN” (arXiv 1707.09855); the body of the paper was not available to us.",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            (27, 3, 3),
            "18, 6, 3: equal steps on the log scale, each group 1/3 of the one before, except that the last is 1/2 of"
            " the one before: so all 27 channels are used.",
        ),
        (
            (99, 4, 2),
            "Shares of 99 channels were rounded to whole channels, 49, 25, 12, 13, so the log scale has no exact steps"
            " here: 0.97, 1.06, −0.12 down, where 1.00, and 0.00 at the last, would be exact.",
        ),
        ((64, 1, 2), "One group of 64 channels has no step."),
        ((1, 1, 2), "One group of 1 channel has no step."),
        (
            (64, 2, 2),
            "64 channels in two groups, 32, 32: the last repeats the size before it."
            " Equal steps begin at three groups.",
        ),
    ],
)
def test_the_steps_are_said_exactly(arguments, says):
    assert describe_weber(*arguments)["notes"][2] == says


def test_groups_that_find_no_room_are_refused():
    with pytest.raises(SpecError) as caught:
        describe_weber(4, 5)
    assert str(caught.value) == (
        "every group needs a channel on both sides: 4 channels have room for at most 3 logarithmic groups of base 2,"
        " not 5; use 1, 2 or 3"
    )
