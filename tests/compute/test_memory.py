from fractions import Fraction

import numpy as np
import pytest
import torch

from compute import SpecError
from compute.network import Layer, Network, read
from compute.network.kinds import Flatten, ReLU
from compute.network.memory import DTYPES, OPTIMIZERS, budget, largest_batch, training_memory
from compute.networks import IDS, load
from tests.compute.exported import kinds, module, saved_bytes, small, wild

GIB = 2**30
# The smallest images at which every layer of these networks still has something to do.
SMALL = {
    "alexnet-2012": 67, "vgg-16": 64, "resnet-50": 33, "mobilenet-v2": 33, "shufflenet-v1-g3": 33,
    "squeezenet-1.0": 33, "log-group-cnn": 32,
}  # fmt: skip


def kept(network: Network, batch: int, dtype: str = "float32") -> tuple[int, int]:
    """(saved activation bytes by torch's bookkeeping, by ours)."""
    model, image = module(network), torch.randn(batch, *network.input_shape)
    theirs = saved_bytes(model.to(getattr(torch, dtype)), image.to(getattr(torch, dtype)))
    return theirs, training_memory(network, batch, dtype)["saved_activation_bytes"]


@pytest.mark.parametrize("name, ways", kinds())
def test_every_kind_keeps_what_torch_keeps(name, ways):
    for parameters in ways:
        for first in ([], [{"kind": "Conv2d", "out_channels": 8, "kernel_size": 1}]):  # nothing or something to train
            flat = [{"kind": "Flatten"}] if name == "Linear" else []
            layers = [*first, *flat, {"kind": name, **parameters}]
            network = read({"input_shape": [8, 9, 7], "layers": layers})
            for dtype in DTYPES if name != "LocalResponseNorm" else ("float32",):  # torch's has no halves on a CPU
                theirs, ours = kept(network, 3, dtype)
                assert ours == theirs, (parameters, first, dtype)


@pytest.mark.parametrize("seed", range(100, 112))
def test_networks_drawn_at_random(seed):
    theirs, ours = kept(wild(seed), 2)
    assert ours == theirs > 0


@pytest.mark.parametrize("name", SMALL)
def test_published_networks_agree_with_torch_to_the_byte(name):
    network = small(name, SMALL[name])
    model = module(network)
    for batch in (1, 2, 3):
        theirs = saved_bytes(model, torch.randn(batch, *network.input_shape))
        assert training_memory(network, batch)["saved_activation_bytes"] == theirs


@pytest.mark.parametrize("name", ["resnet-50", "shufflenet-v1-g3", "squeezenet-1.0"])
def test_published_networks_in_bfloat16(name):
    theirs, ours = kept(small(name, SMALL[name]), 2, "bfloat16")
    assert ours == theirs


@pytest.mark.parametrize("name", IDS)
def test_published_networks_at_full_size(name):
    network = load(name)
    theirs = saved_bytes(module(network, "meta"), torch.empty(32, *network.input_shape, device="meta"))
    assert training_memory(network, 32)["saved_activation_bytes"] == theirs


@pytest.mark.parametrize(
    "optimizer, make",
    [
        ("sgd", lambda parameters: torch.optim.SGD(parameters, lr=0.1)),
        ("momentum", lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9)),
        ("adam", lambda parameters: torch.optim.Adam(parameters)),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_gradients_and_optimizer_state_are_torchs(optimizer, make, dtype):
    network = small("log-group-cnn", 32)
    model = module(network).to(getattr(torch, dtype))
    optimizing = make(model.parameters())
    model(torch.randn(2, *network.input_shape).to(getattr(torch, dtype))).float().square().sum().backward()
    optimizing.step()
    states = [value for state in optimizing.state.values() for key, value in state.items() if key != "step"]
    memory = training_memory(network, 2, dtype, optimizer)
    assert {key: memory[key] for key in ("weight_bytes", "gradient_bytes", "optimizer_bytes")} == {
        "weight_bytes": sum(p.nbytes for p in model.parameters()),
        "gradient_bytes": sum(p.grad.nbytes for p in model.parameters()),
        "optimizer_bytes": sum(tensor.nbytes for tensor in states if tensor is not None),
    }


def test_a_network_counted_by_hand():
    network = read(
        {
            "input_shape": [3, 8, 8],
            "layers": [
                {"kind": "ReLU", "name": "before"},  # nothing to train yet: keeps nothing
                {"kind": "Conv2d", "name": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1, "bias": False},
                {"kind": "BatchNorm2d", "name": "norm"},
                {"kind": "ReLU", "name": "relu"},
                {"kind": "MaxPool2d", "name": "pool", "kernel_size": 2},
                {"kind": "Conv2d", "name": "grouped", "out_channels": 4, "kernel_size": 1, "groups": 2},
                {"kind": "Add", "name": "add", "inputs": ["grouped", "pool"]},
                {"kind": "Flatten", "name": "flatten"},
                {"kind": "Dropout", "name": "dropout"},
                {"kind": "Linear", "name": "fc", "out_features": 10},
            ],
        }
    )
    params = 3 * 4 * 9 + 8 + (4 * 2 + 4) + (64 * 10 + 10)
    rows = {
        "before": 0,
        "conv": 2 * 4 * 3 * 64,  # the output of `before`
        "norm": 2 * 4 * 4 * 64 + 4 * 4 * 4,  # the convolution's output; four vectors of four channels
        "relu": 2 * 4 * 4 * 64,  # its output
        "pool": 2 * 8 * 4 * 16,  # places in int64; its input is relu's output, kept already
        "grouped": 2 * 4 * 4 * 16,  # pool's output
        "add": 0,
        "flatten": 0,
        "dropout": 2 * 4 * 64,  # the mask
        "fc": 2 * 4 * 64,  # its input
    }
    fixed = 4 * 4 * params + 64
    saved = sum(rows.values())
    memory = training_memory(network, 2, optimizer="adam")
    notes = memory.pop("not_counted")
    assert memory == {
        "batch": 2,
        "dtype": "float32",
        "optimizer": "adam",
        "weight_bytes": 4 * params,
        "gradient_bytes": 4 * params,
        "optimizer_bytes": 8 * params,
        "saved_activation_bytes": saved,
        "total_bytes": 16 * params + saved,
        "per_image_bytes": (saved - 64) // 2,
        "fixed_bytes": fixed,
        "rows": [{"name": name, "saved_bytes": size} for name, size in rows.items()],
    }
    for word in ("workspace", "gradients of activations", "CUDA context", "fragmentation", "input pipeline", "GiB"):
        assert sum(word in note for note in notes) == 1
    assert kept(network, 2) == (saved, saved)


@pytest.mark.parametrize("name", IDS)
def test_the_largest_batch_fits_and_the_next_does_not(name):
    network = load(name)
    for dtype in DTYPES:
        for optimizer in OPTIMIZERS:

            def total(batch, dtype=dtype, optimizer=optimizer):
                return training_memory(network, batch, dtype, optimizer)["total_bytes"]

            for gigabytes in (1.5, 3, 8, 24, 80):
                batch = largest_batch(network, budget(gigabytes), dtype, optimizer)
                assert batch == 0 or total(batch) <= budget(gigabytes)
                assert total(batch + 1) > budget(gigabytes)
            assert largest_batch(network, total(1), dtype, optimizer) == 1
            assert largest_batch(network, total(1) - 1, dtype, optimizer) == 0
            assert largest_batch(network, total(7), dtype, optimizer) == 7
            assert largest_batch(network, total(7) - 1, dtype, optimizer) == 6


def test_no_batch_where_the_weights_alone_are_too_large():
    assert largest_batch(load("vgg-16"), 138_357_544 * 16, optimizer="adam") == 0
    assert largest_batch(load("vgg-16"), 0) == 0


@pytest.mark.parametrize(
    "gigabytes, expected",
    [(1.5, 3 * GIB // 2), (3, 3 * GIB), (80.0, 80 * GIB), (0.1, 107374182), (Fraction(1, 3), GIB // 3), (1e-12, 0)],
)
def test_a_budget_in_bytes(gigabytes, expected):
    assert budget(gigabytes) == expected


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), 1_000_001, True, "8", None])
def test_a_budget_that_is_none(wrong):
    with pytest.raises(SpecError) as caught:
        budget(wrong)
    assert str(caught.value) == f"budget_gb must be a number above 0, at most 1000000, not {wrong!r}; such as 8"
    assert caught.value.field == "budget_gb"


@pytest.mark.parametrize(
    "options, message, field",
    [
        ({"batch": 0}, "batch must be at least 1, not 0; use 1 or more", "batch"),
        ({"batch": 1.5}, "batch must be a whole number, not 1.5; write digits only, such as 64", "batch"),
        ({"dtype": "int8"}, "dtype must be one of float32, float16, bfloat16, not 'int8'; use float32", "dtype"),
        ({"optimizer": "SGD"}, "optimizer must be one of sgd, momentum, adam, not 'SGD'; use sgd", "optimizer"),
    ],
)
def test_what_cannot_be_asked_for(options, message, field):
    with pytest.raises(SpecError) as caught:
        training_memory(load("log-group-cnn"), **options)
    assert (str(caught.value), caught.value.field) == (message, field)


def test_a_network_without_parameters_has_no_largest_batch():
    network = Network((Layer("relu", ReLU()), Layer("flat", Flatten())), (3, 4, 4))
    assert training_memory(network, 5)["total_bytes"] == 0
    with pytest.raises(SpecError) as caught:
        largest_batch(network, GIB)
    assert str(caught.value) == (
        "a network without parameters has no largest batch: nothing is kept for a backward pass;"
        " add a layer with weights, such as a Conv2d"
    )
    assert caught.value.code == "nothing_to_train"


def test_numpys_batch_is_a_batch():
    assert training_memory(load("log-group-cnn"), np.int64(3)) == training_memory(load("log-group-cnn"), 3)
