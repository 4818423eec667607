"""Closed forms of a Split against the groups themselves."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute import SpecError
from compute.network import Split

CHANNELS = st.integers(1, 200)


@given(
    CHANNELS,
    CHANNELS,
    st.one_of(
        st.just(Split()),
        st.just(Split("depthwise")),
        st.builds(Split.uniform, st.integers(1, 12)),
        st.builds(Split, st.just("logarithmic"), st.integers(1, 9), st.integers(2, 5)),
    ),
)
def test_counts_are_those_of_the_groups_and_so_is_what_fits(in_channels, out_channels, split):
    try:
        grouping = split.on(in_channels, out_channels)
    except SpecError as error:
        assert not split.fits(in_channels, out_channels)
        with pytest.raises(SpecError, match=f"^{re.escape(str(error))}$"):
            split.connections(in_channels, out_channels)
        return
    assert split.fits(in_channels, out_channels)
    assert split.connections(in_channels, out_channels) == sum(a * b for a, b in grouping.sizes)
    assert split.count(in_channels) == len(grouping.sizes)


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=8))
def test_custom_sizes_fit_their_own_sums_only(sizes):
    split, inputs, outputs = Split.custom(sizes), sum(a for a, _ in sizes), sum(b for _, b in sizes)
    assert split.fits(inputs, outputs)
    assert not split.fits(inputs + 1, outputs)
    assert split.connections(inputs, outputs) == sum(a * b for a, b in sizes)
    assert split.count(inputs) == len(sizes)
