"""GET /api/layer and /api/depth: the same numbers as compute, in the documented shape, within what JSON can hold."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.limits import MAX_COUNT
from app.main import create_app
from app.schemas import Depth, Failure, Layer
from app.settings import PROJECT, Settings
from compute.depth import Stack, describe_depth
from tests.app.asgi import ask

GOLDEN = json.loads((PROJECT / "tests" / "golden" / "layers.json").read_text("utf-8"))
ALL = {
    "in_channels": 6, "out_channels": 4, "kernel_size": "3,2", "stride": "2,1", "padding": "1,0", "dilation": "1,2",
    "bias": "false", "height": 17, "width": 23, "scheme": "uniform", "groups": 2, "base": 3,
}  # fmt: skip


def as_query(values: dict[str, Any]) -> str:
    """`values` of the golden table as an address spells them."""
    words = {}
    for name, value in values.items():
        if name == "sizes":
            words[name] = ",".join(f"{a}x{b}" for a, b in value or ())
        elif isinstance(value, list):
            words[name] = ",".join(map(str, value))
        else:
            words[name] = str(value).lower()
    return urlencode({name: word for name, word in words.items() if word})


def integers(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from integers(part)
    elif type(value) is int:
        yield value


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: as_query(case["query"])[-60:])
def test_layer_answers_the_golden_table(client: TestClient, case: dict[str, Any]) -> None:
    answer = client.get(f"/api/layer?{as_query(case['query'])}")
    assert answer.status_code == 200
    assert answer.json() == case["expect"]
    Layer.model_validate_json(answer.content)


def test_layer_defaults_are_64_channels_in_4_logarithmic_groups(client: TestClient) -> None:
    layer = client.get("/api/layer").json()
    assert [(g["in_channels"], g["out_channels"]) for g in layer["groups"]] == [(32, 32), (16, 16), (8, 8), (8, 8)]
    assert (layer["params"], layer["macs"], layer["flops"]) == (12736, 635830272, 1271660544)
    assert layer["output_shape"] == [64, 224, 224]


def test_layer_takes_every_parameter(client: TestClient) -> None:
    layer = client.get("/api/layer", params=ALL).json()
    assert layer["output_shape"] == [4, 9, 21]
    assert [g["weight_shape"] for g in layer["groups"]] == [[2, 3, 3, 2], [2, 3, 3, 2]]
    assert layer["bias"] == 0


@pytest.mark.parametrize(
    "query, groups",
    [("scheme=standard", 1), ("scheme=depthwise", 64), ("scheme=custom&sizes=32x32,16x16,8x8,8x8", 4)],
)
def test_groups_is_ignored_where_the_scheme_sets_it(client: TestClient, query: str, groups: int) -> None:
    assert len(client.get(f"/api/layer?{query}&groups=5").json()["groups"]) == groups


def test_pairs_may_be_one_number_and_switches_may_be_pythons(client: TestClient) -> None:
    short = client.get("/api/layer?kernel_size=5&padding=2&bias=True").json()
    assert short == client.get("/api/layer?kernel_size=5,5&padding=2,2&bias=true").json()


def test_depth_answers_what_compute_says(client: TestClient) -> None:
    answer = client.get("/api/depth?depth=9&stage=2&halve=false&groups=3&bias=false&height=30&in_channels=6")
    stack = Stack(in_channels=6, depth=9, stage=2, halve=False, groups=3, bias=False, height=30)
    assert answer.json() == describe_depth(stack)
    Depth.model_validate_json(answer.content)


def test_depth_takes_a_layers_query_as_it_is(client: TestClient) -> None:
    names = ("in_channels", "kernel_size", "bias", "height", "width", "groups", "base")
    assert (
        client.get("/api/depth", params=ALL).json()
        == client.get("/api/depth", params={name: ALL[name] for name in names}).json()
    )


def test_depth_gives_the_reason_where_groups_do_not_fit(client: TestClient) -> None:
    rows = client.get("/api/depth?in_channels=6&groups=4&depth=2&stage=1").json()["rows"]
    uniform = [row for row in rows if row["scheme"] == "uniform"]
    assert uniform[0]["macs"] is None
    assert "groups must divide in_channels: 6 % 4 = 2" in uniform[0]["reason"]
    assert uniform[1]["macs"] is not None
    assert uniform[1]["cumulative_macs"] is None


@pytest.mark.parametrize(
    "address, field, words",
    [
        ("layer?in_channels=2048&out_channels=2048&height=2048&width=2048", "in_channels", "fully connected layer"),
        ("layer?height=4096&width=4096&kernel_size=64&in_channels=2048&out_channels=2048", "in_channels", "standard"),
        ("depth?depth=64&stage=1", "depth", "use at most"),
        ("depth?depth=1&in_channels=2048&kernel_size=64&height=4096&width=4096", "depth", "use fewer channels"),
    ],
)
def test_counts_beyond_the_exact_range_are_refused(client: TestClient, address: str, field: str, words: str) -> None:
    answer = client.get(f"/api/{address}")
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("count_too_large", field)
    assert "2^53 − 1 = 9\u202f007\u202f199\u202f254\u202f740\u202f991" in error["message"]
    assert words in error["message"] + error["hint"]


def test_the_way_out_of_a_stack_too_deep_works(client: TestClient) -> None:
    hint = client.get("/api/depth?depth=64&stage=1").json()["error"]["hint"]
    layers = int(hint.removeprefix("use at most ").split()[0])
    assert client.get(f"/api/depth?depth={layers}&stage=1").status_code == 200
    assert client.get(f"/api/depth?depth={layers + 1}&stage=1").status_code == 422


APP = create_app(Settings(store=PROJECT / "never-written"))
number = st.integers(1, 4096) | st.sampled_from([1, 2, 63, 64, 2047, 2048, 4095, 4096])
texts = st.text(max_size=12) | st.sampled_from(["", "0", "-1", "1e3", "NaN", "inf", " 3", "3.0", "٣", "3,", "3,3,3"])


@settings(deadline=None, max_examples=150)
@given(
    st.fixed_dictionaries(
        {"in_channels": number, "out_channels": number, "height": number, "width": number},
        optional={"kernel_size": st.integers(1, 64), "groups": st.integers(1, 64), "base": st.integers(2, 64)},
    ),
    st.sampled_from(["standard", "uniform", "logarithmic", "depthwise"]),
)
def test_no_count_passes_what_a_double_holds(values: dict[str, int], scheme: str) -> None:
    answer = ask(APP, "/api/layer", urlencode({**values, "scheme": scheme}).encode())
    assert answer.status in (200, 422)
    if answer.status == 200:
        assert max(integers(answer.json())) <= MAX_COUNT
        Layer.model_validate_json(answer.body)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["/api/layer", "/api/depth", "/api/figures/split", "/api/figures/depth", "/api/feature-maps"]),
    st.dictionaries(st.sampled_from([*ALL, "sizes", "depth", "log", "tile", "image", "nonsense"]), texts, min_size=1),
)
def test_no_query_breaks_the_server(address: str, values: dict[str, str]) -> None:
    answer = ask(APP, address, urlencode(values, errors="surrogatepass").encode())
    assert answer.status in (200, 404, 422)
    if answer.status != 200:
        Failure.model_validate_json(answer.body)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(["/api/layer", "/api/figures/depth", "/api/images/samples"]), st.binary(max_size=40))
def test_no_bytes_break_the_server(address: str, query: bytes) -> None:
    answer = ask(APP, address, query)
    assert answer.status in (200, 422)


@pytest.mark.parametrize("scheme", ["standard", "depthwise", "custom&sizes=32x32,32x32"])
@pytest.mark.parametrize("groups", ["0", "99999", "abc", ""])
def test_groups_is_ignored_where_the_scheme_decides(client: TestClient, scheme: str, groups: str) -> None:
    plain = client.get(f"/api/layer?scheme={scheme}")
    assert plain.status_code == 200
    assert client.get(f"/api/layer?groups={groups}&scheme={scheme}").json() == plain.json()
