"""Documents: what is inferred and checked, and the limits on what no parameter states."""

import pytest

from compute import SpecError
from compute.network import LayerError, Limits, read, write
from compute.network.document import STATED
from compute.network.kinds import KINDS
from compute.networks import IDS, load

LAYERS = {
    "Conv2d": [{"kind": "Conv2d", "out_channels": 4, "kernel_size": 1}],
    "Linear": [{"kind": "Flatten"}, {"kind": "Linear", "out_features": 4}],
    "BatchNorm2d": [{"kind": "BatchNorm2d"}],
    "GroupNorm": [{"kind": "GroupNorm", "num_groups": 2}],
}


def document(kind: str, **parameters) -> dict:
    *before, last = LAYERS[kind]
    return {"input_shape": [6, 3, 2], "layers": [*before, {**last, **parameters}]}


@pytest.mark.parametrize("name", IDS)
def test_what_is_written_is_read_again(name):
    assert read(write(load(name))).layers == load(name).layers


@pytest.mark.parametrize(("kind", "actual"), [("Conv2d", 6), ("Linear", 36), ("BatchNorm2d", 6), ("GroupNorm", 6)])
def test_a_stated_input_is_checked_and_left_out(kind, actual):
    key = STATED[kind]
    plain = read(document(kind))
    assert read(document(kind, **{key: actual})) == plain
    for wrong, shown in ((actual + 1, actual + 1), (True, "True"), (str(actual), f"'{actual}'"), (None, "None")):
        with pytest.raises(LayerError) as caught:
            read(document(kind, **{key: wrong}))
        number = len(plain.layers)
        assert caught.value.field == f"layer{number}.{key}"
        assert str(caught.value) == (
            f"layer {number} 'layer{number}' ({kind}): {key} must be what its input has: {actual}, not {shown};"
            f" write {actual}, or leave it out"
        )


def test_no_kind_takes_the_input_of_another():
    own = {"kernel_size": 1, "output_size": 1, "num_groups": 1, "groups": 1, "size": 1, "out_channels": 4}
    for kind in set(KINDS) - {"Linear", "Add", "Concat"}:
        needed = {key: value for key, value in own.items() if key in KINDS[kind].__dataclass_fields__}
        layer = {"kind": kind, **needed}
        assert read({"input_shape": [6, 3, 2], "layers": [layer]})
        for key in set(STATED.values()) - {STATED.get(kind)}:
            with pytest.raises(LayerError) as caught:
                read({"input_shape": [6, 3, 2], "layers": [{**layer, key: 6}]})
            assert caught.value.field == f"layer1.{key}"
            assert caught.value.message == f"layer 1 'layer1' ({kind}): '{key}' is no parameter of {kind}"
            assert caught.value.code == "unknown_name"


def test_a_vector_has_as_many_features_as_its_limit_at_most():
    limits = Limits(channels=4, resolution=2)
    assert limits.features == 16
    flat = {"kind": "Flatten"}
    assert read({"input_shape": [4, 2, 2], "layers": [flat]}, limits).shapes["layer1"] == (16,)
    layers = [{**flat, "name": "a"}, {"kind": "Concat", "inputs": ["a", "a"]}]
    with pytest.raises(LayerError) as caught:
        read({"input_shape": [4, 2, 2], "layers": layers}, limits)
    assert (caught.value.field, str(caught.value)) == (
        "layer2.inputs",
        "layer 2 'layer2' (Concat): its output may have at most 16 features, not 32; join fewer layers",
    )


@pytest.mark.parametrize(
    ("wrong", "field", "message"),
    [
        ([], None, "a network must be an object, not a list of 0; write {...}"),
        ({}, "layers", 'a network needs layers; such as [{"kind": "Flatten"}]'),
        ({"layers": {}}, "layers", "layers must be a list, not an object of 0; write [...]"),
        (
            {"layers": [{"kind": []}]},
            "layer1.kind",
            f"layer 1 'layer1' (a list of 0): a list of 0 is no kind of layer; known: {', '.join(KINDS)}",
        ),
        (
            {"layers": [{}]},
            "layer1.kind",
            'layer 1 \'layer1\' (no kind): a layer needs a kind; such as "kind": "Conv2d"',
        ),
    ],
)
def test_what_is_no_network(wrong, field, message):
    with pytest.raises(SpecError) as caught:
        read(wrong)
    assert (caught.value.field, str(caught.value)) == (field, message)
