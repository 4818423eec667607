import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute import Grouping, SpecError, legal_groups
from compute.grouping import SCHEMES

GOLDEN = Path(__file__).parents[1] / "golden"
channels = st.integers(1, 300)


def test_the_split_of_64_halves_and_repeats_the_last():
    assert Grouping.logarithmic(64, 64, groups=4).sizes == ((32, 32), (16, 16), (8, 8), (8, 8))
    assert Grouping.logarithmic(64, 64, groups=1).sizes == ((64, 64),)
    assert Grouping.logarithmic(64, 64, groups=7).sizes == tuple((n, n) for n in (32, 16, 8, 4, 2, 1, 1))


def test_shares_are_rounded_down_and_the_last_takes_the_rest():
    grouping = Grouping.logarithmic(100, 99, groups=4)
    assert grouping.sizes == ((50, 49), (25, 25), (12, 12), (13, 13))
    assert grouping.rounded
    assert not Grouping.logarithmic(64, 96, groups=4).rounded


def test_other_bases():
    assert Grouping.logarithmic(81, 162, groups=4, base=3).sizes == ((54, 108), (18, 36), (6, 12), (3, 6))
    assert Grouping.logarithmic(64, 64, groups=2, base=64).sizes == ((63, 63), (1, 1))


def test_other_schemes():
    assert Grouping.standard(3, 5).sizes == ((3, 5),)
    assert Grouping.uniform(6, 4, groups=2).sizes == ((3, 2), (3, 2))
    assert Grouping.depthwise(3, 6).sizes == ((1, 2),) * 3
    assert Grouping.custom([(1, 2), (3, 4)]).sizes == ((1, 2), (3, 4))


def test_spans_tile_the_channels():
    spans = Grouping.custom([(1, 2), (3, 4)]).spans
    assert [(s.index, s.in_start, s.in_channels, s.out_start, s.out_channels) for s in spans] == [
        (0, 0, 1, 0, 2),
        (1, 1, 3, 2, 4),
    ]


def test_groupings_are_values():
    assert Grouping.uniform(8, 8, 2) == Grouping.uniform(8, 8, 2)
    assert len({Grouping.uniform(8, 8, 2), Grouping.uniform(8, 8, 2)}) == 1
    with pytest.raises(AttributeError):
        Grouping.standard(1, 1).sizes = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("build", "field", "sentence"),
    [
        (
            lambda: Grouping.uniform(64, 64, 3),
            "groups",
            "groups must divide in_channels: 64 % 3 = 1; use 1, 2, 4, 8, 16, 32 or 64",
        ),
        (lambda: Grouping.uniform(64, 60, 8), "groups", "groups must divide out_channels: 60 % 8 = 4; use 1, 2 or 4"),
        (
            lambda: Grouping.uniform(960, 960, 7),
            "groups",
            "groups must divide in_channels: 960 % 7 = 1; use 6 or 8",
        ),
        (
            lambda: Grouping.logarithmic(5, 64, 9),
            "groups",
            "every group needs a channel on both sides: 5 channels have room for at most 4 logarithmic groups of"
            " base 2, not 9; use 1, 2, 3 or 4",
        ),
        (
            lambda: Grouping.depthwise(64, 100),
            "out_channels",
            "depthwise needs out_channels to be a multiple of in_channels: 100 % 64 = 36; set out_channels to 128",
        ),
        (
            lambda: Grouping.of("custom", 64, 64, sizes=[(32, 32), (16, 32)]),
            "sizes",
            "the in sides of sizes must sum to in_channels: they sum to 48, not 64; they have 16 too few; change a"
            " group or set in_channels to 48",
        ),
        (lambda: Grouping.of("custom", 64, 64), "sizes", None),
        (lambda: Grouping.custom([]), "sizes", "a split needs at least one group; such as 64x64"),
        (lambda: Grouping.depthwise(64, 160), "out_channels", None),
        (lambda: legal_groups("even", 64, 64), "scheme", None),
        (lambda: legal_groups("depthwise", 0, 64), "in_channels", None),
        (lambda: Grouping.custom(5), "sizes", None),
        (lambda: Grouping.custom([(0, 1)]), "sizes", None),
        (lambda: Grouping.custom([(1, 1.5)]), "sizes", None),
        (lambda: Grouping.custom(["ab"]), "sizes", None),
        (lambda: Grouping.uniform(0, 4, 1), "in_channels", "in_channels must be at least 1, not 0; use 1 or more"),
        (lambda: Grouping.uniform(True, 4, 1), "in_channels", None),
        (lambda: Grouping.uniform(4.0, 4, 1), "in_channels", None),
        (lambda: Grouping.uniform(4, 4, "2"), "groups", None),
        (lambda: Grouping.logarithmic(64, 64, 2, base=1), "base", "base must be from 2 to 64, not 1; use 2 to 64"),
        (lambda: Grouping.logarithmic(64, 64, 2, base=65), "base", "base must be from 2 to 64, not 65; use 2 to 64"),
        (lambda: Grouping.of("even", 64, 64), "scheme", None),
        (lambda: Grouping(((3, 3), (1, 1)), "uniform"), "sizes", None),
        (lambda: Grouping(((3, 3),), "standard", base=2), "base", None),
        (lambda: Grouping(((2, 2), (1, 1)), "logarithmic", base=2), "sizes", None),
    ],
)
def test_what_cannot_be_built_says_why(build, field, sentence):
    with pytest.raises(SpecError) as caught:
        build()
    assert caught.value.field == field
    if sentence:
        assert str(caught.value) == sentence


@given(channels, channels, st.integers(2, 64), st.sampled_from(SCHEMES[:4]))
def test_every_legal_number_of_groups_builds_and_no_other(in_channels, out_channels, base, scheme):
    legal = legal_groups(scheme, in_channels, out_channels, base)
    assert list(legal) == sorted(set(legal))
    for groups in {*range(1, 20), in_channels, out_channels, *legal}:
        try:
            grouping = Grouping.of(scheme, in_channels, out_channels, groups, base)
        except SpecError:
            built = False
        else:
            built = True
            assert grouping.in_channels == in_channels
            assert grouping.out_channels == out_channels
            assert min(min(pair) for pair in grouping.sizes) >= 1
        if scheme in ("uniform", "logarithmic"):
            assert built == (groups in legal)
            assert not built or grouping.groups == groups
        else:
            assert built == bool(legal)


@given(channels, st.integers(2, 64))
def test_a_logarithmic_split_never_widens_but_in_its_last_group(channels, base):
    for groups in legal_groups("logarithmic", channels, channels, base):
        shares = [a for a, _ in Grouping.logarithmic(channels, channels, groups, base).sizes]
        assert all(a >= b for a, b in pairwise(shares[:-1]))


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=30))
def test_runs_say_the_same_as_sizes(sizes):
    grouping = Grouping.custom(sizes)
    assert [(a, b) for n, a, b in grouping.runs for _ in range(n)] == list(grouping.sizes)


def test_golden_legal_values():
    for row in json.loads((GOLDEN / "legal.json").read_text()):
        expected = row.pop("legal_groups")
        assert list(legal_groups(**row)) == expected
