import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute import SpecError
from compute.network import Layer, Network, Split, analyze
from compute.network.kinds import Conv2d, Linear, MaxPool2d
from compute.network.policy import POLICIES, SCOPES, Policy, apply
from compute.networks import IDS, load


def stack(*convolutions: tuple[int, int], channels: int = 3, size: int = 32) -> Network:
    """Convolutions of (out_channels, kernel), same padding."""
    layers = [Layer(f"conv{i}", Conv2d(out, k, padding=k // 2)) for i, (out, k) in enumerate(convolutions, 1)]
    return Network(tuple(layers), (channels, size, size))


def splits(network: Network) -> dict[str, Split]:
    return {layer.name: kind.split for layer, kind, _ in network.convolutions()}


def rows(network: Network) -> list[dict]:
    return analyze(network)["rows"]


@pytest.mark.parametrize("k", [2, 4, 8, 16, 32, 64])
def test_root_is_the_published_family_of_resnet(k):
    applied = apply(load("resnet-50"), Policy("root", k))
    assert rows(applied.network) == rows(load(f"resnet-50-root-{k}"))
    assert applied.left_alone == {"conv1": f"groups must divide in_channels: 3 % {k} = {3 % k}"}


@pytest.mark.parametrize("k", [2, 4, 8, 16])
def test_root_is_the_published_family_of_nin(k):
    applied = apply(load("nin"), Policy("root", k))
    assert rows(applied.network) == rows(load(f"nin-root-{k}"))
    assert applied.left_alone == {"conv1a": f"groups must divide in_channels: 3 % {k} = {3 % k}"}


def test_uniform_and_none_take_the_two_towers_apart_and_join_them():
    towers, joined = load("alexnet-2012"), load("alexnet-ungrouped")
    assert rows(apply(towers, Policy("none")).network) == rows(joined)
    wanted = splits(apply(joined, Policy("uniform", 2)).network)
    assert wanted == {
        "conv1": Split(), "conv2": Split.uniform(2), "conv3": Split.uniform(2),
        "conv4": Split.uniform(2), "conv5": Split.uniform(2),
    }  # fmt: skip


def test_resnet_becomes_resnext_by_width_and_depthwise_is_a_width_of_one():
    wide = apply(load("resnext-50-32x4d"), Policy("width", width=4))
    assert splits(wide.network)["layer1.0.conv2"] == Split.uniform(32)
    assert splits(wide.network)["layer4.2.conv2"] == Split.uniform(256)
    one, depthwise = (apply(load("resnet-50"), policy) for policy in (Policy("width", width=1), Policy("depthwise")))
    assert one.network.params == depthwise.network.params
    assert len(one.fixed_width) == 16  # the 3 × 3 convolutions of 16 blocks
    assert depthwise.fixed_width == frozenset()


@pytest.mark.parametrize(
    ("policy", "changed", "left_alone"),
    [
        (
            Policy("uniform", 4),
            {"conv2": Split.uniform(4)},
            {
                "conv1": "groups must divide in_channels: 3 % 4 = 3",
                "conv4": "groups must divide out_channels: 50 % 4 = 2",
            },
        ),
        (
            Policy("uniform", 4, scope="all"),
            {"conv2": Split.uniform(4), "conv3": Split.uniform(4)},
            {
                "conv1": "groups must divide in_channels: 3 % 4 = 3",
                "conv4": "groups must divide out_channels: 50 % 4 = 2",
            },
        ),
        (
            Policy("width", width=8),
            {"conv2": Split.uniform(8)},
            {
                "conv1": "width must divide in_channels: 3 % 8 = 3",
                "conv4": "32 / 8 = 4 groups must divide out_channels: 50 % 4 = 2",
            },
        ),
        (
            Policy("depthwise"),
            {"conv2": Split("depthwise")},
            {
                "conv1": "depthwise needs out_channels to be a multiple of in_channels: 64 % 3 = 1",
                "conv4": "depthwise needs out_channels to be a multiple of in_channels: 50 % 32 = 18",
            },
        ),
        (
            Policy("logarithmic", 4),
            {"conv2": Split("logarithmic", 4), "conv4": Split("logarithmic", 4)},
            {
                "conv1": "every group needs a channel on both sides: 3 channels have room for at most 3"
                " logarithmic groups of base 2, not 4"
            },
        ),
        (Policy("none", scope="all"), {}, {}),
    ],
)
def test_a_policy_fits_or_says_why_not(policy, changed, left_alone):
    network = stack((64, 3), (64, 3), (32, 1), (50, 3))
    applied = apply(network, policy)
    assert splits(applied.network) == {**splits(network), **changed}
    assert applied.left_alone == left_alone
    assert applied.fixed_width == (frozenset(changed) if policy.kind == "width" else frozenset())


def test_a_layer_left_alone_keeps_the_split_it_had():
    network = stack((64, 3), (64, 3)).with_kinds({"conv2": Conv2d(64, 3, padding=1, split=Split.uniform(2))})
    applied = apply(network, Policy("uniform", 3))
    assert applied.network is network
    assert list(applied.left_alone) == ["conv1", "conv2"]


def test_root_starts_where_it_fits_and_ends_at_one():
    """6 fits first at 16 × 16; each lower resolution halves it, rounded down: 6, 3, 1, 1."""
    layers = [Layer("conv1", Conv2d(12, 3, padding=1))]
    for i in range(2, 6):
        layers += [Layer(f"pool{i}", MaxPool2d(2)), Layer(f"conv{i}", Conv2d(12, 3, padding=1))]
    applied = apply(Network(tuple(layers), (3, 32, 32)), Policy("root", 6))
    groups = {name: split.groups for name, split in splits(applied.network).items()}
    assert groups == {"conv1": 1, "conv2": 6, "conv3": 3, "conv4": 1, "conv5": 1}
    assert list(applied.left_alone) == ["conv1"]


def test_root_that_fits_nowhere_leaves_all_alone():
    applied = apply(stack((64, 3), (64, 3)), Policy("root", 7))
    assert list(applied.left_alone) == ["conv1", "conv2"]


@pytest.mark.parametrize(
    ("parameters", "field", "says"),
    [
        (
            {"kind": "bisect"},
            "kind",
            "kind of a policy must be one of none, uniform, width, logarithmic, depthwise, root, not 'bisect';"
            " use uniform",
        ),
        (
            {"kind": "none", "scope": "deep"},
            "scope",
            "scope of a policy must be one of spatial, all, not 'deep'; use spatial",
        ),
        ({"kind": "uniform", "groups": 0}, "groups", "groups must be at least 1, not 0; use 1 or more"),
        (
            {"kind": "width", "width": 2.5},
            "width",
            "width must be a whole number, not 2.5; write digits only, such as 64",
        ),
        ({"kind": "logarithmic", "base": 65}, "base", "base must be from 2 to 64, not 65; use 2 to 64"),
    ],
)
def test_bad_policies_name_their_field(parameters, field, says):
    with pytest.raises(SpecError) as caught:
        Policy(**parameters)
    assert (caught.value.field, str(caught.value)) == (field, says)


@given(
    st.sampled_from(IDS),
    st.builds(
        Policy,
        st.sampled_from(POLICIES),
        st.integers(1, 70),
        st.integers(1, 70),
        st.integers(2, 5),
        st.sampled_from(SCOPES),
    ),
)
def test_a_policy_changes_nothing_but_splits_and_only_where_it_concerns(name, policy):
    network = load(name)
    applied = apply(network, policy)
    assert applied.network.shapes == network.shapes
    for before, after in zip(network.layers, applied.network.layers, strict=True):
        if before != after:
            assert policy.concerns(before.kind)
            assert before.name not in applied.left_alone
            assert type(after.kind) is Conv2d
        if isinstance(before.kind, Linear):
            assert before == after
    for layer, kind, image in applied.network.convolutions():
        if policy.kind == "none" and policy.concerns(kind):
            assert kind.split == Split()
        if policy.kind == "width" and layer.name in applied.fixed_width:
            assert image[0] // kind.split.groups == policy.width
