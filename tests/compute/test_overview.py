"""Every policy at once against each on its own, and against the library's own variants."""

import pytest

from compute import SpecError
from compute.network.overview import overview
from compute.network.policy import POLICIES, Policy
from compute.network.whatif import what_if
from compute.networks import load


@pytest.mark.parametrize("hold", ["channels", "params"])
def test_each_line_is_that_policy_alone(hold):
    original = load("squeezenet-1.0")
    numbers = {"groups": 8, "width": 16, "base": 3, "scope": "all"}
    lines = overview(original, numbers, hold, {"conv10": {"bias": False}})
    assert [line["policy"] for line in lines] == list(POLICIES)
    for line in lines:
        alone = what_if(original, Policy(line["policy"], **numbers), hold, {"conv10": {"bias": False}})
        assert (line["params"], line["macs"]) == (alone.variant.params, alone.variant.macs)
        assert line["left_alone"] == len(alone.left_alone)
        assert line["relative"] == (alone.held.relative if alone.held else None)
        assert line["ratios"] == {
            "params": alone.variant.params / original.params,
            "macs": alone.variant.macs / original.macs,
        }


def test_the_lines_of_resnet_50_are_the_published_roots():
    lines = {line["policy"]: line for line in overview(load("resnet-50"), {"groups": 64})}
    roots = load("resnet-50-root-64")
    assert (lines["root"]["params"], lines["root"]["macs"]) == (roots.params, roots.macs)
    assert lines["none"]["ratios"] == {"params": 1.0, "macs": 1.0}
    assert (lines["none"]["split"], lines["none"]["left_alone"]) == (0, 0)
    assert (lines["root"]["split"], lines["root"]["left_alone"]) == (16, 1)  # the 3 × 3s, and the stem


def test_a_policy_leaves_alone_what_edited_channels_do_not_suit():
    lines = {
        line["policy"]: line
        for line in overview(load("alexnet-ungrouped"), {"groups": 2}, edits={"conv4": {"out_channels": 7}})
    }
    assert all(line["reason"] is None for line in lines.values())
    assert lines["uniform"]["left_alone"] == 3  # the stem, conv4 and conv5
    assert lines["uniform"]["split"] == 2  # conv2 and conv3


def test_an_edit_that_suits_some_policies_only():
    """Seven channels suit conv5 of two groups under no policy that leaves it alone or splits conv4 in two."""
    lines = overview(load("alexnet-2012"), {"groups": 2}, edits={"conv4": {"out_channels": 7}})
    said = {line["policy"]: line["reason"] for line in lines}
    assert said["none"] is None
    assert "groups must divide out_channels: 7 % 2 = 1" in said["uniform"]
    (uniform,) = (line for line in lines if line["policy"] == "uniform")
    assert (uniform["params"], uniform["ratios"]) == (None, {"params": None, "macs": None})


def test_edits_that_suit_none_are_refused():
    with pytest.raises(SpecError, match="'conv9' is no layer of this network"):
        overview(load("alexnet-2012"), edits={"conv9": {"groups": 1}})
