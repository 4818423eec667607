"""One error shape: every route is sent a bad request, every status is provoked."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.main import create_app
from app.schemas import Failure
from app.settings import Settings
from tests.app.asgi import ask

UNKNOWN = "0" * 64
BAD = [
    ("GET", "/api/layer?groups=0", 422, "groups"),
    ("GET", "/api/layer?scheme=uniform&groups=5", 422, "groups"),
    ("GET", "/api/layer?kernel_size=9&padding=0&height=4", 422, "kernel_size"),
    ("GET", "/api/layer?scheme=custom", 422, "sizes"),
    ("GET", "/api/depth?depth=65", 422, "depth"),
    ("GET", "/api/figures/split?in_channels=x", 422, "in_channels"),
    ("GET", "/api/figures/depth?metric=time", 422, "metric"),
    ("GET", "/api/feature-maps", 422, "image"),
    ("GET", f"/api/feature-maps?image={UNKNOWN}", 404, "image"),
    ("GET", f"/api/feature-maps?image={UNKNOWN}&in_channels=2048&size=1024", 422, "in_channels"),
    ("GET", f"/api/feature-maps?image={UNKNOWN}&channels=0:65", 422, "channels"),
    ("GET", f"/api/images/{UNKNOWN}", 404, "image"),
    ("GET", f"/api/images/{UNKNOWN}?size=0", 422, "size"),
    ("GET", "/api/images/..%2f..%2fetc%2fpasswd", 404, None),
    ("GET", "/api/images/nothing", 404, "image"),
    ("POST", "/api/images", 415, "image"),
    ("GET", "/api/layer/code?groups=0", 422, "groups"),
    ("GET", "/api/growth?doublings=17", 422, "doublings"),
    ("GET", "/api/figures/growth?growth=flops", 422, "growth"),
    ("GET", "/api/weber-fechner?groups=9", 422, "groups"),
    ("GET", "/api/figures/weber-fechner?base=1", 422, "base"),
    ("GET", "/api/networks/alexnet", 404, "network"),
    ("POST", "/api/networks", 405, None),
    ("POST", "/api/networks/analyze", 415, None),
    ("POST", "/api/networks/whatif", 415, None),
    ("POST", "/api/networks/policies", 415, None),
    ("POST", "/api/networks/memory", 415, None),
    ("POST", "/api/networks/placement", 415, None),
    ("POST", "/api/networks/code", 415, None),
    ("POST", "/api/networks/document", 415, None),
    ("POST", "/api/figures/network", 415, None),
    ("GET", "/api/stack?modules=17", 422, "modules"),
    ("GET", "/api/stack?kernel_size=2", 422, "kernel_size"),
    ("GET", "/api/stack?size=4&downsample=max&stage=1", 422, "stage"),
    ("GET", "/api/stack/reach?modules=3&module=4", 422, "module"),
    ("GET", f"/api/stack/maps?image={UNKNOWN}", 404, "image"),
    ("GET", f"/api/stack/maps?image={UNKNOWN}&module=9", 422, "module"),
    ("GET", f"/api/stack/maps?image={UNKNOWN}&b_scheme=uniform&b_groups=5", 422, "b_groups"),
    ("GET", f"/api/stack/maps.npy?image={UNKNOWN}&channels=0:65", 422, "channels"),
    ("GET", f"/api/stack/energy?image={UNKNOWN}&side=c", 422, "side"),
    ("GET", f"/api/stack/scale?image={UNKNOWN}&size=1024&scheme=standard", 422, "size"),
    ("GET", f"/api/stack/pixel?image={UNKNOWN}&module=0", 422, "module"),
    ("GET", f"/api/stack/redundancy?image={UNKNOWN}&mixing=x", 422, "mixing"),
    ("GET", f"/api/stack/ink?image={UNKNOWN}&dye_channel=64", 422, "dye_channel"),
    ("GET", "/api/figures/stack-reach?b_scheme=custom", 422, "b_sizes"),
    ("GET", "/api/figures/stack-scale", 422, "image"),
    ("GET", f"/api/feature-maps?image={UNKNOWN}&weights=trained", 422, "checkpoint"),
    ("GET", f"/api/feature-maps?image={UNKNOWN}&weights=trained&checkpoint={UNKNOWN}", 404, "checkpoint"),
    ("GET", f"/api/stack/maps?image={UNKNOWN}&weights=trained&checkpoint=a/b", 422, "checkpoint"),
    ("PUT", "/api/checkpoints", 405, None),
    ("POST", "/api/checkpoints?modules=0", 422, "modules"),
    ("POST", "/api/checkpoints", 422, "checkpoint"),
    ("GET", "/api/checkpoints/layout?kernel_size=2", 422, "kernel_size"),
    ("GET", "/api/checkpoints/nothing.safetensors", 404, "checkpoint"),
    ("DELETE", "/api/checkpoints/nothing", 404, "checkpoint"),
    ("GET", "/api/measurements/plan?rounds=4", 422, "rounds"),
    ("GET", "/api/measurements/plan?kind=network", 422, "kind"),
    ("GET", "/api/measurements/plan?in_channels=2048&out_channels=2048&height=4096&width=4096", 422, "batch"),
    ("POST", "/api/measurements?batch=0", 422, "batch"),
    ("POST", "/api/measurements?dtype=int8", 422, "dtype"),
    ("POST", "/api/measurements?kernel_size=9&height=4&padding=0", 422, "kernel_size"),
    ("POST", "/api/measurements?backward=true&batch=256&height=1024&width=1024", 422, "batch"),
    ("GET", "/api/measurements?limit=0", 422, "limit"),
    ("GET", "/api/measurements?seed=1", 422, "seed"),
    ("POST", "/api/measurements/network", 415, None),
    ("PUT", "/api/measurements/queue", 405, None),
    ("POST", "/api/measurements/export", 405, None),
    ("GET", "/api/measurements/nothing", 404, None),
    ("DELETE", "/api/measurements/nothing", 404, None),
    ("GET", "/api/measurements/nothing/events", 404, None),
    ("POST", "/api/measurements/nothing/cancel", 404, None),
    ("GET", "/api/measurements/nothing/csv", 404, None),
    ("GET", "/api/measurements/nothing/figures/latency", 404, None),
    ("GET", "/api/trainings/plan?arms=standard", 422, "arms"),
    ("POST", "/api/trainings?learning_rate=0", 422, "learning_rate"),
    ("GET", "/api/trainings?limit=0", 422, "limit"),
    ("POST", "/api/trainings/export", 405, None),
    ("GET", "/api/trainings/nothing", 404, None),
    ("DELETE", "/api/trainings/nothing", 404, None),
    ("GET", "/api/trainings/nothing/events", 404, None),
    ("POST", "/api/trainings/nothing/pause", 404, None),
    ("POST", "/api/trainings/nothing/resume", 404, None),
    ("POST", "/api/trainings/nothing/cancel", 404, None),
    ("GET", "/api/trainings/nothing/csv", 404, None),
    ("GET", "/api/trainings/nothing/figures/curves", 404, None),
    ("GET", "/api/trainings/nothing/figures/curves?x=time", 422, "x"),
    ("GET", "/api/trainings/nothing/probe?arm=wide", 422, "arm"),
    ("PUT", "/api/images", 405, None),
    ("POST", "/api/layer", 405, None),
    ("DELETE", "/api/images/samples", 405, None),
    ("POST", "/", 405, None),
    ("POST", "/healthz", 405, None),
    ("POST", "/api/device", 405, None),
    ("GET", "/readyz", 503, None),
    ("GET", "/api", 404, None),
    ("GET", "/api/layer/", 404, None),
    ("GET", "/nothing", 404, None),
    ("GET", "/static/nothing.js", 404, None),
    ("GET", "/static/../app/main.py", 404, None),
]


@pytest.mark.parametrize("method, address, status, field", BAD)
def test_every_refusal_has_one_shape(
    client: TestClient, method: str, address: str, status: int, field: str | None
) -> None:
    answer = client.request(method, address)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    error = Failure.model_validate_json(answer.content).error
    assert error.field == field
    assert error.message
    assert error.hint


def test_every_route_is_among_them(app: FastAPI) -> None:
    tried = {address.partition("?")[0].replace(UNKNOWN, "{image_id}") for _, address, _, _ in BAD}
    tried = {address.replace("nothing/figures/latency", "nothing/figures/{figure}") for address in tried}
    tried |= {address.replace("/checkpoints/nothing", "/checkpoints/{checkpoint_id}") for address in tried}
    tried |= {address.replace("nothing/figures/curves", "nothing/figures/{figure}") for address in tried}
    tried |= {address.replace("/trainings/nothing", "/trainings/{training_id}") for address in tried}
    tried |= {address.replace("/measurements/nothing", "/measurements/{measurement_id}") for address in tried}
    assert set(app.openapi()["paths"]) - {"/api/images/{image_id}", "/api/networks/{network_id}"} <= tried


def test_a_wrong_method_is_told_the_right_one(client: TestClient) -> None:
    answer = client.post("/api/layer")
    assert answer.headers["allow"] == "GET"
    assert answer.json()["error"] == {
        "code": "method_not_allowed",
        "message": "'/api/layer' does not take POST",
        "field": None,
        "hint": "use GET",
    }


def test_not_ready_says_when_to_ask_again(client: TestClient) -> None:
    answer = client.get("/readyz")
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["error"]["code"] == "starting"


def test_a_query_too_long_is_414(app: FastAPI) -> None:
    answer = ask(app, "/api/layer", b"groups=" + b"1" * 262_144)
    assert answer.status == 414
    assert Failure.model_validate_json(answer.body).error.code == "query_too_long"


def test_a_crash_has_the_shape_and_the_headers_too(settings: Settings) -> None:
    async def crash(request: object) -> None:
        raise ZeroDivisionError("secret")

    app = create_app(settings)
    app.router.add_route("/api/crash", crash)
    answer = TestClient(app, "http://localhost", raise_server_exceptions=False).get("/api/crash")
    assert answer.status_code == 500
    assert Failure.model_validate_json(answer.content).error.code == "internal"
    assert "secret" not in answer.text
    assert "content-security-policy" in answer.headers


def test_a_person_who_followed_a_link_reads_a_page(client: TestClient) -> None:
    answer = client.get("/nothing<script>", headers={"accept": "text/html,*/*"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script>&#" not in answer.text
    assert "/nothing&lt;script&gt;" in answer.text
    assert client.get("/api/nothing", headers={"accept": "text/html"}).headers["content-type"] == "application/json"


def test_the_page_may_ask_for_failures_inside_a_200(client: TestClient) -> None:
    """A browser writes every other status of a fetch on its console."""
    plain = client.get("/api/layer?groups=0")
    inline = client.get("/api/layer?groups=0", headers={"Groupscope-Errors": "inline"})
    assert (plain.status_code, inline.status_code) == (422, 200)
    assert inline.headers["groupscope-status"] == "422"
    assert inline.json()["error"] == plain.json()["error"]
    assert inline.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/layer?groups=4", "/static/favicon.svg", "/api/images/samples"])
def test_head_is_a_get_without_its_body(client: TestClient, path: str) -> None:
    assert client.head(path).status_code == 200


def test_static_files_are_read_only(client: TestClient) -> None:
    answer = client.post("/static/favicon.svg")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.json()["error"]["code"] == "method_not_allowed"
