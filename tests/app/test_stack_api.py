"""/api/stack and what lies under it, against a real server with a real engine: the numbers of compute, documented."""

import asyncio
import io
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load
from starlette.testclient import TestClient
from torch import Tensor
from zstandard import ZstdDecompressor

from app.answers import Answerer
from app.main import create_app
from app.questions import (
    Sent,
    StackEnergy,
    StackInk,
    StackMaps,
    StackPixel,
    StackQuestion,
    StackRedundancy,
    StackScale,
)
from app.schemas import Failure, Model
from app.settings import PROJECT, Settings
from app.stackschemas import Energies, Ink, Reachability, Scales, StackAnswer
from app.store import opened
from compute.device import prepare
from compute.errors import SpecError
from compute.grouping import Grouping
from compute.run import FeatureMaps, Runner
from compute.stack import Dye, StackSpec, describe_stack, reach
from compute.stackrun import StackRunner
from tests.app import zoo
from tests.app.asgi import Answer, request

SAMPLES = PROJECT / "static/samples"
FIRST = json.loads((SAMPLES / "samples.json").read_text("utf-8"))[0]
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
SMALL = {"size": 16, "in_channels": 16, "groups": 3, "modules": 2}

stacks = pytest.mark.parametrize("query, spec", STACKS.values(), ids=STACKS)


@pytest.fixture(scope="module")
def http(server: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def runner() -> StackRunner:
    """compute itself, with as many threads as the server has."""
    prepare()
    return StackRunner(Runner("cpu"))


def photograph() -> Image.Image:
    return opened(SAMPLES / FIRST["file"])


def got(http: httpx2.Client, path: str, /, **query: Any) -> bytes:
    """Body of a route that takes the first sample."""
    answer = http.get(f"/api/stack/{path}", params={"image": FIRST["id"], **query})
    assert answer.status_code == 200, answer.text
    return answer.content


def opened_file(body: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Tensors and metadata of a safetensors file."""
    length = int.from_bytes(body[:8], "little")
    return load(body), json.loads(body[8 : 8 + length])["__metadata__"]


def parts(body: bytes) -> tuple[dict[str, bytes], dict[str, str]]:
    """The same to compare: the metadata of a file have no order."""
    tensors, metadata = opened_file(body)
    return {name: tensor.tobytes() for name, tensor in tensors.items()}, metadata


def read(text: str | bytes) -> Any:
    """JSON as its standard has it: without NaN and Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


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


ONE_SIDE = "there is no side b: no second grouping is given"
BAD = [
    ("", "modules=0", "modules", "modules must be from 1 to 16, not '0'", "use 1"),
    ("", "stage=17", "stage", "stage must be from 1 to 16, not '17'", "use 16"),
    (
        "",
        "mixing=stir",
        "mixing",
        "mixing must be one of none, shuffle, pointwise, rotated, not 'stir'",
        "use none, shuffle, pointwise or rotated",
    ),
    (
        "",
        "kernel_size=4,3",
        "kernel_size",
        "the modules of a stack keep the size: dilation × (kernel_size − 1) must be even, and 1 × (4 − 1) = 3 is odd",
        "use an odd kernel_size such as 3, or an even dilation",
    ),
    (
        "",
        "size=5&downsample=max&stage=1&modules=4",
        "stage",
        "module 4 would have no pixels left: a size of 5 can't be halved 3 times",
        "use a stage of 2 or more, or fewer than 4 modules",
    ),
    (
        "",
        "size=4&downsample=max&stage=1&modules=3&normalisation=conv",
        "normalisation",
        "a normalisation needs more than one pixel of each map, and the last module has 1 × 1",
        "use none, or a larger size",
    ),
    (
        "",
        "mixing=rotated&in_channels=3&groups=1",
        "in_channels",
        "a split rotated by a quarter of the channels needs at least 4 of them, not 3",
        "use 4 channels, or another mixing",
    ),
    (
        "",
        "scheme=uniform&groups=5",
        "groups",
        "groups must divide in_channels: 64 % 5 = 4",
        "use 1, 2, 4, 8, 16, 32 or 64",
    ),
    (
        "",
        "scheme=custom&sizes=32x16,32x16",
        "sizes",
        "the out sides of sizes must sum to in_channels: they sum to 32, not 64",
        "make both sides of the groups sum to in_channels = 64",
    ),
    (
        "",
        "scheme=custom&sizes=3x64",
        "sizes",
        "the in sides of sizes must sum to in_channels: they sum to 3, not 64",
        "make both sides of the groups sum to in_channels = 64",
    ),
    (
        "",
        "scheme=custom",
        "sizes",
        "a custom split needs sizes",
        "make both sides of the groups sum to in_channels = 64",
    ),
    ("", "out_channels=64", "out_channels", "'out_channels' is no parameter of this address", None),
    ("reach", "modules=3&module=4", "module", "module must be from 0 to 3, not 4", "use 0 to 3"),
    ("maps", "module=9", "module", "module must be from 0 to 8, not 9", "use 0 to 8"),
    ("maps.npy", "module=17", "module", "module must be from 0 to 16, not '17'", "use 16"),
    (
        "maps",
        "channels=60:65",
        "channels",
        "channels must end at in_channels = 64 or before, not at 65",
        "use 0:64 for all",
    ),
    (
        "maps",
        "side=c",
        "side",
        "side must be one of a, b, difference, ink, not 'c'",
        "use a, b, difference or ink",
    ),
    ("maps", "side=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("maps", "side=difference", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("maps", "side=ink&dye=channel&dyed=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("energy", "side=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("pixel", "side=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("redundancy", "side=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("ink", "side=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("maps", "side=ink", "dye", "there is no ink: nothing is dyed", "give dye=channel or dye=patch"),
    (
        "maps",
        "side=ink&dye=channel&dye_channel=64",
        "dye_channel",
        "dye_channel must be from 0 to 63, not 64",
        "use 0 to 63",
    ),
    ("ink", "dye_channel=64", "dye_channel", "dye_channel must be from 0 to 63, not 64", "use 0 to 63"),
    ("ink", "dye=patch&dye_size=113", "dye_size", "dye_size must be from 1 to 112, not 113", "use 1 to 112"),
    ("ink", "dye=patch&dye_row=97", "dye_row", "dye_row must be from 0 to 96, not 97", "use 0 to 96"),
    ("ink", "dye=patch&dye_column=97", "dye_column", "dye_column must be from 0 to 96, not 97", "use 0 to 96"),
    ("pixel", "module=0", "module", "module must be from 1 to 8, not 0", "use 1 to 8"),
    ("pixel", "channel=64", "channel", "channel must be from 0 to 63, not 64", "use 0 to 63"),
    ("pixel", "row=112", "row", "row must be from 0 to 111, not 112", "use 0 to 111"),
    (
        "pixel",
        "downsample=average&stage=1&modules=4&module=3&column=28",
        "column",
        "column must be from 0 to 27, not 28",
        "use 0 to 27",
    ),
    ("redundancy", "module=0", "module", "module must be from 1 to 8, not 0", "use 1 to 8"),
    (
        "maps",
        "b_scheme=uniform&b_groups=5",
        "b_groups",
        "groups must divide in_channels: 64 % 5 = 4",
        "use 1, 2, 4, 8, 16, 32 or 64",
    ),
    ("maps", "b_scheme=logarithmic&b_base=65", "b_base", "b_base must be from 2 to 64, not '65'", "use 64"),
    (
        "energy",
        "b_scheme=logarithmic&b_groups=9",
        "b_groups",
        "every group needs a channel on both sides: 64 channels have room for at most 7 logarithmic groups of base 2,"
        " not 9",
        "use 1, 2, 3, 4, 5, 6 or 7",
    ),
    (
        "ink",
        "b_scheme=custom&b_sizes=64x60",
        "b_sizes",
        "the out sides of sizes must sum to in_channels: they sum to 60, not 64",
        "make both sides of the groups sum to in_channels = 64",
    ),
    (
        "pixel",
        "b_scheme=custom",
        "b_sizes",
        "a custom split needs sizes",
        "make both sides of the groups sum to in_channels = 64",
    ),
]


@pytest.mark.parametrize("path, query, field, message, hint", BAD, ids=[f"{path}?{query}" for path, query, *_ in BAD])
def test_a_refusal_says_rule_value_and_way_out(
    http: httpx2.Client, path: str, query: str, field: str, message: str, hint: str | None
) -> None:
    image = f"image={FIRST['id']}&" if path not in ("", "reach") else ""
    answer = http.get(f"/api/stack{'/' if path else ''}{path}?{image}{query}")
    error = Failure.model_validate_json(answer.content).error
    assert (answer.status_code, error.field, error.message) == (422, field, message)
    assert error.hint == hint if hint else error.hint


def spelt(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


LIMIT = f"feature maps may need at most {spelt(100 * 10**9)} multiply-accumulates"
STEM = 27 * 64 * 700**2
STANDARD = {"size": 700, "scheme": "standard"}
ONE = 9 * 64**2 * 700**2
TOO_MUCH = {
    "maps as far as the module": (
        "maps",
        {**STANDARD, "module": 6},
        "size",
        f"{LIMIT}, and these need",
        6 * ONE + STEM,
    ),
    "both sides": (
        "maps",
        {"size": 700, "b_scheme": "standard", "module": 3, "side": "difference"},
        "size",
        f"{LIMIT}, and these need",
        2 * (3 * ONE + STEM),
    ),
    "one arm": ("scale", {**STANDARD, "modules": 6}, "size", f"{LIMIT}, and these need", 6 * ONE + STEM),
    "energies": ("energy", {**STANDARD, "modules": 2}, "size", f"{LIMIT}, and these need", 3 * (2 * ONE + STEM)),
    "maps of one module": (
        "maps.npy",
        {"in_channels": 2048, "size": 1024, "module": 1},
        "size",
        f"feature maps may need at most {spelt(2**25)} elements of one module's maps, and these need",
        2**31,
    ),
    "maps of all modules": (
        "ink",
        {"in_channels": 2048, "size": 112, "scheme": "depthwise", "kernel_size": 1, "modules": 16},
        "size",
        f"feature maps may need at most {spelt(2**30)} elements of all modules' maps, and these need",
        3 * 17 * 2048 * 112**2,
    ),
    "weights": (
        "pixel",
        {"in_channels": 2048, "size": 8, "scheme": "standard", "module": 4},
        "kernel_size",
        f"feature maps may need at most {spelt(2**27)} weights, and these need",
        4 * (9 * 2048**2 + 2048),
    ),
    "pairs of maps": (
        "redundancy",
        {"in_channels": 2048, "size": 112, "scheme": "depthwise", "module": 2},
        "size",
        f"feature maps may need at most {spelt(100 * 10**9)} multiply-accumulates to compare every map with every"
        " other, and these need",
        4 * 2048**2 * 112**2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("path, query, field, rule, value", TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_work_is_refused_before_it_begins(
    http: httpx2.Client, path: str, query: dict[str, Any], field: str, rule: str, value: int
) -> None:
    answer = http.get(f"/api/stack/{path}", params={"image": FIRST["id"], **query})
    error = Failure.model_validate_json(answer.content).error
    assert (answer.status_code, error.code, error.field) == (422, "too_much_work", field)
    assert error.message == f"{rule} {spelt(value)}"
    assert error.hint is not None
    assert error.hint.startswith("use a smaller size")


def test_only_the_modules_that_have_to_run_count(http: httpx2.Client) -> None:
    wide = {"image": FIRST["id"], "size": 64, "in_channels": 512, "scheme": "standard", "modules": 16, "tile": 4}
    assert http.get("/api/stack/maps", params={**wide, "module": 1}).status_code == 200
    assert http.get("/api/stack/maps", params={**wide, "module": 16}).status_code == 422


ON_THE_DEVICE = [
    *(f"/api/stack/{path}" for path in ("maps", "maps.npy", "energy", "scale", "pixel", "redundancy", "ink")),
    "/api/figures/stack-scale",
]


def test_a_picture_that_is_gone_is_404_wherever_it_was_known(tmp_path: Path) -> None:
    """The engine still holds its square: what the store let go of is gone all the same."""
    app = create_app(Settings(store=tmp_path, store_bytes=500, device="cpu"))
    with TestClient(app) as client:
        first, second = zoo.saved(zoo.flag()), zoo.saved(Image.effect_noise((12, 12), 50))
        image_id = client.post("/api/images", files={"image": first}).json()["id"]
        query = {"image": image_id, **SMALL}
        assert [client.get(path, params=query).status_code for path in ON_THE_DEVICE] == [200] * len(ON_THE_DEVICE)
        assert client.post("/api/images", files={"image": second}).status_code == 201
        assert not (tmp_path / f"{image_id}.png").exists()
        for path in ON_THE_DEVICE:
            answer = client.get(path, params=query)
            error = Failure.model_validate_json(answer.content).error
            assert (answer.status_code, error.code, error.field) == (404, "unknown_image", "image")
            assert error.hint


def test_whoever_leaves_makes_room(tmp_path: Path) -> None:
    """While torch still loads, nothing leaves the queue but by its client."""
    app = create_app(Settings(store=tmp_path, queue_size=1, device="cpu"))
    query = urlencode({"image": FIRST["id"], **SMALL}).encode()

    async def story(path: str) -> tuple[Answer, Answer]:
        left = asyncio.Event()
        first = asyncio.create_task(request(app, path, query, left=left))
        while not app.state.engine.waiting:
            await asyncio.sleep(0)
        second = await request(app, path, query)
        left.set()
        return await first, second

    with TestClient(app) as client:
        assert client.portal is not None
        for path in ON_THE_DEVICE:
            gone, refused = client.portal.call(story, path)
            assert app.state.engine.waiting == 0
            assert (gone.status, refused.status) == (499, 503)
            assert Failure.model_validate_json(refused.body).error.code == "busy"


class LoudRunner(Runner):
    """A stem `by` times as strong: what a deep stack would need minutes for."""

    by = 1.0

    def seen(self, *arguments: Any) -> Tensor:
        return super().seen(*arguments) * self.by


LOUD = StackSpec(Grouping.logarithmic(8, 8, 3), modules=3, relu=False, gain="cut", size=16)
QUESTIONS: list[StackQuestion] = [
    StackMaps(LOUD, module=3, sent=Sent(dtype="float32")),
    StackMaps(LOUD, module=3, sent=Sent(tile=4)),
    StackMaps(LOUD, Grouping.uniform(8, 8, 2), "difference", module=2, point="sum"),
    StackMaps(LOUD, side="ink", module=2, point="conv", dye=Dye("patch")),
    StackEnergy(LOUD),
    StackScale(LOUD),
    StackInk(LOUD),
    StackPixel(LOUD, module=2, channel=1, row=3, column=3),
    StackRedundancy(LOUD, module=2),
]
MODELS: dict[type[StackQuestion], type[Model]] = {StackEnergy: Energies, StackInk: Ink}
QUESTIONS += [
    replace(question, spec=replace(LOUD, normalisation=normalisation))
    for question in QUESTIONS
    for normalisation in ("conv", "sum")
]


def answered(answer: Answerer, question: StackQuestion) -> bytes | SpecError:
    try:
        return answer(photograph, "", question)
    except SpecError as error:
        return error


@pytest.mark.parametrize("by", [1e17, 1e20, 1e28, 1e31, 3e38])
def test_no_body_ever_holds_infinity_or_nan(by: float) -> None:
    """Squares pass float32 at 1e19, sums over maps at 1e33, values at 3e38: a number is finite, null, or refused."""
    loud = LoudRunner("cpu")
    loud.by = by
    answer = Answerer(loud, StackRunner(loud))
    for question in QUESTIONS:
        body = answered(answer, question)
        if isinstance(body, SpecError):
            assert (body.field, body.hint) == ("gain", "use gain fan-in, a normalisation or fewer modules")
            assert by >= 1e20 if isinstance(question, StackRedundancy) else by >= 1e28
        elif isinstance(question, StackScale):
            assert len(read(body)) == 4
        elif isinstance(question, StackEnergy | StackInk):
            MODELS[type(question)].model_validate_json(body)
            read(body)
        else:
            tensors, metadata = opened_file(body)
            assert all(np.isfinite(tensor).all() for tensor in tensors.values())
            words = ("device", "compute_dtype", "side", "point", "channels", "averaged")
            for text in (text for name, text in metadata.items() if name not in words):
                read(text)


def test_statistics_of_large_values_are_exact() -> None:
    """Where squares pass the largest float32 number, deviations don't."""
    loud, plain = LoudRunner("cpu"), Runner("cpu")
    loud.by = 2.0**80
    spec = replace(LOUD, bias=False)
    large, small = (StackRunner(r).maps(photograph, "", spec, 3).stats for r in (loud, plain))
    for name in ("min", "max", "mean", "std"):
        np.testing.assert_allclose(large[name], np.array(small[name]) * 2.0**80, rtol=2e-5, err_msg=name)
    assert large["zeros"] == small["zeros"]


def test_a_stack_within_the_limits_can_pass_where_squares_end(http: httpx2.Client) -> None:
    """Sixteen modules of large filters without ReLU multiply what they see by about 40 each."""
    query = {
        "size": 64, "in_channels": 8, "scheme": "depthwise", "kernel_size": 63, "modules": 16, "relu": "false",
        "module": 16,
    }  # fmt: skip
    tensors, metadata = opened_file(got(http, "maps", **query))
    deviations = read(metadata["stats"])["std"]
    assert max(deviations) > 1e19
    assert all(map(math.isfinite, deviations))
    assert np.isfinite(tensors["scale"]).all()
    answer = http.get("/api/stack/redundancy", params={"image": FIRST["id"], **query})
    assert Failure.model_validate_json(answer.content).error.field == "gain"
