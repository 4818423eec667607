from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from torch import nn

from compute import GroupedConv2d, Grouping, LogGroupModule, SpecError
from tests.compute.oracle import grouped_conv2d

AWKWARD = {"kernel_size": (3, 2), "stride": (2, 1), "padding": (0, 1), "dilation": (1, 2)}
UNEVEN = Grouping.custom(((3, 1), (2, 2), (2, 2), (1, 4)))


def dense_weight(layer: GroupedConv2d) -> torch.Tensor:
    """The standard convolution's weight that computes the same: zeros off the block diagonal."""
    weight = layer.filters()[0].new_zeros(layer.out_channels, layer.in_channels, *layer.kernel_size)
    for span, block in zip(layer.grouping.spans, layer.filters(), strict=True):
        rows = slice(span.out_start, span.out_start + span.out_channels)
        weight[rows, span.in_start : span.in_start + span.in_channels] = block
    return weight


@pytest.mark.parametrize(
    "grouping",
    [
        Grouping.standard(6, 4),
        Grouping.uniform(6, 4, 2),
        Grouping.depthwise(6, 12),
        Grouping.custom([(2, 3)] * 3),
        Grouping.logarithmic(6, 4, 2),
    ],
)
def test_equal_groups_are_nn_conv2d(grouping):
    pair = grouping.in_channels, grouping.out_channels
    torch.manual_seed(3)
    ours = GroupedConv2d(*pair, grouping=grouping, **AWKWARD)
    torch.manual_seed(3)
    theirs = nn.Conv2d(*pair, groups=grouping.groups, **AWKWARD)
    for name, tensor in theirs.state_dict().items():  # the same initial values, under the same names
        assert torch.equal(ours.state_dict()[name], tensor)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 6, 9, 8, requires_grad=True)
    twin = x.detach().clone().requires_grad_()
    (y, expected) = ours(x), theirs(twin)
    torch.testing.assert_close(y, expected, rtol=0, atol=0)
    y.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(x.grad, twin.grad)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
    torch.testing.assert_close(ours.bias.grad, theirs.bias.grad)


def test_defaults_are_nn_conv2ds():
    ours, theirs = GroupedConv2d(4, 6, 3), nn.Conv2d(4, 6, 3)
    for name in ("kernel_size", "stride", "padding", "dilation"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.bias is not None


def test_uneven_groups_against_loops():
    layer = GroupedConv2d(8, 9, grouping=UNEVEN, dtype=torch.double, **AWKWARD)
    x = torch.randn(8, 9, 8, dtype=torch.double)
    filters = [f.detach().numpy() for f in layer.filters()]
    expected, _ = grouped_conv2d(
        x.numpy(), filters, layer.bias.detach().numpy(), AWKWARD["stride"], AWKWARD["padding"], AWKWARD["dilation"]
    )
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=6),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.booleans(),
)
def test_a_grouped_layer_is_the_dense_one_with_connections_cut(sizes, kernel_size, bias):
    grouping = Grouping.custom(sizes)
    pair = grouping.in_channels, grouping.out_channels
    layer = GroupedConv2d(*pair, kernel_size, grouping, padding=1, bias=bias, dtype=torch.double)
    x = torch.randn(2, pair[0], 5, 6, dtype=torch.double)
    expected = torch.nn.functional.conv2d(x, dense_weight(layer), layer.bias, padding=1)
    torch.testing.assert_close(layer(x), expected)


def test_gradients_of_uneven_groups_are_the_dense_ones():
    layer = GroupedConv2d(8, 9, 3, UNEVEN, dtype=torch.double)
    dense = nn.Conv2d(8, 9, 3, dtype=torch.double)
    dense.load_state_dict({"weight": dense_weight(layer), "bias": layer.bias})
    x = torch.randn(2, 8, 6, 6, dtype=torch.double)
    layer(x).square().sum().backward()
    dense(x).square().sum().backward()
    for span, weight in zip(UNEVEN.spans, layer.weights, strict=True):
        rows = slice(span.out_start, span.out_start + span.out_channels)
        block = dense.weight.grad[rows, span.in_start : span.in_start + span.in_channels]
        torch.testing.assert_close(weight.grad, block)
    torch.testing.assert_close(layer.bias.grad, dense.bias.grad)


def test_permuting_the_groups_permutes_the_output():
    layer = GroupedConv2d(8, 9, 3, UNEVEN, bias=False)
    order = [2, 0, 3, 1]
    other = GroupedConv2d(8, 9, 3, Grouping.custom([UNEVEN.sizes[j] for j in order]), bias=False)
    with torch.no_grad():
        for mine, j in zip(other.weights, order, strict=True):
            mine.copy_(layer.weights[j])
    x = torch.randn(1, 8, 5, 5)
    spans = UNEVEN.spans
    inputs = [c for j in order for c in range(spans[j].in_start, spans[j].in_start + spans[j].in_channels)]
    outputs = [c for j in order for c in range(spans[j].out_start, spans[j].out_start + spans[j].out_channels)]
    torch.testing.assert_close(other(x[:, inputs]), layer(x)[:, outputs])


def test_uneven_state_dict_round_trip_and_training_step():
    layer, other = (GroupedConv2d(8, 9, 3, UNEVEN) for _ in range(2))
    assert list(layer.state_dict()) == ["bias", "weights.0", "weights.1", "weights.2", "weights.3"]
    other.load_state_dict(layer.state_dict())
    x = torch.randn(1, 8, 5, 5)
    assert torch.equal(layer(x), other(x))
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.01)
    before = layer(x).square().mean()
    before.backward()
    optimiser.step()
    assert layer(x).square().mean() < before


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.half, torch.double])
def test_other_dtypes(dtype):
    layer = GroupedConv2d(8, 9, 3, UNEVEN, dtype=dtype)
    x = torch.randn(1, 8, 6, 6, dtype=dtype)
    exact = torch.nn.functional.conv2d(x.double(), dense_weight(layer).double(), layer.bias.double())
    assert layer(x).dtype == dtype
    torch.testing.assert_close(layer(x).double(), exact, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("grouping", [UNEVEN, Grouping.uniform(8, 8, 2)])
def test_channels_last_goes_through(grouping):
    layer = GroupedConv2d(8, grouping.out_channels, 3, grouping)
    x = torch.randn(2, 8, 6, 6)
    y = layer(x.to(memory_format=torch.channels_last))
    assert y.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(y, layer(x))


def test_unbatched_input_and_wrong_input():
    layer = GroupedConv2d(8, 9, 3, UNEVEN, padding="same")
    x = torch.randn(8, 6, 6)
    torch.testing.assert_close(layer(x), layer(x[None])[0])
    with pytest.raises(SpecError, match=r"input must be \(N, 8, H, W\) or \(8, H, W\), not \(1, 7, 6, 6\)"):
        layer(torch.randn(1, 7, 6, 6))


@pytest.mark.parametrize(
    "options", [{"grouping": 4}, {"padding": "full"}, {"padding": "same", "stride": 2}, {"kernel_size": 0}]
)
def test_wrong_options(options):
    with pytest.raises(SpecError):
        GroupedConv2d(**{"in_channels": 8, "out_channels": 9, "kernel_size": 3, "grouping": UNEVEN} | options)


def test_a_grouping_of_other_channels_is_refused():
    with pytest.raises(SpecError, match="grouping splits 8 -> 9 channels, the layer has 8 -> 8"):
        GroupedConv2d(8, 8, 3, UNEVEN)


VECTORS = Path(onnx.__file__).parent / "backend/test/data/pytorch-converted"


@pytest.mark.parametrize("folder", sorted(VECTORS.glob("test_Conv2d*")), ids=lambda folder: folder.name)
def test_against_onnx_backend_vectors(folder):
    model = onnx.load(folder / "model.onnx")
    (node,) = [n for n in model.graph.node if n.op_type == "Conv"]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    weights = {w.name: torch.from_numpy(numpy_helper.to_array(w).copy()) for w in model.graph.initializer}
    weight, *bias = (weights[name] for name in node.input[1:])
    groups = attributes["group"]
    in_channels, out_channels = weight.shape[1] * groups, weight.shape[0]
    layer = GroupedConv2d(
        *(in_channels, out_channels, tuple(attributes["kernel_shape"])),
        Grouping.uniform(in_channels, out_channels, groups),
        stride=tuple(attributes["strides"]),
        padding=tuple(attributes["pads"][:2]),
        dilation=tuple(attributes["dilations"]),
        bias=bool(bias),
    )
    layer.load_state_dict({"weight": weight} | ({"bias": bias[0]} if bias else {}))
    tensors = []
    for name in ("input_0", "output_0"):
        tensor = onnx.TensorProto()
        tensor.ParseFromString((folder / "test_data_set_0" / f"{name}.pb").read_bytes())
        tensors.append(torch.from_numpy(numpy_helper.to_array(tensor).copy()))
    torch.testing.assert_close(layer(tensors[0]), tensors[1], rtol=1e-4, atol=1e-5)


def test_the_residual_module():
    module = LogGroupModule(16, groups=3)
    x = torch.randn(2, 16, 7, 7)
    expected = torch.relu(torch.nn.functional.conv2d(x, dense_weight(module.conv), module.conv.bias, padding=1) + x)
    torch.testing.assert_close(module(x), expected)
    assert module.conv.grouping == Grouping.logarithmic(16, 16, 3)


@pytest.mark.parametrize("options", [{"out_channels": 32}, {"stride": 2}])
def test_no_identity_where_shapes_differ(options):
    with pytest.raises(SpecError, match="the identity needs the same shape on both sides"):
        LogGroupModule(16, **options)
    module = LogGroupModule(16, **options, projection=True)
    y = module(torch.randn(1, 16, 8, 8))
    assert y.shape[1] == options.get("out_channels", 16)


@pytest.mark.parametrize("options", [{"kernel_size": 4}, {"padding": 0}])
def test_no_projection_helps_a_kernel_that_shrinks(options):
    with pytest.raises(SpecError, match="use an odd kernel_size"):
        LogGroupModule(16, **options, projection=True)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.half, torch.bfloat16])
def test_the_device_agrees_with_the_cpu(dtype):
    layer = GroupedConv2d(8, 9, 3, UNEVEN)
    x = torch.randn(2, 8, 16, 16)
    expected = layer(x)
    y = layer.to("cuda", dtype)(x.to("cuda", dtype))
    tolerance = 1e-4 if dtype == torch.float32 else 0.03
    torch.testing.assert_close(y.float().cpu(), expected, rtol=tolerance, atol=tolerance)
