import pytest

from compute.network import Layer, LayerError, Network, read, write
from compute.network.code import network_code
from compute.network.graph import MAX_WORDS
from compute.network.kinds import Conv2d, ReLU, Sigmoid
from compute.networks import load


def test_a_name_taken_twice_is_the_second_layers_fault():
    layers = (Layer("a", ReLU()), Layer("b", ReLU()), Layer("a", Sigmoid()))
    with pytest.raises(LayerError) as caught:
        Network(layers, (3, 4, 4))
    assert str(caught.value) == (
        "layer 3 'a' (Sigmoid): every layer needs a name of its own, and 'a' is taken already; rename it"
    )
    assert caught.value.field == "a.name"


def test_a_changed_network_does_not_pass_for_its_source():
    original = load("alexnet-2012")
    changed = original.with_kinds({"conv2": Conv2d(256, 5, padding=2)})
    again = changed.with_kinds({"conv4": Conv2d(384, 3, padding=1)})
    for network in (changed, again):
        assert network.name == "AlexNet (2012), changed"
        assert network.source == f"after AlexNet (2012): {original.source}"
        assert (network.convention, network.published) == ("", None)
        document = write(network)
        assert (document["name"], document["source"], "convention" in document) == (network.name, network.source, False)
        code = network_code(network)
        assert "NAME = 'AlexNet (2012), changed'" in code.replace('"', "'")
        assert "The totals in the source" not in code
    assert write(original)["convention"] == original.convention


def test_the_same_kinds_are_no_change():
    original = load("alexnet-2012")
    assert original.with_kinds({layer.name: layer.kind for layer in original.layers}) is original
    assert original.with_kinds({}) is original


def test_the_words_of_a_change_keep_to_the_limits_of_a_document():
    layers = (Layer("a", Conv2d(4, 1)),)
    long = Network(layers, (3, 4, 4), "n" * MAX_WORDS, "s" * MAX_WORDS)
    changed = long.with_kinds({"a": Conv2d(5, 1)})
    assert changed.name == "n" * (MAX_WORDS - 9) + ", changed"
    assert len(changed.source) == MAX_WORDS
    assert read(write(changed)) == changed
    assert Network(layers, (3, 4, 4)).with_kinds({"a": Conv2d(5, 1)}).name == ""
