"""/api/stack and what lies under it, against a real server with a real engine: the numbers of compute, documented."""

import io
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx2
import numpy as np
import pytest
from zstandard import ZstdDecompressor

from app.stackschemas import Energies, Ink, Reachability, Scales, StackAnswer
from compute.device import prepare
from compute.grouping import Grouping
from compute.run import FeatureMaps, Runner
from compute.stack import Dye, StackSpec, describe_stack, reach
from compute.stackrun import StackRunner
from tests.app.stackanswers import FIRST, SMALL, got, opened_file, parts, photograph, read

UNEVEN = ((4, 1), (3, 7), (5, 4))
# A query and the stack it spells.
STACKS: dict[str, tuple[dict[str, Any], StackSpec]] = {
    "defaults": ({}, StackSpec(Grouping.logarithmic(64, 64, 4))),
    "shuffled": (
        {
            "size": 24, "in_channels": 12, "scheme": "uniform", "groups": 3, "modules": 5, "mixing": "shuffle",
            "downsample": "max", "stage": 2, "normalisation": "conv", "seed": 7,
        },
        StackSpec(
            Grouping.uniform(12, 12, 3), modules=5, mixing="shuffle", downsample="max", stage=2, normalisation="conv",
            seed=7, size=24,
        ),
    ),
    "rotated": (
        {
            "size": 17, "in_channels": 12, "scheme": "custom", "sizes": "4x1,3x7,5x4", "modules": 3,
            "mixing": "rotated", "kernel_size": "3,1", "dilation": "1,2", "bias": "false", "relu": "false",
            "gain": "cut",
        },
        StackSpec(
            Grouping.custom(UNEVEN), modules=3, kernel_size=(3, 1), dilation=(1, 2), bias=False, mixing="rotated",
            relu=False, gain="cut", size=17,
        ),
    ),
    "pointwise": (
        {
            "size": 20, "in_channels": 9, "base": 3, "groups": 2, "modules": 4, "residual": "false",
            "mixing": "pointwise", "downsample": "average", "stage": 3, "normalisation": "sum", "weights": "random",
        },
        StackSpec(
            Grouping.logarithmic(9, 9, 2, 3), modules=4, residual=False, mixing="pointwise", downsample="average",
            stage=3, normalisation="sum", weights="random", size=20,
        ),
    ),
}  # fmt: skip
SHUFFLED, SHUFFLED_SPEC = STACKS["shuffled"]
OTHER = {"b_scheme": "logarithmic", "b_groups": 2}
OTHER_OF_12 = Grouping.logarithmic(12, 12, 2)

stacks = pytest.mark.parametrize("query, spec", STACKS.values(), ids=STACKS)


@pytest.fixture(scope="module")
def runner() -> StackRunner:
    """compute itself, with as many threads as the server has."""
    prepare()
    return StackRunner(Runner("cpu"))


def assert_same_maps(body: bytes, made: FeatureMaps) -> dict[str, str]:
    """To the last bit; returns the metadata."""
    tensors, metadata = opened_file(body)
    assert set(tensors) == {"maps", "scale", "offset"}
    for name, tensor in tensors.items():
        expected = getattr(made, name)
        assert tensor.dtype == expected.dtype
        np.testing.assert_array_equal(tensor, expected, name)
    assert read(metadata["stats"]) == made.stats
    assert metadata["channels"] == "{}:{}".format(*made.channels)
    assert read(metadata["shape"]) == list(made.shape)
    assert metadata["averaged"] == str(made.averaged)
    assert (metadata["compute_dtype"], metadata["device"]) == ("float32", "cpu")
    return metadata


@stacks
def test_numbers_are_those_of_compute(http: httpx2.Client, query: dict[str, Any], spec: StackSpec) -> None:
    answer = http.get("/api/stack", params=query)
    StackAnswer.model_validate_json(answer.content)
    assert answer.json() == describe_stack(spec)


@stacks
def test_what_reaches_what(http: httpx2.Client, query: dict[str, Any], spec: StackSpec) -> None:
    for module in (0, spec.modules):
        answer = http.get("/api/stack/reach", params={**query, "module": module})
        Reachability.model_validate_json(answer.content)
        found = reach(spec, module)
        facts = {"module": module, "connected": found.connected, "share": found.share, "rows": found.texts()}
        assert answer.json() == facts


@stacks
def test_maps_are_those_of_compute(
    http: httpx2.Client, runner: StackRunner, query: dict[str, Any], spec: StackSpec
) -> None:
    for module in (0, 1, spec.modules):
        for point in ("input", "conv", "sum", "output"):
            body = got(http, "maps", module=module, point=point, dtype="float32", **query)
            metadata = assert_same_maps(body, runner.maps(photograph, "", spec, module, point=point))
            told = (metadata["module"], metadata["point"], metadata["side"], metadata["rotation"])
            assert told == (str(module), point, "a", str(spec.rotation(module)))
            assert read(metadata["groups"]) == describe_stack(spec)["groups"]


@stacks
def test_energies_scales_and_ink(
    http: httpx2.Client, runner: StackRunner, query: dict[str, Any], spec: StackSpec
) -> None:
    energies, scales, ink = got(http, "energy", **query), got(http, "scale", **query), got(http, "ink", **query)
    patch = got(http, "ink", dye="patch", dye_row=2, dye_column=3, dye_size=5, **query)
    Energies.model_validate_json(energies)
    Scales.model_validate_json(scales)
    Ink.model_validate_json(ink)
    Ink.model_validate_json(patch)
    assert read(energies) == runner.energy(photograph, "", spec)
    assert read(scales) == runner.scale(photograph, "", spec)
    assert read(ink) == runner.ink(photograph, "", spec, Dye("channel", 0))
    assert read(patch) == runner.ink(photograph, "", spec, Dye("patch", row=2, column=3, size=5))


@stacks
def test_one_value_taken_apart(
    http: httpx2.Client, runner: StackRunner, query: dict[str, Any], spec: StackSpec
) -> None:
    for module, channel, row, column in ((1, 3, 0, 5), (spec.modules, 8, 4, 0)):
        body = got(http, "pixel", module=module, channel=channel, row=row, column=column, **query)
        tensors, metadata = opened_file(body)
        pixel = runner.pixel(photograph, "", spec, module, channel, row, column)
        assert set(tensors) == {"patch", "kernel"}
        np.testing.assert_array_equal(tensors["patch"], pixel.patch)
        np.testing.assert_array_equal(tensors["kernel"], pixel.kernel)
        assert tensors["patch"].dtype == tensors["kernel"].dtype == np.float32
        assert {name: read(metadata[name]) for name in pixel.facts} == pixel.facts
        assert set(metadata) == {*pixel.facts, "compute_dtype", "device"}


@stacks
def test_redundancy(http: httpx2.Client, runner: StackRunner, query: dict[str, Any], spec: StackSpec) -> None:
    module = spec.modules
    tensors, metadata = opened_file(got(http, "redundancy", module=module, **query))
    found = runner.redundancy(photograph, "", spec, module)
    assert set(tensors) == {"correlation", "covariance"}
    np.testing.assert_array_equal(tensors["correlation"], found.correlation)
    np.testing.assert_array_equal(tensors["covariance"], found.covariance)
    assert {name: read(metadata[name]) for name in found.facts} == found.facts
    assert read(metadata["groups"]) == describe_stack(spec)["groups"]
    assert metadata["rotation"] == str(spec.rotation(module))


def test_the_second_grouping(http: httpx2.Client, runner: StackRunner) -> None:
    pair = {**SHUFFLED, **OTHER}
    spec, other = SHUFFLED_SPEC, OTHER_OF_12
    as_a = replace(spec, grouping=other)
    metadata = assert_same_maps(
        got(http, "maps", module=5, side="b", dtype="float32", **pair),
        runner.maps(photograph, "", spec, 5, other=other, side="b"),
    )
    assert read(metadata["groups"]) == describe_stack(as_a)["groups"]
    assert metadata["side"] == "b"
    assert read(got(http, "energy", side="b", **pair)) == runner.energy(photograph, "", spec, other=other, side="b")
    ink = read(got(http, "ink", side="b", dye_channel=11, **pair))
    assert ink == runner.ink(photograph, "", spec, Dye("channel", 11), other=other, side="b")
    _, metadata = opened_file(got(http, "pixel", side="b", module=2, channel=11, row=1, column=1, **pair))
    assert read(metadata["inputs"]) == list(range(6, 12))
    tensors, metadata = opened_file(got(http, "redundancy", side="b", module=2, **pair))
    expected = runner.redundancy(photograph, "", spec, 2, other=other, side="b")
    np.testing.assert_array_equal(tensors["covariance"], expected.covariance)
    assert read(metadata["groups"]) == describe_stack(as_a)["groups"]


def test_a_second_grouping_changes_nothing_of_the_first(http: httpx2.Client) -> None:
    for path, more in (("maps", {"module": 3}), ("pixel", {"channel": 2}), ("redundancy", {})):
        assert parts(got(http, path, **SHUFFLED, **OTHER, **more)) == parts(got(http, path, **SHUFFLED, **more))
    for path in ("energy", "ink"):
        assert got(http, path, **SHUFFLED, **OTHER) == got(http, path, **SHUFFLED)


def test_the_difference_is_a_minus_b(http: httpx2.Client) -> None:
    query = {**SHUFFLED, **OTHER, "module": 1, "point": "sum"}
    a, b, difference = (
        np.load(io.BytesIO(got(http, "maps.npy", side=side, **query))) for side in ("a", "b", "difference")
    )
    np.testing.assert_array_equal(difference, a - b)
    assert difference.min() < 0 < difference.max()
    _, metadata = opened_file(got(http, "maps", side="difference", **query))
    assert read(metadata["groups"]) == describe_stack(SHUFFLED_SPEC)["groups"]


@pytest.mark.parametrize("dyed", ["a", "b"])
def test_ink_as_maps_is_the_ink_in_numbers(http: httpx2.Client, dyed: str) -> None:
    dye = {"dye": "channel", "dye_channel": 4}
    numbers = read(got(http, "ink", side=dyed, **SHUFFLED, **OTHER, **dye))
    for module, row in enumerate([numbers["stem"], *numbers["modules"]]):
        body = got(http, "maps.npy", side="ink", dyed=dyed, module=module, **SHUFFLED, **OTHER, **dye)
        maps = np.load(io.BytesIO(body))
        np.testing.assert_array_equal(maps.max((1, 2)), np.array(row["max"], np.float32))
        np.testing.assert_allclose(maps.mean((1, 2)), row["mean"], rtol=1e-5)
        assert row["changed"] == int((maps.max((1, 2)) > 0).sum()) <= row["reachable"]


def test_an_array_is_the_float32_maps_whatever_dtype_says(http: httpx2.Client) -> None:
    address = f"/api/stack/maps.npy?image={FIRST['id']}&module=2&dtype=uint8&{urlencode(SMALL)}"
    answer = http.get(address)
    assert answer.headers["content-type"] == "application/x-npy"
    assert answer.headers["content-disposition"] == 'attachment; filename="stack-module-2-a-output.npy"'
    array = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert (array.dtype, array.shape, array.flags.c_contiguous) == (np.float32, (16, 16, 16), True)
    tensors, _ = opened_file(got(http, "maps", module=2, dtype="float32", **SMALL))
    np.testing.assert_array_equal(array, tensors["maps"])
    part = np.load(io.BytesIO(got(http, "maps.npy", module=2, channels="3:7", tile=4, **SMALL)))
    np.testing.assert_allclose(part, array[3:7].reshape(4, 4, 4, 4, 4).mean((2, 4)), rtol=1e-5, atol=1e-6)


def test_channels_tiles_and_bytes(http: httpx2.Client, runner: StackRunner) -> None:
    spec = StackSpec(Grouping.logarithmic(16, 16, 3), modules=2, size=16)
    for channels, tile, dtype in (((3, 7), None, "uint8"), (None, 5, "uint8"), ((0, 1), 5, "float32")):
        sent = {"channels": "{}:{}".format(*channels)} if channels else {}
        body = got(http, "maps", module=2, dtype=dtype, **sent, **({"tile": tile} if tile else {}), **SMALL)
        made = runner.maps(photograph, "", spec, 2, channels=channels, tile=tile, dtype=dtype)
        metadata = assert_same_maps(body, made)
        assert metadata["averaged"] == ("4" if tile else "1")


@pytest.mark.parametrize("residual", ["true", "false"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_first_module_is_the_layer_of_the_other_page(http: httpx2.Client, dtype: str, residual: str) -> None:
    """What its convolution answers in a residual module, and what leaves it without the identity."""
    same: dict[str, Any] = {"image": FIRST["id"], "size": 224, "seed": 5, "dtype": dtype, "gain": "cut", "groups": 5}
    point, relu = ("conv", "false") if residual == "true" else ("output", "true")
    layer = http.get("/api/feature-maps", params={**same, "relu": relu})
    stack = got(http, "maps", **same, module=1, residual=residual, point=point)
    ours, theirs = opened_file(stack), opened_file(layer.content)
    for name in ("maps", "scale", "offset"):
        np.testing.assert_array_equal(ours[0][name], theirs[0][name], name)
    for name in ("stats", "channels", "shape", "averaged"):
        assert ours[1][name] == theirs[1][name]


def test_what_shrinks_travels_squeezed_to_those_who_can_read_it(http: httpx2.Client) -> None:
    for path, squeezed in (
        ("maps?", True),
        ("maps?dtype=float32&", False),
        ("maps.npy?", False),
        ("pixel?", True),
        ("redundancy?", True),
    ):
        address = f"/api/stack/{path}{urlencode({'image': FIRST['id'], **SMALL})}"
        plain = http.get(address, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        with http.stream("GET", address, headers={"accept-encoding": "gzip, zstd"}) as answer:
            raw = b"".join(answer.iter_raw())
            assert (answer.headers.get("content-encoding") == "zstd") == squeezed
        body = ZstdDecompressor().decompress(raw) if squeezed else raw
        assert body == plain.content if path == "maps.npy?" else parts(body) == parts(plain.content)
        assert plain.headers["cache-control"] == "no-store"
        assert path == "maps.npy?" or plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("scheme", ["standard", "depthwise"])
def test_the_number_of_groups_is_ignored_where_the_scheme_decides(http: httpx2.Client, scheme: str) -> None:
    plain = http.get("/api/stack", params={"scheme": scheme})
    assert plain.status_code == 200
    for groups in ("5", "3000", "x"):
        assert http.get("/api/stack", params={"scheme": scheme, "groups": groups}).content == plain.content
        shared = {**SMALL, "module": 1, "side": "b", "b_scheme": scheme}
        assert parts(got(http, "maps", **shared, b_groups=groups)) == parts(got(http, "maps", **shared))
