import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute import SpecError
from compute.network import Layer, LayerError, Network, Split, analyze
from compute.network.kinds import (
    Add,
    BatchNorm2d,
    ChannelShuffle,
    Concat,
    Conv2d,
    Flatten,
    GroupNorm,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
)
from compute.network.placement import place
from compute.network.runs import balanced, merged, moved
from compute.networks import IDS, load

REPLICATED = (
    "The network's input is replicated: every device has all of it, and it counts in no device's activations."
    " Copies that a device receives are not counted there either."
)
UNCUT = "A group is never cut: an uneven split keeps at most sum / largest devices busy, however many there are."
DENSE = "every output reads every input, from all devices"


def crossings(network: Network, devices: int = 2) -> dict[str, int]:
    return {crossing["layer"]: crossing["elements"] for crossing in place(network, devices)["crossings"]}


def network(*layers: tuple, channels: int = 8, size: int = 4) -> Network:
    """(name, kind, *inputs)."""
    return Network(tuple(Layer(name, kind, tuple(inputs)) for name, kind, *inputs in layers), (channels, size, size))


STANDARD = Split()


def conv(out_channels: int, split: Split = STANDARD) -> Conv2d:
    return Conv2d(out_channels, 3, padding=1, split=split)


def test_alexnet_on_two_gpus():
    """conv1: 34 944 params, conv2 307 456, ...: half of every layer of the paper's table on each."""
    placed = place(load("alexnet-2012"))
    half = {"params": 30_482_612, "weight_bytes": 121_930_448, "activations": 958_516, "macs": 362_203_408}
    assert placed == {
        "devices": [{"index": 0, **half}, {"index": 1, **half}],
        "crossings": [
            {"layer": "conv3", "elements": 256 * 13 * 13, "why": DENSE},
            {"layer": "fc6", "elements": 9_216, "why": DENSE},
            {"layer": "fc7", "elements": 4_096, "why": DENSE},
            {"layer": "fc8", "elements": 4_096, "why": DENSE},
        ],
        "crossing_elements": 43_264 + 9_216 + 2 * 4_096,
        "speedup": 2.0,
        "bounds": [],
        "notes": [
            REPLICATED,
            "norm1, norm2: normalised within each device, as AlexNet's GPUs did; channels at the border of two devices"
            " do without their neighbours, and nothing crosses.",
            "AlexNet's paper trained it on two GTX 580 with 3 GB each. The often retold 1.5 GB a GPU, for a model that"
            " needs just under 3 GB, is a retelling.",
            "In 2012 the two GPUs exchanged activations only before conv3 and the dense layers.",
        ],
    }


def test_without_groups_every_convolution_but_the_first_exchanges():
    """Inputs of conv2 to conv5: 96 × 27 × 27, 256 × 13 × 13, 384 × 13 × 13 twice."""
    crossed = crossings(load("alexnet-ungrouped"))
    assert list(crossed.values()) == [69_984, 43_264, 64_896, 64_896, 9_216, 4_096, 4_096]


@pytest.mark.parametrize("devices", [1, 2, 3, 8])
@pytest.mark.parametrize("name", IDS)
def test_devices_sum_to_the_network(name, devices):
    whole = load(name)
    placed = place(whole, devices)
    sums = {key: sum(device[key] for device in placed["devices"]) for key in ("params", "macs", "activations")}
    totals = analyze(whole)["totals"]
    assert sums == {key: totals[key] for key in sums}
    assert placed["crossing_elements"] == sum(crossing["elements"] for crossing in placed["crossings"])
    if devices == 1:
        assert placed["crossings"] == []


@pytest.mark.parametrize(
    ("split", "loads", "speedup"),
    [
        (Split("logarithmic", 3), [1024, 512], 1.5),
        (Split("logarithmic", 4), [1024, 384], 1.375),
        (Split.custom([(8, 8), (8, 8), (48, 48)]), [128, 2304], 2432 / 2304),
        (Split.custom([(16, 16), (48, 48)]), [256, 2304], 2560 / 2304),
    ],
)
def test_an_uneven_split_cannot_use_both_devices(split, loads, speedup):
    placed = place(network(("a", Conv2d(64, 1, bias=False, split=split)), channels=64))
    assert [device["params"] for device in placed["devices"]] == loads
    assert [device["macs"] for device in placed["devices"]] == [16 * load for load in loads]
    assert placed["bounds"] == [{"layer": "a", "speedup": speedup}]
    assert placed["notes"] == [REPLICATED, UNCUT]


def test_layers_come_one_after_the_other_and_each_waits_for_its_busiest():
    """2 304 and 256 connections, then 256 and 2 304: either device has half of all, and waits for the other twice."""
    split, turned = Split.custom([(48, 48), (16, 16)]), Split.custom([(16, 16), (48, 48)])
    layers = [(name, Conv2d(64, 1, bias=False, split=of)) for name, of in (("a", split), ("b", turned))]
    placed = place(network(*layers, channels=64))
    assert {device["macs"] for device in placed["devices"]} == {16 * (2304 + 256)}
    assert placed["speedup"] == 2560 / 2304
    assert place(network(("pool", MaxPool2d(2))))["speedup"] is None


def test_a_variant_of_alexnet_keeps_its_history():
    original = load("alexnet-2012")
    variant = original.with_kinds({"conv2": Conv2d(256, 5, padding=2)})
    assert place(variant)["notes"][-2:] == place(original)["notes"][-2:]


def test_groups_go_whole_to_devices_in_order():
    placed = place(network(("a", conv(6, Split.uniform(3))), channels=6))
    assert [device["params"] for device in placed["devices"]] == [9 * 2 * 4 + 4, 9 * 1 * 4 + 2]
    assert placed["bounds"] == []
    split = [(8, 16), (8, 8), (8, 8)]
    crossed = crossings(network(("a", conv(24)), ("b", conv(32, Split.custom(split)))), 2)
    assert crossed == {"b": 4 * 16}  # 12 + 12 channels lie there, 8 + 16 are needed: 8 to 11 move
    assert balanced([1, 1, 1, 1, 1, 1], 4) == [0, 0, 1, 2, 2, 3]
    assert balanced([1024, 256, 64, 64], 3) == [0, 1, 2, 2]
    assert balanced([5, 1], 4) == [0, 1]


def test_more_devices_than_channels_leave_some_idle():
    placed = place(network(("a", conv(2)), ("b", conv(3))), 4)
    assert [device["activations"] for device in placed["devices"]] == [32, 32, 16, 0]
    assert placed["crossings"] == [{"layer": "b", "elements": (1 + 1 + 2) * 16, "why": DENSE}]


def test_what_has_crossed_once_stays():
    crossed = crossings(
        network(
            ("a", conv(8)), ("b", conv(8), "a"), ("c", conv(8), "a"), ("sum", Add(), "b", "c"), ("d", conv(4), "sum")
        )
    )
    assert crossed == {"b": 128, "d": 128}


def test_channelwise_layers_and_aligned_neighbours_exchange_nothing():
    halves = Split.uniform(2)
    assert crossings(
        network(
            ("a", conv(8, halves)), ("norm", BatchNorm2d()), ("b", conv(16, Split("depthwise"))),
            ("c", conv(8, halves)),
            ("add", Add(), "a", "c"), ("pool", MaxPool2d(2)), ("flat", Flatten()),
        )
    ) == {}  # fmt: skip


def test_a_sum_of_tensors_that_lie_differently():
    """10 channels: 5 + 5 against 8 + 2, as a group cannot be cut."""
    crossed = crossings(
        network(
            ("a", conv(10)), ("b", conv(10, Split.custom([(8, 8), (2, 2)])), "a"), ("sum", Add(), "a", "b"), channels=10
        )
    )
    assert crossed == {"b": 3 * 16, "sum": 3 * 16}


def test_concat_keeps_both_sides_where_they_are():
    """0 1 of a, 0 1 of b: the first group of c needs all of a, the second all of b."""
    joined = [("a", conv(8)), ("b", conv(8), "input"), ("ab", Concat(), "a", "b"), ("c", conv(8, Split.uniform(2)))]
    assert crossings(network(*joined)) == {"c": 8 * 16}


def test_norms_across_the_border_are_told():
    layers = ("a", conv(8)), ("lrn", LocalResponseNorm(5)), ("two", GroupNorm(2)), ("one", GroupNorm(1))
    assert place(network(*layers))["notes"] == [
        REPLICATED,
        "lrn: normalised within each device, as AlexNet's GPUs did; channels at the border of two devices do without"
        " their neighbours, and nothing crosses.",
        "one: groups lie on two devices, which exchange two sums a group for their mean and variance; these are not"
        " counted.",
    ]


@given(st.integers(1, 12), st.integers(1, 8), st.integers(1, 5))
def test_the_shuffle_by_its_definition(rows, groups, devices):
    """torch's ChannelShuffle: view (g, C/g), transpose; every channel is looked at by itself."""
    channels = rows * groups
    order = [group * rows + row for row in range(rows) for group in range(groups)]
    share = [channels // devices + (d < channels % devices) for d in range(devices)]
    device = [d for d, count in enumerate(share) for _ in range(count)]
    changed = sum(device[source] != device[target] for target, source in enumerate(order))
    assert crossings(network(("a", conv(channels)), ("s", ChannelShuffle(groups))), devices).get("s", 0) == 16 * changed


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1), st.randoms())
def test_moved_channels_one_by_one(runs, random):
    here = [device for device, count in runs for _ in range(count)]
    there = [random.randrange(4) for _ in here]
    if here:
        expected = sum(a != b for a, b in zip(here, there, strict=True))
        assert moved(merged(runs), merged((device, 1) for device in there)) == expected


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20), st.integers(1, 9))
@settings(max_examples=200)
def test_balanced_places_are_in_order_and_none_is_skipped(work, devices):
    places = balanced(work, devices)
    assert places == sorted(places)
    assert set(places) == set(range(min(devices, len(work))))


@pytest.mark.parametrize(
    ("devices", "says"),
    [
        (0, "devices must be from 1 to 64, not 0; use 1 to 64"),
        (65, "devices must be from 1 to 64, not 65; use 1 to 64"),
    ],
)
def test_a_number_of_devices_within_limits(devices, says):
    with pytest.raises(SpecError) as caught:
        place(load("nin"), devices)
    assert (caught.value.field, str(caught.value)) == ("devices", says)


def test_what_cannot_be_followed_is_refused_with_the_layer():
    doubled = [("a", conv(8))]
    for i in range(12):
        before = doubled[-1][0]
        doubled.append((f"cat{i}", Concat(), before, before))
    with pytest.raises(LayerError) as caught:
        place(network(*doubled))
    assert str(caught.value) == (
        "layer 13 'cat11' (Concat): its channels would lie in 8\u202f192 runs on the devices, and at most 4\u202f096"
        " can be followed; use fewer devices, or join fewer tensors"
    )
    with pytest.raises(LayerError) as caught:
        place(network(("a", conv(8192)), ("s", ChannelShuffle(4096))))
    assert (caught.value.field, caught.value.message) == (
        "s.groups",
        "layer 2 's' (ChannelShuffle): shuffling 4\u202f096 groups over 2 devices cannot be followed",
    )


def test_a_dense_layer_after_a_flatten_needs_the_other_half():
    layers = ("a", conv(8)), ("flat", Flatten()), ("fc", Linear(10))
    assert crossings(network(*layers), 2) == {"fc": 128}
    assert crossings(network(*layers), 4) == {"fc": 3 * 128}
