"""Every policy at once against each on its own, and against the library's own variants."""

import pytest

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
