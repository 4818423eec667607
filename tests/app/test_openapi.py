"""The documentation is the table: every parameter, answer and failure of every route."""

from dataclasses import MISSING, fields
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.measureparams import MEASURE
from app.params import DEPTH, DEPTH_FIGURE, GROWTH, GROWTH_FIGURE, LAYER, MAPS, WEBER
from app.stackparams import (
    STACK,
    STACK_FIGURE,
    STACK_INK,
    STACK_MAPS,
    STACK_NUMBERS,
    STACK_PIXEL,
    STACK_REACH,
    STACK_REDUNDANCY,
    STACK_SIDE,
)
from app.trainingparams import TRAINING
from compute.grouping import SCHEMES
from compute.network.kinds import KINDS

PARAMETERS = {
    "/api/layer": LAYER,
    "/api/depth": DEPTH,
    "/api/figures/split": LAYER,
    "/api/figures/depth": DEPTH_FIGURE,
    "/api/feature-maps": MAPS,
    "/api/stack": STACK_NUMBERS,
    "/api/stack/reach": STACK_REACH,
    "/api/stack/maps": STACK_MAPS,
    "/api/stack/maps.npy": STACK_MAPS,
    "/api/stack/energy": STACK_SIDE,
    "/api/stack/scale": STACK,
    "/api/stack/pixel": STACK_PIXEL,
    "/api/stack/redundancy": STACK_REDUNDANCY,
    "/api/stack/ink": STACK_INK,
    "/api/figures/stack-reach": STACK_FIGURE,
    "/api/figures/stack-scale": STACK,
    "/api/checkpoints": (*STACK_NUMBERS, "name"),
    "/api/checkpoints/layout": STACK_NUMBERS,
    "/api/checkpoints/{checkpoint_id}.safetensors": ("checkpoint_id",),
    "/api/checkpoints/{checkpoint_id}": ("checkpoint_id",),
    "/api/images": (),
    "/api/images/samples": (),
    "/api/images/{image_id}": ("image_id", "size"),
    "/api/layer/code": LAYER,
    "/api/growth": GROWTH,
    "/api/figures/growth": GROWTH_FIGURE,
    "/api/weber-fechner": WEBER,
    "/api/figures/weber-fechner": WEBER,
    "/api/networks": (),
    "/api/networks/{network_id}": ("network_id",),
    "/api/networks/analyze": (),
    "/api/networks/whatif": (),
    "/api/networks/policies": (),
    "/api/networks/memory": (),
    "/api/networks/placement": (),
    "/api/networks/code": (),
    "/api/networks/document": (),
    "/api/figures/network": (),
    "/api/measurements/plan": MEASURE,
    "/api/measurements/queue": (),
    "/api/measurements/export": (),
    "/api/measurements": (*MEASURE, *MEASURE, "device", "limit"),
    "/api/measurements/network": (),
    "/api/measurements/{measurement_id}/events": ("measurement_id",),
    "/api/measurements/{measurement_id}/cancel": ("measurement_id",),
    "/api/measurements/{measurement_id}/csv": ("measurement_id",),
    "/api/measurements/{measurement_id}/figures/{figure}": ("measurement_id", "figure"),
    "/api/measurements/{measurement_id}": ("measurement_id", "measurement_id"),
    "/api/trainings/plan": TRAINING,
    "/api/trainings/export": (),
    "/api/trainings": (*TRAINING, "limit"),
    "/api/trainings/{training_id}/events": ("training_id",),
    "/api/trainings/{training_id}/pause": ("training_id",),
    "/api/trainings/{training_id}/resume": ("training_id",),
    "/api/trainings/{training_id}/cancel": ("training_id",),
    "/api/trainings/{training_id}/csv": ("training_id",),
    "/api/trainings/{training_id}/figures/{figure}": ("training_id", "figure", "x", "y", "compare", "arm"),
    "/api/trainings/{training_id}/probe": ("training_id", "arm"),
    "/api/trainings/{training_id}": ("training_id", "training_id"),
    "/api/device": (),
    "/healthz": (),
    "/readyz": (),
}

FILES = ("/api/images", "/api/checkpoints")  # where a file is sent


@pytest.fixture
def paths(app: FastAPI) -> dict[str, Any]:
    return dict(app.openapi()["paths"])


def test_every_route_documents_exactly_what_it_takes(paths: dict[str, Any]) -> None:
    documented = {
        path: tuple(parameter["name"] for method in methods.values() for parameter in method.get("parameters", ()))
        for path, methods in paths.items()
    }
    assert documented == PARAMETERS


def test_every_parameter_is_described(paths: dict[str, Any]) -> None:
    for path, methods in paths.items():
        for method in methods.values():
            assert method["description"], path
            for parameter in method.get("parameters", ()):
                assert parameter["description"].endswith("."), parameter["name"]
                assert parameter["schema"]["type"], parameter["name"]


def test_every_failure_has_the_one_shape(app: FastAPI, paths: dict[str, Any]) -> None:
    for path, methods in paths.items():
        for method in methods.values():
            for status, answer in method["responses"].items():
                schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
                assert (schema.get("$ref") == "#/components/schemas/Failure") == (int(status) >= 400), (path, status)
    error = app.openapi()["components"]["schemas"]["Error"]
    assert error["required"] == ["code", "message", "field", "hint"]


def test_defaults_and_limits_are_those_that_hold(paths: dict[str, Any], client: TestClient) -> None:
    by_name = {parameter["name"]: parameter["schema"] for parameter in paths["/api/layer"]["get"]["parameters"]}
    assert by_name["in_channels"] == {"type": "integer", "minimum": 1, "maximum": 2048, "default": 64}
    side = {"type": "integer", "minimum": 1, "maximum": 64}
    pair = {"type": "array", "items": side, "minItems": 1, "maxItems": 2}  # as texts with a comma between
    assert by_name["kernel_size"] == {**pair, "default": [3, 3]}
    query = {name: _sent(schema["default"]) for name, schema in by_name.items() if "default" in schema}
    assert client.get("/api/layer", params=query).json() == client.get("/api/layer").json()


def _sent(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value


def test_lists_are_sent_with_commas(paths: dict[str, Any]) -> None:
    for path, methods in paths.items():
        for parameter in (one for method in methods.values() for one in method.get("parameters", ())):
            is_list = parameter["schema"]["type"] == "array"
            assert (parameter.get("style"), parameter.get("explode")) == (
                ("form", False) if is_list else (None, None)
            ), path


def test_links_lead_to_addresses_and_parameters_that_there_are(paths: dict[str, Any]) -> None:
    """From each answer that holds an id to every address that takes it."""
    found = set()
    for path, methods in paths.items():
        for method, described in methods.items():
            answers = described["responses"].values()
            for link in (link for answer in answers for link in answer.get("links", {}).values()):
                _, _, pointer, verb = link["operationRef"].split("/")
                target = unquote(pointer).replace("~1", "/")
                taken = {f"{p['in']}.{p['name']}" for p in paths[target][verb]["parameters"]}
                assert set(link["parameters"]) <= taken, (path, target)
                found.add((f"{method.upper()} {path}", f"{verb.upper()} {target}"))
    assert len(found) == 71
    assert ("POST /api/trainings", "POST /api/trainings/{training_id}/resume") in found


def test_whatever_is_made_says_where_it_is(paths: dict[str, Any]) -> None:
    answers = {
        path: answer["headers"]["Location"]["required"]
        for path, methods in paths.items()
        for method in methods.values()
        for status, answer in method["responses"].items()
        if status in ("201", "202")
    }
    assert set(answers) == {
        "/api/images", "/api/checkpoints", "/api/measurements", "/api/measurements/network", "/api/trainings",
    }  # fmt: skip
    assert all(answers.values())


def test_nothing_of_the_documentation_needs_another_host(client: TestClient) -> None:
    assert client.get("/openapi.json").json()["info"]["title"] == "Groupscope"
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


def test_samples_of_bodies_are_answered(paths: dict[str, Any], client: TestClient) -> None:
    """Measurements and training need a device: tests/app/test_measure_api.py and test_training_api.py send theirs."""
    posts = {
        path: methods["post"]
        for path, methods in paths.items()
        if "post" in methods and path not in FILES and not path.startswith(("/api/measurements", "/api/trainings"))
    }
    assert len(posts) == 8
    for path, method in posts.items():
        answer = client.post(path, json=method["requestBody"]["content"]["application/json"]["example"])
        assert answer.status_code == 200, (path, answer.text)


def test_every_kind_of_layer_is_documented_with_its_parameters(app: FastAPI) -> None:
    document = app.openapi()["components"]["schemas"]["NetworkDocument"]
    layers = {kind["title"]: kind for kind in document["properties"]["layers"]["items"]["oneOf"]}
    assert list(layers) == list(KINDS)
    for title, kind in KINDS.items():
        own = {field.name for field in fields(kind)} - {"split"}
        assert own <= set(layers[title]["properties"]), title
        needed = {field.name for field in fields(kind) if field.default is MISSING}
        assert set(layers[title]["required"]) == {"kind", *needed}, title
    conv = layers["Conv2d"]["properties"]
    assert conv["kernel_size"]["oneOf"][0] == {"type": "integer", "minimum": 1, "maximum": 64}
    schemes = [name for form in conv["grouping"]["oneOf"] for name in form["properties"]["scheme"]["enum"]]
    assert sorted(schemes) == sorted(SCHEMES)
    assert document["properties"]["layers"]["maxItems"] == 1000


def test_what_the_schema_calls_the_least_is_taken(client: TestClient, app: FastAPI) -> None:
    """Each kind alone, with its required parameters at their least, on an image or on what suits it."""
    document = app.openapi()["components"]["schemas"]["NetworkDocument"]
    for kind in document["properties"]["layers"]["items"]["oneOf"]:
        name, least = kind["title"], {"kind": kind["title"]}
        for parameter in set(kind["required"]) - {"kind"}:
            schema = kind["properties"][parameter]
            least[parameter] = schema.get("oneOf", [schema])[0]["minimum"]
        before = [{"kind": "ReLU"}, *([{"kind": "Flatten"}] if name == "Linear" else [])]
        inputs = {"inputs": ["input", "layer1"]} if name in ("Add", "Concat") else {}
        answer = client.post("/api/networks/analyze", json={"layers": [*before, {**least, **inputs}]})
        assert answer.status_code == 200, (name, answer.text)


@pytest.mark.parametrize(
    "grouping, message",
    [
        ({"scheme": "uniform", "groups": 2, "base": 1}, "base must be from 2 to 64, not 1"),
        ({"scheme": "uniform", "groups": 2, "base": "2"}, "base must be a whole number, not '2'"),
        ({"scheme": "uniform", "groups": 2, "sizes": [[1, 1]]}, "sizes belong to the custom scheme, and only to it"),
        ({"scheme": "standard", "sizes": None}, "sizes belong to the custom scheme, and only to it"),
        ({"scheme": "custom", "sizes": [[3, 4]], "groups": 0}, "groups must be from 1 to 65536, not 0"),
    ],
)
def test_what_a_scheme_has_no_use_for_is_what_the_schema_says(
    client: TestClient, grouping: dict[str, Any], message: str
) -> None:
    conv = {"kind": "Conv2d", "out_channels": 4, "kernel_size": 1, "grouping": grouping}
    answer = client.post("/api/networks/analyze", json={"layers": [conv]})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == f"layer 1 'layer1' (Conv2d): {message}"
