import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute import SpecError
from compute.network import Layer, LayerError, Limits, Network, Split, analyze
from compute.network.halving import halving
from compute.network.kinds import Add, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from compute.network.policy import POLICIES, SCOPES, Policy, apply
from compute.network.whatif import COMPARED, HOLDS, describe, what_if
from compute.networks import IDS, load


def thousands(text: str) -> str:
    """1,234 as the page writes it."""
    return re.sub(r"(?<=\d),(?=\d)", "\u202f", text)


def small() -> Network:
    return Network(
        (
            Layer("a", Conv2d(16, 3, padding=1)),
            Layer("act", ReLU()),
            Layer("b", Conv2d(16, 3, padding=1)),
            Layer("sum", Add(), ("a", "b")),
            Layer("pool", MaxPool2d(2)),
            Layer("flat", Flatten()),
            Layer("fc", Linear(10)),
        ),
        (3, 8, 8),
    )


def kinds(network: Network) -> dict:
    return {layer.name: layer.kind for layer in network.layers}


def test_nothing_asked_nothing_changed():
    network = load("alexnet-2012")
    asked = what_if(network)
    assert (asked.variant, asked.left_alone, asked.held) == (network, {}, None)
    described = describe(asked)
    assert described["original"] == described["variant"] == analyze(network)
    assert described["deltas"] == dict.fromkeys(COMPARED, 0)
    assert described["ratios"] == dict.fromkeys(COMPARED, 1.0)
    assert (described["hold"], described["notes"]) == (None, [])
    assert not any(layer["changed"] or layer["edited"] or layer["left_alone"] for layer in described["layers"])
    assert described["layers"][4]["halving"] == halving(network)[4]


def test_without_the_towers_layer_by_layer():
    """conv2 of the paper's table: 307 456 params, 223 948 800 MACs; ungrouped twice the weights, the same biases."""
    described = describe(what_if(load("alexnet-2012"), Policy("none")))
    by_name = {layer["name"]: layer for layer in described["layers"]}
    conv2 = by_name["conv2"]
    assert [name for name, layer in by_name.items() if layer["changed"]] == ["conv2", "conv4", "conv5"]
    assert conv2["deltas"] == {
        "params": 307_200,
        "macs": 223_948_800,
        "flops": 447_897_600,
        "activations": 0,
        "memory_access_bytes": 4 * 307_200,
        "weight_bytes": 4 * 307_200,
    }
    assert conv2["ratios"]["macs"] == 2
    assert conv2["ratios"]["params"] == 614_656 / 307_456
    assert by_name["relu1"]["ratios"] == {
        "params": None, "macs": None, "flops": None, "activations": 1, "memory_access_bytes": 1, "weight_bytes": None,
    }  # fmt: skip
    assert described["deltas"]["params"] == 62_378_344 - 60_965_224
    assert described["ratios"]["macs"] == 1_135_256_096 / 724_406_816


def test_layers_left_alone_are_marked_and_counted():
    described = describe(what_if(load("squeezenet-1.0"), Policy("uniform", 64)))
    left = {layer["name"]: layer["left_alone"] for layer in described["layers"] if layer["left_alone"]}
    assert len(left) == 7
    assert left["conv1"] == "groups must divide in_channels: 3 % 64 = 3"
    names = list(left)
    assert described["notes"] == [
        f"7 layers were left alone, where the policy is illegal: {', '.join(names[:4])} and 3 more."
    ]
    assert what_if(load("nin"), Policy("uniform", 2)).left_alone.keys() == {"conv1a"}
    assert describe(what_if(load("nin"), Policy("uniform", 2)))["notes"] == [
        "1 layer was left alone, where the policy is illegal: conv1a."
    ]


def test_a_logarithmic_split_is_told_to_cost_more():
    """b: 9 × (64 + 16 + 4 + 4) weights against 9 × 64 of four even groups; 24 × 9 more."""
    notes = describe(what_if(small(), Policy("logarithmic", 4)))["notes"]
    original = small()
    log = original.params - 9 * (256 - 88), original.macs - 64 * 9 * (256 - 88)
    even = original.params - 9 * (256 - 64), original.macs - 64 * 9 * (256 - 64)
    assert notes == [
        "1 layer was left alone, where the policy is illegal: a.",
        thousands(
            "At equal channels this network with logarithmic n = 4 costs more than with a uniform split into as many"
            f" groups (1 layer where both are legal): params {log[0]:,} against {even[0]:,},"
            f" MACs {log[1]:,} against {even[1]:,}."
        ),
    ]
    assert even[0] == what_if(small(), Policy("uniform", 4)).variant.params


@pytest.mark.parametrize(
    ("policy", "edits"),
    [
        (Policy("logarithmic", 2), {}),  # two even groups
        (Policy("logarithmic", 5), {}),  # 5 does not divide 16
        (Policy("uniform", 4), {}),
        (Policy("logarithmic", 3), {"b": {"groups": 4}}),  # edited away; a has no uniform split of 3 and 16
    ],
)
def test_it_is_told_only_where_it_is_so(policy, edits):
    assert not any("costs more" in note for note in describe(what_if(small(), policy, edits=edits))["notes"])


def test_it_is_told_where_both_are_legal():
    """9 channels have no uniform 4; a logarithmic 3 makes 4, 2, 3 of them, a uniform one 3, 3, 3."""
    network = Network((Layer("a", Conv2d(9, 3)),), (9, 8, 8))
    assert not describe(what_if(network, Policy("logarithmic", 4)))["notes"]
    assert describe(what_if(network, Policy("logarithmic", 3)))["notes"]


def test_the_hold_is_told_with_its_numbers():
    network = load("resnext-50-32x4d")
    described = describe(what_if(network, Policy("uniform", 4), "params"))
    hold = described["hold"]
    assert hold["target"] == "params"
    assert hold["wanted"] == 25_028_904
    assert hold["reached"] == described["variant"]["totals"]["params"]
    assert hold["relative"] == (hold["reached"] - 25_028_904) / 25_028_904
    sign = "+" if hold["relative"] > 0 else "−"
    assert described["notes"][-1] == thousands(
        f"Widths × {hold['factor']:.2f}; params {hold['reached']:,} against 25,028,904,"
        f" {sign}{abs(100 * hold['relative']):.4f} %."
    )
    assert hold["factor"] < 1


def test_the_notes_of_a_hold_say_what_happened():
    network = load("resnet-50")
    assert describe(what_if(network, Policy("none"), "params"))["notes"] == [
        thousands("No width had to change: params are 25,557,032 in both.")
    ]
    wide = describe(what_if(load("resnext-101-32x8d"), Policy("depthwise", scope="all"), "macs"))
    assert wide["notes"][-1].startswith("Widths × 31.99; MACs ")
    assert wide["notes"][-1].endswith(" %. Nothing can be wider.")
    linear = Network((Layer("f", Flatten()), Layer("fc", Linear(10))), (3, 8, 8))
    assert describe(what_if(linear, None, "params", {"fc": {"bias": False}}))["notes"] == [
        thousands("Widths unchanged; params 1,920 against 1,930, −0.5181 %. Nothing can be wider.")
    ]


@pytest.mark.parametrize(
    ("name", "policy", "target", "note"),
    [
        (
            "vgg-16",
            Policy("width", width=64),
            "params",
            "Single widths nudged; params 138,336,104 against 138,357,544, −0.0155 %.",
        ),
        (
            "vgg-16",
            Policy("width", width=64),
            "macs",
            "Widths about × 2.50; MACs 15,475,884,032 against 15,470,264,320, +0.0363 %.",
        ),
        (
            "log-group-cnn",
            Policy("width", width=16),
            "macs",
            "Widths about × 1.12; MACs 14,976,256 against 14,812,416, +1.1061 %. Widths move in steps of 16 channels"
            " here, and no step is closer.",
        ),
        (
            "alexnet-2012",
            Policy("root", 64),
            "params",
            "Widths about × 1.12; params 59,662,872 against 60,965,224, −2.1362 %. Widths move in steps of 2 to 64"
            " channels here, and no step is closer.",
        ),
    ],
)
def test_how_close_it_comes_and_what_keeps_it_from_closer(name, policy, target, note):
    assert describe(what_if(load(name), policy, target))["notes"][-1] == thousands(note)


def test_at_the_lowest_nothing_can_be_narrower():
    network = Network((Layer("a", Conv2d(2, 1)), Layer("b", Conv2d(1, 1))), (3, 1, 1))
    notes = describe(what_if(network, None, "params", {"b": {"kernel_size": 3, "padding": 1}}))["notes"]
    assert notes == [thousands("Widths × 0.75; params 14 against 11, +27.2727 %. Nothing can be narrower.")]


def test_params_met_exactly_after_a_change():
    """a and b, tied: 16 wide is what it was; 8 by hand and held it comes back, but for b's own split."""
    asked = what_if(small(), None, "params", {"a": {"out_channels": 8}, "b": {"out_channels": 8}})
    assert asked.variant == small()
    assert (asked.held.factor, asked.held.relative) == (31 / 16, 0)
    assert describe(asked)["notes"] == [
        thousands(f"Widths × 1.94; params {small().params:,} against {small().params:,}, exactly.")
    ]


def test_edits_replace_parameters_and_nothing_else():
    edits = {"b": {"groups": 4, "bias": False}, "fc": {"out_features": 7}}
    asked = what_if(small(), edits=edits)
    expected = kinds(small()) | {
        "b": Conv2d(16, 3, padding=1, bias=False, split=Split.uniform(4)),
        "fc": Linear(7),
    }
    assert kinds(asked.variant) == expected
    layers = {layer["name"]: layer for layer in describe(asked)["layers"]}
    assert [name for name, layer in layers.items() if layer["edited"]] == ["b", "fc"]
    assert [name for name, layer in layers.items() if layer["changed"]] == ["b", "fc"]


def test_groups_and_grouping_replace_each_other():
    once = what_if(small(), edits={"b": {"grouping": {"scheme": "logarithmic", "groups": 3}}}).variant
    assert kinds(once)["b"].split == Split("logarithmic", 3)
    assert kinds(what_if(once, edits={"b": {"groups": 2}}).variant)["b"].split == Split.uniform(2)
    assert kinds(what_if(once, edits={"b": {"bias": False}}).variant)["b"].split == Split("logarithmic", 3)
    again = what_if(once, Policy("uniform", 8), edits={"b": {"grouping": {"scheme": "depthwise"}}}).variant
    assert kinds(again)["b"].split == Split("depthwise")


def test_a_split_by_hand_is_not_left_alone():
    asked = what_if(small(), Policy("uniform", 3), edits={"b": {"groups": 2}})
    assert list(asked.left_alone) == ["a"]


def test_depthwise_as_pytorch_writes_it_stays_depthwise_when_it_widens():
    layers = Layer("a", Conv2d(8, 1)), Layer("b", Conv2d(8, 3, split=Split.uniform(8))), Layer("c", Conv2d(4, 1))
    network = Network(layers, (3, 8, 8))
    asked = what_if(network, None, "params", {"c": {"bias": False}})
    assert kinds(asked.variant) == kinds(network) | {"c": Conv2d(4, 1, bias=False)}  # a channel more costs 18 params
    asked = what_if(network, None, "params", {"c": {"kernel_size": 3}})
    width = kinds(asked.variant)["a"].out_channels
    assert width < 8
    assert kinds(asked.variant)["b"] == Conv2d(width, 3, split=Split.uniform(width))
    by_hand = what_if(network, None, "params", {"b": {"groups": 8}, "c": {"kernel_size": 3}})
    assert kinds(by_hand.variant)["b"].split == Split.uniform(8)


@pytest.mark.parametrize(
    ("edits", "field", "message"),
    [
        (
            {"conv1": {"groups": 2}},
            "conv1",
            "'conv1' is no layer of this network; use a, act, b, sum and 3 more",
        ),
        ({"pol": {"stride": 2}}, "pol", "'pol' is no layer of this network; did you mean pool?"),
        (
            {"b": {"group": 2}},
            "b.group",
            "layer 3 'b' (Conv2d): 'group' is no parameter of Conv2d; did you mean groups? known: out_channels,"
            " kernel_size, stride, padding, dilation, bias, groups, grouping",
        ),
        (
            {"b": {"groups": 3}},
            "b.groups",
            "layer 3 'b' (Conv2d): groups must divide in_channels: 16 % 3 = 1; use 1, 2, 4, 8 or 16",
        ),
        (
            {"b": {"groups": 2, "grouping": {"scheme": "depthwise"}}},
            "b.grouping",
            "layer 3 'b' (Conv2d): groups and grouping say the same thing twice; keep one of them",
        ),
        (
            {"b": {"out_channels": 10**9}},
            "b.out_channels",
            "layer 3 'b' (Conv2d): out_channels must be from 1 to 65536, not 1000000000; use 1 to 65536",
        ),
        (
            {"b": {"out_channels": 8}},
            "sum.inputs",
            "layer 4 'sum' (Add): Add needs inputs of one shape, not 16 × 8 × 8 and 8 × 8 × 8; make their channels and"
            " resolution equal, such as by a 1 × 1 convolution on one side",
        ),
        (
            {"pool": {"kernel_size": 9}},
            "pool.kernel_size",
            "layer 5 'pool' (MaxPool2d): the kernel must fit in the padded input: dilation × (kernel_size − 1) + 1 = 9"
            " is more than height 8 + 2 × padding = 8; use a smaller kernel_size or dilation, or more padding",
        ),
    ],
)
def test_what_is_wrong_with_an_edit_names_the_layer_and_the_parameter(edits, field, message):
    with pytest.raises(SpecError) as caught:
        what_if(small(), edits=edits)
    assert (caught.value.field, str(caught.value)) == (field, message)
    assert isinstance(caught.value, LayerError) == (field.split(".")[0] in kinds(small()))


def test_limits_hold_for_edits_and_for_widths():
    limits = Limits(channels=20)
    with pytest.raises(LayerError) as caught:
        what_if(small(), edits={"a": {"out_channels": 21}}, limits=limits)
    assert caught.value.message.endswith("out_channels must be from 1 to 20, not 21")
    asked = what_if(small(), Policy("depthwise"), "macs", limits=limits)
    assert kinds(asked.variant)["a"].out_channels == 20
    assert asked.held.spent == "wider"


def test_an_unknown_hold():
    with pytest.raises(SpecError) as caught:
        what_if(small(), hold="flops")
    assert (caught.value.field, str(caught.value)) == (
        "hold",
        "hold must be one of channels, params, macs, not 'flops'; use channels",
    )


@given(
    st.sampled_from(IDS),
    st.builds(
        Policy,
        st.sampled_from(POLICIES),
        st.integers(1, 40),
        st.integers(1, 40),
        st.integers(2, 4),
        st.sampled_from(SCOPES),
    ),
    st.sampled_from(HOLDS),
)
def test_every_answer_adds_up(name, policy, hold):
    network = load(name)
    asked = what_if(network, policy, hold)
    described = describe(asked)
    assert asked.left_alone == apply(network, policy).left_alone
    assert [layer["name"] for layer in described["layers"]] == [row["name"] for row in described["variant"]["rows"]]
    for key in COMPARED:
        assert sum(layer["deltas"][key] for layer in described["layers"]) == described["deltas"][key]
    assert asked.variant.shapes[network.layers[-1].name] == network.shapes[network.layers[-1].name]
    if hold == "channels":
        assert asked.variant.shapes == network.shapes
    else:
        assert described["hold"]["reached"] == described["variant"]["totals"][hold]
