import pytest

from compute.network import Layer, LayerError, Network
from compute.network.kinds import ReLU, Sigmoid


def test_a_name_taken_twice_is_the_second_layers_fault():
    layers = (Layer("a", ReLU()), Layer("b", ReLU()), Layer("a", Sigmoid()))
    with pytest.raises(LayerError) as caught:
        Network(layers, (3, 4, 4))
    assert str(caught.value) == (
        "layer 3 'a' (Sigmoid): every layer needs a name of its own, and 'a' is taken already; rename it"
    )
    assert caught.value.field == "a.name"
