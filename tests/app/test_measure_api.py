"""Measurements over HTTP: a real server, a real engine, layers of which a pass takes microseconds."""

import csv
import io
import json
import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import plotly.graph_objects as go
import pytest
from pydantic import TypeAdapter

from app.feed import LAST
from app.figures import MEASURE_FIGURES
from app.measurecsv import csv_of
from app.measureschemas import Accepted, AnyResult, Export, KeptMeasurements, MeasurePlan, MeasureQueue
from app.schemas import Failure, PlotlyFigure
from app.settings import PROJECT
from tests.app.measured import ENDS, TINY, begin, events, measured, serving

SAMPLE = json.loads((PROJECT / "static/samples/samples.json").read_text("utf-8"))[0]["id"]
RESULT: TypeAdapter[Any] = TypeAdapter(AnyResult)
MAPS = {"image": SAMPLE, "size": 32, "in_channels": 8, "out_channels": 8}
LONG = {"kind": "sweep", "in_channels": 32, "out_channels": 32, "height": 28, "width": 28, "rounds": 101}
NETWORK = {
    "input_shape": [8, 8, 8],
    "layers": [
        {"kind": "Conv2d", "name": "first", "out_channels": 8, "kernel_size": 3, "padding": 1},
        {"kind": "Conv2d", "name": "=second", "out_channels": 8, "kernel_size": 3, "padding": 1},
        {"kind": "Conv2d", "name": "third", "out_channels": 4, "kernel_size": 1},
    ],
}


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    flags = ("--measure-queue", "2", "--max-measure-seconds", "60")
    with serving(tmp_path_factory.mktemp("measured"), *flags) as server, server.client() as client:
        client.get("/api/device")  # torch is loaded
        yield client


@pytest.fixture(scope="module")
def results(http: httpx2.Client) -> dict[str, dict[str, Any]]:
    """One of each kind."""
    found = {kind: measured(http, kind=kind) for kind in ("ceilings", "layer", "waterfall", "sweep", "parallel")}
    body = {"network": NETWORK, "policy": {"kind": "uniform", "groups": 2}, "rounds": 5}
    answer = http.post("/api/measurements/network", json=body)
    assert answer.status_code == 202, answer.text
    *_, last = events(http, answer.json()["id"])
    return {**found, "network": last.data}


def refusal(answer: httpx2.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    return Failure.model_validate_json(answer.content).error.model_dump()


def test_the_whole_life_of_a_measurement(http: httpx2.Client) -> None:
    query = {**TINY, "rounds": 7}
    plan = http.get("/api/measurements/plan", params=query)
    assert MeasurePlan.model_validate_json(plan.content).allowed
    answer = http.post("/api/measurements", params=query)
    accepted = Accepted.model_validate_json(answer.content)
    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/measurements/{accepted.id}")
    assert accepted.position == 0
    assert refusal(http.get(f"/api/measurements/{accepted.id}"), 409)["code"] == "still_measuring"
    assert refusal(http.delete(f"/api/measurements/{accepted.id}"), 409)["code"] == "still_measuring"
    told = list(events(http, accepted.id))
    assert {event.name for event in told[:-1]} <= {"queued", "progress"}
    done = [event.data["done"] for event in told if event.name == "progress"]
    assert done == sorted(done)
    assert done
    last = told[-1]
    assert (last.name, last.id) == ("result", LAST.decode())
    assert (last.data.pop("stored"), last.data.pop("stored_reason")) == (True, None)
    result = http.get(f"/api/measurements/{accepted.id}").json()
    assert result == last.data
    assert RESULT.validate_python(result).conditions.rounds == 7
    assert {len(row["samples"]) for row in result["rows"]} == {7}
    assert result["conditions"]["allocator"] == "kept"
    spin = os.environ.get("GOMP_SPINCOUNT", "10000")  # what the worker asks for, unless it was told otherwise
    assert result["conditions"]["spin_count"] == spin
    threads = result["conditions"]["threads"]
    assert (f"GOMP_SPINCOUNT {spin}" in result["conditions"]["sentence"]) == (threads > 1)
    (again,) = events(http, accepted.id)
    assert again.data == {**result, "stored": True, "stored_reason": None}
    ended = http.get(f"/api/measurements/{accepted.id}/events", headers={"Last-Event-ID": LAST.decode()})
    assert (ended.status_code, ended.content) == (204, b"")


def test_arms_of_the_plan_are_what_runs(http: httpx2.Client, results: dict[str, Any]) -> None:
    plan = http.get("/api/measurements/plan", params=TINY).json()
    rows = results["layer"]["rows"]
    assert [(row["arm"], row["how"]) for row in rows] == [
        (arm["arm"], how) for arm in plan["arms"] for how in ("plain", "best")
    ]
    assert [arm["promised"] for arm in plan["arms"]] == [row["promised"] for row in rows if row["how"] == "best"]
    assert plan["skipped"] == results["layer"]["skipped"] == {"uniform": "groups must divide in_channels: 8 % 3 = 2"}
    assert plan["measured_ceiling"] is True
    assert plan["assumed_gflops"] == results["layer"]["ceilings"]["conv_gflops"]


@pytest.mark.parametrize("kind", ["layer", "waterfall", "sweep", "parallel", "ceilings", "network"])
def test_each_kind_says_what_the_documentation_says(results: dict[str, Any], kind: str) -> None:
    stored = {name: value for name, value in results[kind].items() if name not in ("stored", "stored_reason")}
    assert RESULT.validate_python(stored).kind == kind


def test_what_was_kept_before_a_condition_had_a_name_is_still_a_table(results: dict[str, Any]) -> None:
    older = json.loads(json.dumps(results["layer"]))
    del older["conditions"]["spin_count"]
    rows = list(csv.DictReader(io.StringIO(csv_of(older), newline="")))
    assert rows
    assert {row["condition_spin_count"] for row in rows} == {""}


@pytest.mark.parametrize("kind", ["layer", "waterfall", "sweep", "parallel", "ceilings", "network"])
def test_each_kind_is_told_as_a_table(http: httpx2.Client, results: dict[str, Any], kind: str) -> None:
    result = results[kind]
    answer = http.get(f"/api/measurements/{result['id']}/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"measurement-{kind}-{result['id'][:8]}.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert all(row["condition_dtype"] == "float32" and row["condition_rounds"] == "5" for row in rows)
    match kind:
        case "layer":
            seconds = [float(row["seconds"]) for row in rows]
            assert seconds == [sample for row in result["rows"] for sample in row["samples"]]
            assert {row["sizes"] for row in rows} == {row["sizes"] for row in result["rows"]}
        case "waterfall":
            assert [row["step"] for row in rows] == [step["name"] for step in result["steps"]]
        case "sweep":
            assert [float(row["counted_seconds"]) for row in rows] == [row["counted"] for row in result["rows"]]
        case "parallel":
            assert {row["how"]: row["speedup"] for row in rows}["devices"] == ""
        case "ceilings":
            assert float(rows[0]["value"]) == result["matmul_gflops"]
        case "network":
            assert [(row["layer"], row["count"]) for row in rows] == [("first", "2"), ("third", "1")]


@pytest.mark.parametrize("kind, name", [(kind, name) for kind, names in MEASURE_FIGURES.items() for name in names])
def test_each_figure_is_plotlys_and_is_the_result(
    http: httpx2.Client, results: dict[str, Any], kind: str, name: str
) -> None:
    result = results[kind]
    answer = http.get(f"/api/measurements/{result['id']}/figures/{name}")
    PlotlyFigure.model_validate_json(answer.content)
    drawn = answer.json()
    assert json.loads(go.Figure(drawn).to_json())["data"] == drawn["data"]
    assert drawn["layout"]["title"]["text"]
    traces = drawn["data"]
    named = [trace for trace in traces if "arm" in trace["meta"]]
    match name:
        case "latency":
            assert [(t["meta"]["arm"], t["meta"]["how"]) for t in named] == [
                (r["arm"], r["how"]) for r in result["rows"]
            ]
            for trace, row in zip(named, result["rows"], strict=True):
                assert trace["x"][1] == pytest.approx(1000 * row["median"])
                assert [x for x in trace["x"][3:] if x is not None] == pytest.approx([1000 * s for s in row["samples"]])
            assert drawn["layout"]["yaxis"]["ticktext"] == [trace["name"] for trace in named]
        case "roofline" if kind == "layer":
            points = [(trace["x"], trace["y"]) for trace in named]
            assert points == [([row["intensity"]], [row["gflops"]]) for row in result["rows"]]
            assert any("matrix product" in t["name"] or "convolution" in t["name"] for t in traces)
        case "waterfall":
            assert traces[0]["y"] == [step["factor"] for step in result["steps"] if step["available"]]
            assert traces[0]["marker"]["pattern"]["shape"][:2] == ["/", ""]
        case "sweep":
            best = {t["meta"]["arm"]: t for t in named if t["meta"]["how"] == "best"}
            for scheme, trace in best.items():
                rows = [row for row in result["rows"] if row["scheme"] == scheme]
                assert trace["x"] == [row["groups"] for row in rows]
                assert trace["y"] == pytest.approx([1000 * row["median"] for row in rows])
            assert [t["line"]["dash"] for t in traces if "counted" in t["meta"]] == ["dash", "dash"]
        case "parallel":
            assert traces[0]["y"] == [row["speedup"] for row in result["rows"] if row["available"]]
            assert traces[1]["y"] == [result["ideal"]] * 2


def test_a_figure_that_a_kind_does_not_have_is_404(http: httpx2.Client, results: dict[str, Any]) -> None:
    error = refusal(http.get(f"/api/measurements/{results['sweep']['id']}/figures/latency"), 404)
    assert (error["field"], error["hint"]) == ("figure", "it has sweep")


def test_what_is_kept_is_found_by_its_layer(http: httpx2.Client, results: dict[str, Any]) -> None:
    def found(**query: Any) -> list[str]:
        answer = http.get("/api/measurements", params=query)
        return [entry.id for entry in KeptMeasurements.model_validate_json(answer.content).measurements]

    assert found(limit=1, kind="layer", **{**TINY, "rounds": 31}) == [results["layer"]["id"]]
    assert found(kind="sweep", **TINY) == [results["sweep"]["id"]]
    assert found(kind="sweep", **{**TINY, "batch": 2}) == []
    assert found(kind="sweep", **{**TINY, "bias": "false"}) == []
    assert found(kind="network") == [results["network"]["id"]]
    assert found(kind="ceilings", dtype="float64") == []
    entry = http.get("/api/measurements", params={"kind": "layer", **TINY}).json()["measurements"][0]
    assert entry["label"] == "8 channels, 3 × 3, on 8 × 8, logarithmic n = 3"
    assert found(device=entry["device"], kind="parallel") == [results["parallel"]["id"]]
    assert found(device="abacus") == []
    opened = http.get(f"/api/measurements/plan?{entry['query']}")
    assert opened.json()["arms"] == http.get("/api/measurements/plan", params=TINY).json()["arms"]
    assert "sizes" not in entry["query"]


def test_everything_can_be_taken_away_and_one_forgotten(http: httpx2.Client, results: dict[str, Any]) -> None:
    first = measured(http, kind="parallel", in_channels=12, out_channels=12)
    answer = http.get("/api/measurements/export")
    export = Export.model_validate_json(answer.content)
    assert {entry.id for entry in export.measurements} >= {first["id"], *(result["id"] for result in results.values())}
    kept = (results["ceilings"], results["layer"]["ceilings"])  # the layer measures them again on a busy machine
    assert export.ceilings[0].result.conv_gflops in [found["conv_gflops"] for found in kept]
    assert "attachment" in answer.headers["content-disposition"]
    assert http.delete(f"/api/measurements/{first['id']}").status_code == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/csv"), ("POST", "/cancel")):
        error = refusal(http.request(method, f"/api/measurements/{first['id']}{path}"), 404)
        assert error["code"] == "unknown_measurement"


def test_cancelled_while_it_waits_and_while_it_runs(http: httpx2.Client) -> None:
    running, waiting = begin(http, **LONG), begin(http)
    active = http.get("/api/measurements", params={"kind": "sweep", **TINY, **LONG}).json()["active"]
    assert active == {"id": running, "kind": "sweep", "position": 0}
    queue = MeasureQueue.model_validate_json(http.get("/api/measurements/queue").content)
    assert queue.running
    assert (queue.running.id, [(entry.id, entry.position) for entry in queue.waiting]) == (running, [(waiting, 1)])
    first = next(events(http, waiting))
    assert (first.name, first.data["position"]) == ("queued", 1)
    assert first.data["ahead_seconds"] > 0
    stream = events(http, running)
    assert next(stream).name == "progress"
    for measurement_id in (waiting, running):
        answer = http.post(f"/api/measurements/{measurement_id}/cancel")
        assert (answer.status_code, answer.content) == (204, b"")
    *_, last = stream
    assert (last.name, last.data) == ("cancelled", {"id": running})
    (again,) = events(http, waiting)
    assert again.name == "cancelled"
    assert http.post(f"/api/measurements/{running}/cancel").status_code == 204
    assert measured(http, kind="parallel")["kind"] == "parallel"
    refusal(http.get(f"/api/measurements/{running}"), 404)


def test_two_at_once_never_run_side_by_side_and_a_third_waits(http: httpx2.Client) -> None:
    """While one runs, every other says `queued`; two streams of one measurement tell the same end."""
    ids = [begin(http, kind="waterfall", rounds=rounds) for rounds in (25, 6, 7)]
    full = http.post("/api/measurements", params=TINY)
    assert refusal(full, 503)["code"] == "busy"
    assert int(full.headers["retry-after"]) >= 1
    told: dict[str, list[str]] = {measurement_id: [] for measurement_id in ids}
    order: list[str] = []

    def follow(measurement_id: str) -> None:
        for event in events(http, measurement_id):
            told[measurement_id].append(event.name)
            if event.name in ENDS:
                order.append(measurement_id)

    threads = [threading.Thread(target=follow, args=[measurement_id]) for measurement_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert order == ids
    assert [names[-1] for names in told.values()] == ["result"] * 3
    assert told[ids[1]][0] == told[ids[2]][0] == "queued"


def test_maps_are_answered_while_a_measurement_runs(http: httpx2.Client) -> None:
    measurement_id = begin(http, **LONG)
    stream = events(http, measurement_id)
    assert next(stream).name == "progress"
    for seed in range(5):
        assert http.get("/api/feature-maps", params={**MAPS, "seed": seed}).status_code == 200
    running = http.get("/api/measurements/queue").json()["running"]
    assert running["id"] == measurement_id, "it still runs"
    http.post(f"/api/measurements/{measurement_id}/cancel")
    *_, last = stream
    assert last.name == "cancelled"


def test_too_long_says_so_beforehand_with_both_numbers(http: httpx2.Client, results: dict[str, Any]) -> None:
    query = {**TINY, "in_channels": 256, "out_channels": 256, "height": 112, "width": 112, "rounds": 101}
    plan = http.get("/api/measurements/plan", params=query).json()
    assert (plan["allowed"], plan["limit_seconds"]) == (False, 60)
    error = refusal(http.post("/api/measurements", params=query), 422)
    assert (error["code"], error["field"]) == ("measurement_too_long", "rounds")
    seconds = plan["estimate_seconds"]
    assert error["message"] == f"this would take about {seconds:,.0f} s, and a measurement may take at most 60 s"
    assert error["hint"].endswith("a smaller layer or batch")


def test_events_are_neither_kept_nor_held_back(http: httpx2.Client, results: dict[str, Any]) -> None:
    path = f"/api/measurements/{results['layer']['id']}/events"
    with http.stream("GET", path, headers={"accept-encoding": "zstd, br, gzip"}) as answer:
        assert "content-encoding" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert "content-security-policy" in answer.headers
        answer.read()


def test_a_network_that_is_none_is_refused(http: httpx2.Client) -> None:
    for body, field in (({"network": "nin", "rounds": 3}, "rounds"), ({"network": "nin", "dtype": "int8"}, "dtype")):
        assert refusal(http.post("/api/measurements/network", json=body), 422)["field"] == field
    dense = {"input_shape": [8], "layers": [{"kind": "Linear", "out_features": 2}]}
    error = refusal(http.post("/api/measurements/network", json={"network": dense}), 422)
    assert error["message"] == "the network has no convolution"
    assert refusal(http.post("/api/measurements/network", json={"network": "nothing"}), 404)["field"] == "network"


def test_killed_while_it_measures_it_finds_its_results_again(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.client() as client:
        kept = measured(client, kind="parallel")
        lost = begin(client, **LONG)
        assert next(events(client, lost)).name == "progress"
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(10)
    connection = sqlite3.connect(tmp_path / "measurements.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    with serving(tmp_path) as server, server.client() as client:
        listed = client.get("/api/measurements").json()["measurements"]
        assert [entry["id"] for entry in listed] == [kept["id"]]
        assert client.get(f"/api/measurements/{kept['id']}").json()["rows"] == kept["rows"]
        assert client.get(f"/api/measurements/{kept['id']}/figures/parallel").status_code == 200
        (event,) = events(client, kept["id"])
        assert event.name == "result"
        refusal(client.get(f"/api/measurements/{lost}/events"), 404)
        server.process.kill()
    for part in ("-wal", "-shm"):
        (tmp_path / f"measurements.sqlite{part}").unlink(missing_ok=True)
    (tmp_path / "measurements.sqlite").write_bytes(b"not a database" * 1000)
    with serving(tmp_path) as server, server.client() as client:
        assert client.get("/api/measurements").json() == {"measurements": [], "active": None}
        assert client.get("/healthz").status_code == 200
        server.process.kill()
    assert len(list(tmp_path.glob("measurements.sqlite.damaged-*"))) == 1


def test_stopping_ends_streams_and_the_measurement_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.client() as client:
        running, waiting = begin(client, **LONG), begin(client)
        streams = [events(client, measurement_id) for measurement_id in (running, waiting)]
        assert [next(stream).name for stream in streams] == ["progress", "queued"]
        server.process.send_signal(signal.SIGTERM)
        for stream in streams:
            *_, last = stream
            assert last.name == "cancelled"
        assert server.process.wait(10) == 0
        assert server.process.stdout
        assert "Error" not in server.process.stdout.read()
