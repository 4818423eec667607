"""The documentation is the table: every parameter, answer and failure of every route."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.params import DEPTH, DEPTH_FIGURE, GROWTH, GROWTH_FIGURE, LAYER, MAPS, WEBER

PARAMETERS = {
    "/api/layer": LAYER,
    "/api/depth": DEPTH,
    "/api/figures/split": LAYER,
    "/api/figures/depth": DEPTH_FIGURE,
    "/api/feature-maps": MAPS,
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
    "/api/networks/memory": (),
    "/api/networks/placement": (),
    "/api/networks/code": (),
    "/api/networks/document": (),
    "/api/figures/network": (),
    "/api/device": (),
    "/healthz": (),
    "/readyz": (),
}


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
                schema = answer["content"].get("application/json", {}).get("schema", {})
                assert (schema.get("$ref") == "#/components/schemas/Failure") == (int(status) >= 400), (path, status)
    error = app.openapi()["components"]["schemas"]["Error"]
    assert error["required"] == ["code", "message", "field", "hint"]


def test_defaults_and_limits_are_those_that_hold(paths: dict[str, Any], client: TestClient) -> None:
    by_name = {parameter["name"]: parameter["schema"] for parameter in paths["/api/layer"]["get"]["parameters"]}
    assert by_name["in_channels"] == {"type": "integer", "minimum": 1, "maximum": 2048, "default": 64}
    assert by_name["kernel_size"]["default"] == "3,3"
    query = {name: schema["default"] for name, schema in by_name.items() if "default" in schema}
    assert client.get("/api/layer", params=query).json() == client.get("/api/layer").json()


def test_nothing_of_the_documentation_needs_another_host(client: TestClient) -> None:
    assert client.get("/openapi.json").json()["info"]["title"] == "Groupscope"
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404
