"""Bad documents and subjects, one by one: each refusal names the layer, the rule, the value and a way out."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.documentschema import DOCUMENT_SAMPLE
from app.errors import LONGEST
from app.growthschemas import GrowthAnswer
from app.limits import MAX_COUNT
from app.main import create_app
from app.networkschemas import Analysis
from app.schemas import Failure
from app.settings import PROJECT, Settings
from tests.app.asgi import ask, post
from tests.app.networkbodies import ALEXNET, SUBJECT_ROUTES, long_document, strict

JSON = {"content-type": "application/json"}


def error_of(client: TestClient, path: str, body: Any) -> tuple[int, str, str, str | None, str | None]:
    answer = client.post(path, content=body if isinstance(body, bytes) else orjson.dumps(body), headers=JSON)
    error = Failure.model_validate_json(answer.content).error
    return answer.status_code, error.code, error.message, error.field, error.hint


def test_one_layer_too_many(client: TestClient) -> None:
    assert error_of(client, "/api/networks/analyze", long_document(1001)) == (
        422,
        "invalid",
        "a network may have at most 1000 layers, not 1001",
        "layers",
        "leave out 1, or describe a part of the network",
    )


def layers(*entries: Any, **top: Any) -> dict[str, Any]:
    return {"layers": list(entries), **top}


CONV = {"kind": "Conv2d", "name": "conv", "out_channels": 8, "kernel_size": 3}
BAD: list[tuple[Any, str, str, str]] = [
    (
        layers({**CONV, "kind": "Conv3d"}),
        "layer 1 'conv' (Conv3d): 'Conv3d' is no kind of layer",
        "conv.kind",
        "did you mean Conv2d? known: Conv2d, Linear,",
    ),
    (
        layers({**CONV, "outchannels": 8}),
        "layer 1 'conv' (Conv2d): 'outchannels' is no parameter of Conv2d",
        "conv.outchannels",
        "did you mean out_channels?",
    ),
    (
        layers({"kind": "Conv2d", "kernel_size": 3}),
        "layer 1 'layer1' (Conv2d): Conv2d needs out_channels",
        "layer1.out_channels",
        'add "out_channels"',
    ),
    (
        layers({**CONV, "out_channels": 10**9}),
        "layer 1 'conv' (Conv2d): out_channels must be from 1 to 65536, not 1000000000",
        "conv.out_channels",
        "",
    ),
    (
        layers({**CONV, "out_channels": 8.5}),
        "layer 1 'conv' (Conv2d): out_channels must be a whole number, not 8.5",
        "conv.out_channels",
        "write digits only",
    ),
    (
        layers({**CONV, "out_channels": True}),
        "layer 1 'conv' (Conv2d): out_channels must be a whole number, not True",
        "conv.out_channels",
        "write digits only",
    ),
    (
        layers({**CONV, "kernel_size": 300}),
        "layer 1 'conv' (Conv2d): kernel_size must be from 1 to 64, not 300",
        "conv.kernel_size",
        "",
    ),
    (
        layers({**CONV, "kernel_size": 64}, input_shape=[3, 32, 32]),
        "layer 1 'conv' (Conv2d): the kernel must fit in the padded input: dilation × (kernel_size − 1) + 1 = 64"
        " is more than height 32 + 2 × padding = 32",
        "conv.kernel_size",
        "use a smaller kernel_size",
    ),
    (
        layers({**CONV, "groups": 5}),
        "layer 1 'conv' (Conv2d): groups must divide in_channels: 3 % 5 = 3",
        "conv.groups",
        "use 1",
    ),
    (
        layers({**CONV, "in_channels": 4}),
        "layer 1 'conv' (Conv2d): in_channels must be what its input has: 3, not 4",
        "conv.in_channels",
        "write 3, or leave it out",
    ),
    (
        layers({**CONV, "groups": 1, "grouping": {"scheme": "depthwise"}}),
        "layer 1 'conv' (Conv2d): groups and grouping say the same thing twice",
        "conv.grouping",
        "keep one of them",
    ),
    (
        layers({"kind": "Linear", "out_features": 10}),
        "layer 1 'layer1' (Linear): Linear takes one vector of features, not 3 × 224 × 224",
        "layer1",
        "put a Flatten before it",
    ),
    (
        layers(CONV, {"kind": "Add", "name": "sum", "inputs": ["conv", "input"]}),
        "layer 2 'sum' (Add): Add needs inputs of one shape, not 8 × 222 × 222 and 3 × 224 × 224",
        "sum.inputs",
        "make their channels and resolution equal",
    ),
    (
        layers({"kind": "ReLU", "name": "a", "inputs": ["b"]}, {"kind": "ReLU", "name": "b", "inputs": ["a"]}),
        "layer 1 'a' (ReLU): inputs may name earlier layers only, and 'b' comes later",
        "a.inputs",
        "use input",
    ),
    (
        layers({"kind": "ReLU", "name": "a", "inputs": ["a"]}),
        "layer 1 'a' (ReLU): inputs may name earlier layers only, and 'a' ",
        "a.inputs",
        "use input",
    ),
    (
        layers({"kind": "ReLU", "name": "a"}, {"kind": "ReLU", "name": "a"}),
        "layer 2 'a' (ReLU): every layer needs a name of its own, and 'a' is taken already",
        "a.name",
        "rename it",
    ),
    (
        layers({"kind": "ReLU", "name": "input"}),
        "layer 1 'input' (ReLU): every layer needs a name of its own, and 'input' is what layers call",
        "input.name",
        "rename it",
    ),
    (
        layers({"kind": "ReLU", "name": ""}),
        "the name of layer 1 must be 1 to 64 printable characters, not ''",
        "layers[0].name",
        "such as",
    ),
    (layers({"kind": "ReLU", "name": "x" * 65}), "the name of layer 1 must be 1 to 64", "layers[0].name", "such as"),
    (layers({"kind": "ReLU", "name": 3}), "the name of layer 1 must be 1 to 64", "layers[0].name", "such as"),
    (
        layers({"kind": "ReLU", "inputs": 3}),
        "layer 1 'layer1' (ReLU): inputs must be names of earlier layers, not 3",
        "layer1.inputs",
        'such as ["conv1"]',
    ),
    (
        layers(
            *({"kind": "Concat", "name": f"c{i}", "inputs": [f"c{i - 1}" if i else "input"] * 64} for i in range(99))
        ),
        "layer 3 'c2' (Concat): its output may have at most 65536 channels, not 786432",
        "c2.inputs",
        "join fewer layers",
    ),
    (layers({}), "layer 1 'layer1' (no kind): a layer needs a kind", "layer1.kind", 'such as "kind": "Conv2d"'),
    (layers(3), "layer 1 must be an object, not 3", "layers[0]", "write {...}"),
    (layers(), "a network needs at least one layer", "layers", "add a layer"),
    ({"layers": {}}, "layers must be a list, not an object of 0", "layers", "write [...]"),
    ({}, "a network needs layers", "layers", "such as"),
    ([], "a network must be an object, not a list of 0", "", "write {...}"),
    (None, "a network must be an object, not None", "", "write {...}"),
    (layers(CONV, input_shape=[3, 224]), "input_shape must be [channels, height, width]", "input_shape", "such as"),
    (layers(CONV, input_shape=[3, 5000, 5]), "input_shape must be from 1 to 4096, not 5000", "input_shape", ""),
    (layers(CONV, name=["x"]), "name must be text of at most 2000 characters", "name", "shorten it"),
    (layers(CONV, nam="x"), "'nam' is no part of a network", "nam", "did you mean name?"),
    (
        layers({**CONV, "grouping": {"scheme": "custom", "sizes": [[1, 2], [3]]}}),
        "layer 1 'conv' (Conv2d): group 1 must be a pair (in, out)",
        "conv.sizes",
        "such as 32x32",
    ),
    (
        layers({**CONV, "grouping": {"scheme": "spiral"}}),
        "layer 1 'conv' (Conv2d): scheme must be one of standard, uniform, logarithmic, depthwise, custom, not 'spi",
        "conv.scheme",
        "",
    ),
    *(
        (
            layers({**CONV, "grouping": {"scheme": "custom", "sizes": [pair]}}),
            f"layer 1 'conv' (Conv2d): group 0 must be a pair (in, out), not {pair!r}",
            "conv.sizes",
            "such as 32x32",
        )
        for pair in ({"a": 1, "b": 2}, {"0": 1, "1": 1}, "ab", 5)
    ),
    (
        layers({**CONV, "grouping": {"scheme": "custom", "sizes": [[1, 1]] * 65_537}}),
        "layer 1 'conv' (Conv2d): custom groupings may have at most 65536 groups in all layers together, not 65537",
        "conv.grouping",
        "use groups or a logarithmic grouping where groups are alike",
    ),
    (
        {
            "input_shape": [40_000, 1, 1],
            "layers": [
                {
                    "kind": "Conv2d",
                    "out_channels": 40_000,
                    "kernel_size": 1,
                    "grouping": {"scheme": "custom", "sizes": [[1, 1]] * 40_000},
                }
            ]
            * 2,
        },
        "custom groupings may have at most 65536 groups in all layers together, not 80000",
        "layers",
        "use groups",
    ),
    (
        layers({"kind": "ReLU", "inputs": "a\0\u202e" + 50 * "z"}),
        f"layer 1 'layer1' (ReLU): inputs may name earlier layers only, and 'a\ufffd\ufffd{37 * 'z'}…' is no layer",
        "layer1.inputs",
        "use input",
    ),
    (
        layers({"kind": ["Conv2d"]}),
        "layer 1 'layer1' (a list of 1): a list of 1 is no kind of layer",
        "layer1.kind",
        "",
    ),
    (
        layers({"kind": "Flatten"}, *({"kind": "Concat", "inputs": [f"layer{i}"] * 64} for i in range(1, 9))),
        "layer 5 'layer5' (Concat): its output may have at most 1099511627776 features, not",
        "layer5.inputs",
        "join fewer layers",
    ),
    (layers({"kind": "Dropout", "p": 1}), "layer 1 'layer1' (Dropout): p must be a number", "layer1.p", "use 0.5"),
    (layers({**CONV, "bias": 1}), "layer 1 'conv' (Conv2d): bias must be true or false", "conv.bias", "write true or"),
]


@pytest.mark.parametrize("document, message, field, hint", BAD, ids=[message[:50] for _, message, _, _ in BAD])
def test_a_bad_document_is_told_layer_rule_value_and_way_out(
    client: TestClient, document: Any, message: str, field: str, hint: str
) -> None:
    status, _, said, at, way_out = error_of(client, "/api/networks/analyze", document)
    assert status == 422
    assert said.startswith(message)
    assert at == (field or None)
    assert (way_out or "").startswith(hint)


@pytest.mark.parametrize(
    "value", ["x" * 900_000, list(range(100_000)), {"a": "b" * 900_000}], ids=["text", "list", "map"]
)
def test_what_is_repeated_of_a_megabyte_is_short(client: TestClient, value: Any) -> None:
    for parameter in ("out_channels", "kernel_size", "groups", "grouping", "bias", "stride", "inputs", "name", "kind"):
        status, _, message, _, hint = error_of(client, "/api/networks/analyze", layers({**CONV, parameter: value}))
        assert status == 422, parameter
        assert len(message) <= LONGEST + 1, parameter
        assert len(hint or "") <= LONGEST + 1, parameter


@pytest.mark.parametrize(
    "change, message, field",
    [
        ({"network": None}, "network must be the id of a published network or a document, not null", "network"),
        ({"network": 3}, "network must be the id of a published network or a document, not 3", "network"),
        ({"policies": {}}, "'policies' is no part of a ", "policies"),
        ({"policy": "uniform"}, "a policy must be an object, not 'uniform'", "policy"),
        ({"policy": {}}, "a policy needs kind", "policy.kind"),
        ({"policy": {"kind": "spiral"}}, "kind must be one of none, uniform, width,", "policy.kind"),
        ({"policy": {"kind": ["none"]}}, "kind must be one of none, uniform, width,", "policy.kind"),
        ({"policy": {"kind": "root", "group": 2}}, "'group' is no part of a policy", "policy.group"),
        (
            {"policy": {"kind": "root", "groups": 10**9}},
            "groups must be from 1 to 65536, not 1000000000",
            "policy.groups",
        ),
        ({"policy": {"kind": "root", "groups": "4"}}, "groups must be a whole number, not '4'", "policy.groups"),
        ({"policy": {"kind": "logarithmic", "base": 65}}, "base must be from 2 to 64, not 65", "policy.base"),
        (
            {"policy": {"kind": "uniform", "scope": "some"}},
            "scope must be one of spatial, all, not 'some'",
            "policy.scope",
        ),
        ({"hold": "time"}, "hold must be one of channels, params, macs, not 'time'", "hold"),
        ({"hold": {}}, "hold must be one of channels, params, macs, not an object of 0", "hold"),
        ({"edits": []}, "edits must be an object, not a list of 0", "edits"),
        ({"edits": {"conv1": 3}}, "the edit of a layer must be an object of its parameters, not 3", "edits.conv1"),
        (
            {"edits": {"a\0\u202eb": 3}},
            "the edit of a layer must be an object of its parameters, not 3",
            "edits.a\ufffd\ufffdb",
        ),
        ({"edits": {"a\0\u202eb": {}}}, "'a\ufffd\ufffdb' is no layer of this network", "a\ufffd\ufffdb"),
        ({"edits": {"conv9": {}}}, "'conv9' is no layer of this network", "conv9"),
        (
            {"edits": {"conv1": {"gruops": 2}}},
            "layer 1 'conv1' (Conv2d): 'gruops' is no parameter of Conv2d",
            "conv1.gruops",
        ),
        (
            {"edits": {"conv1": {"groups": 2}}},
            "layer 1 'conv1' (Conv2d): groups must divide in_channels: 3 % 2 = 1",
            "conv1.groups",
        ),
        (
            {"edits": {"conv1": {"out_channels": 10**9}}},
            "layer 1 'conv1' (Conv2d): out_channels must be from 1 to 65536, not 1000000000",
            "conv1.out_channels",
        ),
    ],
)
def test_a_bad_subject_is_told_where(client: TestClient, change: dict[str, Any], message: str, field: str) -> None:
    for route in SUBJECT_ROUTES:
        status, _, said, at, hint = error_of(client, f"/api/networks/{route}", {**ALEXNET, **change})
        assert (status, at) == (422, field)
        assert said.startswith(message)
        assert hint
    series = {"series": [ALEXNET, {**ALEXNET, **change}]}
    assert error_of(client, "/api/figures/network", series)[3] == f"series[1].{field}"


@pytest.mark.parametrize(
    "route, body, message, field",
    [
        ("networks/whatif", {}, "a subject needs network", "network"),
        ("networks/whatif", [], "a subject must be an object, not a list of 0", None),
        ("networks/memory", {**ALEXNET, "batch": 0}, "batch must be from 1 to 1000000, not 0", "batch"),
        ("networks/memory", {**ALEXNET, "dtype": "int8"}, "dtype must be one of float32, float16, bfloat16,", "dtype"),
        (
            "networks/memory",
            {**ALEXNET, "optimizer": 1},
            "optimizer must be one of sgd, momentum, adam, not 1",
            "optimizer",
        ),
        ("networks/memory", {**ALEXNET, "budget_gb": -1}, "budget_gb must be a number above 0", "budget_gb"),
        ("networks/memory", {**ALEXNET, "budget_gb": "3"}, "budget_gb must be a number above 0", "budget_gb"),
        ("networks/placement", {**ALEXNET, "devices": 65}, "devices must be from 1 to 64, not 65", "devices"),
        ("networks/policies", {**ALEXNET, "groups": 0}, "groups must be from 1 to 65536, not 0", "groups"),
        ("figures/network", {}, "a request for curves needs series", "series"),
        ("figures/network", {"series": []}, "series must be a list of 1 to 8 subjects, not a list of 0", "series"),
        (
            "figures/network",
            {"series": [ALEXNET] * 9},
            "series must be a list of 1 to 8 subjects, not a list",
            "series",
        ),
        ("figures/network", {"series": [3]}, "a series must be an object, not 3", "series[0]"),
        ("figures/network", {"series": [ALEXNET], "metric": "time"}, "metric must be one of params, macs,", "metric"),
        ("figures/network", {"series": [ALEXNET], "log": 1}, "log must be true or false, not 1", "log"),
        (
            "figures/network",
            {"series": [{**ALEXNET, "label": "x" * 201}]},
            "label must be text of at most 200 characters",
            "series[0].label",
        ),
    ],
)
def test_what_one_route_adds_is_checked_too(
    client: TestClient, route: str, body: Any, message: str, field: str | None
) -> None:
    status, _, said, at, hint = error_of(client, f"/api/{route}", body)
    assert (status, at) == (422, field)
    assert said.startswith(message)
    assert hint or "from" in said


def test_nothing_to_train_has_a_way_out(client: TestClient) -> None:
    relu = {"network": layers({"kind": "ReLU"})}
    assert error_of(client, "/api/networks/memory", relu)[1:2] == ("nothing_to_train",)


APP = create_app(Settings(store=PROJECT / "never-written"))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 70)
    | st.sampled_from([0, 1, 65_536, 65_537, 10**9, 2**63, 1.5, -0.0])
    | st.text(max_size=5)
    | st.sampled_from([*(row["name"] for row in DOCUMENT_SAMPLE["layers"]), "input", "Conv2d", "Concat", "logarithmic"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of everything inside."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield value, key
        yield from places(part)


@st.composite
def mutated(draw: st.DrawFn, start: Any) -> Any:
    """`start` with up to four members replaced, dropped, moved or added."""
    body = deepcopy(start)
    for _ in range(draw(st.integers(1, 4))):
        found = list(places(body))
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        match draw(st.sampled_from(["replace", "replace", "replace", "drop", "copy"])):
            case "replace":
                container[key] = draw(values)
            case "drop":
                del container[key]
            case "copy":
                other, place = draw(st.sampled_from(found))
                container[key] = deepcopy(other[place]) if place in other or isinstance(other, list) else None
    return body


def answered(path: str, body: bytes) -> None:
    answer = post(APP, path, body)
    assert answer.status in (200, 404, 413, 415, 422), answer.body[:300]
    if answer.status != 200:
        error = Failure.model_validate_json(answer.body).error
        assert len(error.message) <= LONGEST + 1


@settings(deadline=None, max_examples=250)
@given(mutated(DOCUMENT_SAMPLE))
def test_no_document_breaks_the_server(document: Any) -> None:
    body = orjson.dumps(document)
    answered("/api/networks/analyze", body)
    answer = post(APP, "/api/networks/analyze", body)
    if answer.status == 200:
        strict(Analysis, answer.body)


SUBJECT: dict[str, Any] = {
    "network": DOCUMENT_SAMPLE,
    "policy": {"kind": "uniform", "groups": 4, "width": 16, "base": 2, "scope": "all"},
    "hold": "params",
    "edits": {"grouped": {"groups": 2, "out_channels": 64}},
}


@settings(deadline=None, max_examples=250)
@given(mutated(SUBJECT), st.sampled_from(SUBJECT_ROUTES))
def test_no_subject_breaks_the_server(subject: Any, route: str) -> None:
    answered(f"/api/networks/{route}", orjson.dumps(subject))
    answered("/api/figures/network", orjson.dumps({"series": [subject], "log": False}))


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=60), st.sampled_from(["analyze", *SUBJECT_ROUTES]))
def test_no_bytes_break_the_server(body: bytes, route: str) -> None:
    answered(f"/api/networks/{route}", body)


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 2048), st.integers(1, 16), st.integers(1, 2048), st.integers(1, 2048), st.integers(2, 64))
def test_growth_of_any_size_is_exact_or_says_why(
    channels: int, doublings: int, groups: int, group_width: int, base: int
) -> None:
    query = f"in_channels={channels}&doublings={doublings}&groups={groups}&group_width={group_width}&base={base}"
    answer = ask(APP, "/api/growth", query.encode())
    assert answer.status == 200
    for row in strict(GrowthAnswer, answer.body)["rows"]:
        for count in (row["weights"], row["macs"], row["activations"]):
            assert count is None or isinstance(count, str) == (int(count) > MAX_COUNT)
    assert ask(APP, "/api/figures/growth", query.encode()).status == 200


@pytest.mark.parametrize("route", ["analyze", "policies", *SUBJECT_ROUTES])
def test_what_is_posted_is_no_network_to_get(client: TestClient, route: str) -> None:
    answer = client.get(f"/api/networks/{route}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"] == {
        "code": "method_not_allowed",
        "message": f"'/api/networks/{route}' does not take GET",
        "field": None,
        "hint": "use POST",
    }
