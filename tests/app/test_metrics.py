"""/metrics of a real server, read with the library's own parser."""

from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from tests.app.measured import serving

SMALL = "in_channels=8&out_channels=8&groups=2&scheme=uniform&size=32&image="


def figures(client: httpx2.Client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    found = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_there_are_none_unless_they_are_wanted(client: TestClient) -> None:
    assert client.get("/metrics").status_code == 404


def test_what_happened_is_counted(tmp_path: Path) -> None:
    with serving(tmp_path, "--metrics", "true") as server, server.client() as client:
        before = figures(client)
        sample = client.get("/api/images/samples").json()[0]["id"]
        for _ in range(3):
            assert client.get("/api/layer?groups=2").status_code == 200
        client.get("/api/layer?groups=0")
        client.get("/api/layer?groups=0", headers={"groupscope-errors": "inline"})
        client.get("/nothing/at/all")
        client.get("/static/favicon.svg")
        client.patch("/api/layer")
        assert client.get(f"/api/feature-maps?{SMALL}{sample}").status_code == 200
        after = figures(client)

    def more(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert more("groupscope_requests_total{method=GET,route=/api/layer,status=200}") == 3
    assert more("groupscope_requests_total{method=GET,route=/api/layer,status=422}") == 2  # one of them inside a 200
    assert more("groupscope_requests_total{method=GET,route=other,status=404}") == 1
    assert more("groupscope_requests_total{method=GET,route=/static,status=200}") == 1
    assert more("groupscope_requests_total{method=other,route=/api/layer,status=405}") == 1
    assert more("groupscope_request_seconds_count{route=/api/layer}") == 6
    assert more("groupscope_cache_hits_total{cache=layer}") == 2
    assert more("groupscope_cache_misses_total{cache=layer}") >= 1
    assert more("groupscope_engine_jobs_total{job=answer}") == 1
    assert more("groupscope_engine_seconds_total{job=answer}") > 0
    assert after["groupscope_engine_ready{}"] == 1
    assert after["groupscope_engine_restarts_total{}"] == 0
    assert after["groupscope_queue_waiting{queue=device}"] >= 0
    assert after["groupscope_queue_waiting{queue=networks}"] == 0
    assert after["groupscope_device_memory_bytes{count=resident}"] > 50e6
