"""Training on a real server: planned, followed, paused, gone on with after a kill, beside measurements and maps."""

import csv
import io
import json
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
from safetensors.numpy import load

from app.trainingschemas import AcceptedRun, RunRecord, Runs, TrainingPlan
from tests.app.measured import begin as begin_measurement
from tests.app.measured import events as measurement_events
from tests.app.measured import serving
from tests.app.trained import QUICK, SMALL, begin, events, images, record, trained, under_way
from tests.compute.traincases import few

ERROR = {"code", "message", "field", "hint"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    folder = tmp_path_factory.mktemp("training")
    with serving(folder, "--train-queue", "2", "--data", images(folder)) as server, server.client() as client:
        yield client


@pytest.fixture(scope="module")
def done(client: httpx2.Client) -> dict:
    return trained(client, seeds=2, groups=2)


def test_plan_tells_what_would_be_trained(client: httpx2.Client) -> None:
    plan = client.get("/api/trainings/plan").json()
    TrainingPlan.model_validate(plan)
    assert [(arm["label"], arm["channels"]) for arm in plan["arms"]] == [
        ("standard", 16), ("uniform n = 4", 32), ("logarithmic n = 4", 27),
    ]  # fmt: skip
    assert all(0.9 < arm["params_ratio"] < 1.1 for arm in plan["arms"])
    assert (plan["steps"], plan["total_steps"]) == (plan["epochs"] * 100, plan["epochs"] * 300)
    assert plan["data"]["name"] == "Fashion-MNIST"
    assert plan["estimate_seconds"] > 0


def test_a_run_is_followed_to_its_end(client: httpx2.Client) -> None:
    answer = client.post("/api/trainings", params=SMALL)
    AcceptedRun.model_validate(answer.json())
    training_id = answer.json()["id"]
    assert answer.headers["location"] == f"/api/trainings/{training_id}"
    *before, last = events(client, training_id)
    assert (last.id, last.name, last.data) == ("last", "result", {"id": training_id, "state": "done"})
    steps = [event.data["done"] for event in before if event.name == "progress"]
    assert steps == sorted(steps)
    found = record(client, training_id)
    RunRecord.model_validate(found)
    assert found["done"] == found["total"] == 400
    assert found["stored"] is True
    for arm in found["arms"]:
        [curve] = found["history"][arm["arm"]]
        assert curve["steps"][-1] == 200
        assert curve["loss"][-1] < curve["loss"][0]
        assert curve["macs"][-1] == 200 * 3 * 10 * arm["macs"]
        assert [one["step"] for one in curve["evaluations"]] == [0, 100, 200]
        [seed] = arm["seeds"]
        assert np.trace(seed["confusion"]) / 200 == seed["accuracy"] == curve["evaluations"][-1]["accuracy"]
        assert np.sum(seed["confusion"], 1).tolist() == np.bincount(few().y_test).tolist()
    again = client.get(f"/api/trainings/{training_id}/events", headers={"Last-Event-ID": "last"})
    assert again.status_code == 204


def test_what_is_kept_can_be_listed_drawn_and_taken_away(client: httpx2.Client, done: dict) -> None:
    listed = client.get("/api/trainings").json()
    Runs.model_validate(listed)
    assert done["id"] in [run["id"] for run in listed["trainings"]]
    base = f"/api/trainings/{done['id']}"
    curves = client.get(f"{base}/figures/curves", params={"y": "accuracy", "x": "macs"}).json()
    means = [trace for trace in curves["data"] if trace.get("showlegend", True)]
    for trace, arm in zip(means, done["arms"], strict=True):
        both = [[one["accuracy"] for one in curve["evaluations"]] for curve in done["history"][arm["arm"]]]
        assert trace["y"] == pytest.approx(np.mean(both, 0))
        assert trace["x"] == [one["macs"] for one in done["history"][arm["arm"]][0]["evaluations"]]
    spread = client.get(f"{base}/figures/accuracy").json()["data"]
    assert [trace["x"] for trace in spread if trace["name"] == "standard"] == [[done["arms"][0]["params"]]]
    confusion = client.get(f"{base}/figures/confusion", params={"arm": "uniform"}).json()["data"][0]["z"]
    assert confusion == np.sum([seed["confusion"] for seed in done["arms"][1]["seeds"]], 0).tolist()
    energy = client.get(f"{base}/figures/energy", params={"arm": "uniform"}).json()["data"]
    assert np.sum([trace["y"] for trace in energy], 0) == pytest.approx(1)
    rows = list(csv.DictReader(io.StringIO(client.get(f"{base}/csv").text)))
    assert {(row["arm"], row["seed"], row["kind"]) for row in rows} == {
        (arm, seed, kind) for arm in ("standard", "uniform") for seed in "01" for kind in ("training", "held-out")
    }
    probe = load(client.get(f"{base}/probe", params={"arm": "uniform"}).content)
    assert {name: array.shape for name, array in probe.items()} == {
        "stem": (8, 1, 3, 3), **{f"{name}.{m}": (8, 8) for name in ("covariance", "correlation") for m in (1, 2)},
    }  # fmt: skip
    everything = client.get("/api/trainings/export").json()["trainings"]
    assert done in everything


def test_verdict_is_paired_by_seed(done: dict) -> None:
    first, second = ([seed["accuracy"] for seed in arm["seeds"]] for arm in done["arms"])
    [pair] = done["verdict"]["pairs"]
    assert pair["difference"] == pytest.approx(np.mean(np.subtract(first, second)))
    half = 12.7062 * np.std(np.subtract(first, second), ddof=1) / 2**0.5
    assert pair["high"] - pair["difference"] == pytest.approx(half, rel=1e-3)
    assert done["verdict"]["sentence"].startswith("With 2 seeds")


def test_networks_can_be_looked_through(client: httpx2.Client, done: dict) -> None:
    wanted = done["arms"][1]["seeds"][1]["checkpoint"]
    found = {one["id"]: one for one in client.get("/api/checkpoints").json()["checkpoints"]}[wanted]
    assert (found["arm"], found["seed"]) == ("uniform", 1)
    assert found["accuracy"] == done["arms"][1]["seeds"][1]["accuracy"]
    image = client.get("/api/images/samples").json()[0]["id"]
    answer = client.get(f"/api/stack/maps?{found['query']}&image={image}&module=2&dtype=float32")
    assert answer.status_code == 200, answer.text
    assert load(answer.content)["maps"].shape[0] == 8


def test_a_paused_run_goes_on_to_the_same_numbers(client: httpx2.Client) -> None:
    whole = trained(client, seed=3)
    training_id = begin(client, seed=3)
    under_way(client, training_id, 20)
    assert client.post(f"/api/trainings/{training_id}/pause").status_code == 204
    stopped = record(client, training_id)
    assert stopped["state"] == "paused"
    assert 20 <= stopped["done"] < stopped["total"]
    time.sleep(0.3)
    assert record(client, training_id)["done"] == stopped["done"]
    other = trained(client, **QUICK)  # it makes room for another
    assert client.post(f"/api/trainings/{training_id}/resume").status_code == 204
    *_, last = events(client, training_id)
    assert last.name == "result"
    assert numbers(record(client, training_id)) == numbers(whole)
    assert other["state"] == "done"


def numbers(found: dict) -> dict:
    """All that does not tell of time, or of which run it is."""
    kept = {name: found[name] for name in ("history", "arms", "verdict", "done", "total")}

    def without(pairs: list) -> dict:
        return {name: value for name, value in pairs if name not in ("seconds", "checkpoint")}

    return json.loads(json.dumps(kept), object_pairs_hook=without)


def test_a_cancelled_run_keeps_what_it_has_and_goes_on_if_asked(client: httpx2.Client) -> None:
    training_id = begin(client, epochs=10)
    under_way(client, training_id, 30)
    assert client.post(f"/api/trainings/{training_id}/cancel").status_code == 204
    *_, last = events(client, training_id)
    assert last.name == "cancelled"
    found = record(client, training_id)
    assert found["state"] == "cancelled"
    assert found["history"]["standard"][0]["steps"]
    assert client.post(f"/api/trainings/{training_id}/resume").status_code == 204
    *_, last = events(client, training_id)
    assert last.name == "result"


def test_runs_wait_for_each_other_and_room_is_bounded(client: httpx2.Client) -> None:
    runs = [begin(client, epochs=100) for _ in range(3)]
    refused = client.post("/api/trainings", params=SMALL)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
    assert refused.headers["retry-after"]
    states = {run["id"]: run["state"] for run in client.get("/api/trainings").json()["trainings"]}
    assert [states[run] for run in runs] == ["running", "queued", "queued"]
    assert client.delete(f"/api/trainings/{runs[0]}").json()["error"]["code"] == "still_training"
    for run in reversed(runs):
        assert client.post(f"/api/trainings/{run}/cancel").status_code == 204
    assert {record(client, run)["state"] for run in runs} == {"cancelled"}


def test_a_measurement_and_maps_come_between(client: httpx2.Client) -> None:
    """A measurement has the device to itself, the run goes on after it; maps are answered within the run."""
    training_id = begin(client, epochs=100)
    under_way(client, training_id, 10)
    image = client.get("/api/images/samples").json()[0]["id"]
    assert client.get("/api/feature-maps", params={"image": image, "tile": 64}).status_code == 200
    *_, last = measurement_events(client, begin_measurement(client, kind="parallel"))
    assert last.name == "result", last
    stood = record(client, training_id)["done"]
    under_way(client, training_id, stood + 1)
    assert client.post(f"/api/trainings/{training_id}/cancel").status_code == 204


def test_deleted_runs_are_gone_with_their_files(client: httpx2.Client) -> None:
    found = trained(client, **QUICK)
    checkpoint = found["arms"][0]["seeds"][0]["checkpoint"]
    assert client.delete(f"/api/trainings/{found['id']}").status_code == 204
    for method, address in (
        ("GET", ""), ("GET", "/events"), ("GET", "/csv"), ("GET", "/figures/curves"), ("GET", "/probe"),
        ("POST", "/pause"), ("POST", "/resume"), ("POST", "/cancel"), ("DELETE", ""),
    ):  # fmt: skip
        answer = client.request(method, f"/api/trainings/{found['id']}{address}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_run"), address
    known = [one["id"] for one in client.get("/api/checkpoints").json()["checkpoints"]]
    assert checkpoint not in known


@pytest.mark.parametrize(
    ("query", "status", "field", "part"),
    [
        ("arms=standard", 422, "arms", "2 to 4 arms"),
        ("arms=standard,wide", 422, "arms", "up to 4 of standard, uniform, logarithmic, depthwise"),
        ("arms=standard,standard", 422, "arms", "each once"),
        ("learning_rate=0", 422, "learning_rate", "at 0 nothing is learned"),
        ("learning_rate=fast", 422, "learning_rate", "must be a number"),
        ("learning_rate=nan", 422, "learning_rate", "must be a number"),
        ("epochs=0", 422, "epochs", "from 1 to 100"),
        ("batch=1", 422, "batch", "from 2 to 1024"),
        ("width=8&modules=1", 422, "width", "no width of the uniform arm comes within 10%"),
        ("hold=channels&width=15", 422, "groups", "groups must divide in_channels: 15 % 4 = 3"),
        ("modules=8&stage=1", 422, "stage", "a size of 28 can't be halved"),
        ("epochs=100&seeds=5&width=64", 422, "epochs", "and the limit is 3,600 s"),
        ("sead=1", 422, "sead", "did you mean seed?"),
    ],
)
def test_what_cannot_be_trained_is_said_beforehand(
    client: httpx2.Client, query: str, status: int, field: str, part: str
) -> None:
    answer = client.post(f"/api/trainings?{query}")
    error = answer.json()["error"]
    assert (answer.status_code, set(error)) == (status, ERROR)
    assert error["field"] == field
    assert part in f"{error['message']}; {error['hint']}"


def test_a_loss_that_is_no_number_is_told_at_once(client: httpx2.Client) -> None:
    training_id = begin(client, learning_rate=10, weight_decay=1, epochs=20)
    *_, last = events(client, training_id)
    assert last.name == "failed"
    assert last.data["error"]["field"] == "learning_rate"
    found = record(client, training_id)
    assert (found["state"], found["error"]) == ("failed", last.data["error"])
    RunRecord.model_validate(found)  # with numbers alone in its curves


def test_a_killed_server_goes_on_with_the_run(tmp_path: Path, client: httpx2.Client) -> None:
    """SIGKILL in the middle; the next server finds the run, trains on from its checkpoint, and ends with the same
    numbers as one that was never stopped."""
    query = {"epochs": 5, "seed": 5}
    whole = trained(client, **query)
    flags = "--data", images(tmp_path)
    with serving(tmp_path, *flags) as server, server.client() as first:
        training_id = begin(first, **query)
        for event in events(first, training_id):
            if event.name == "progress" and event.data["looks_version"] >= 2:
                break
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with serving(tmp_path, *flags) as server, server.client() as second:
        *_, last = events(second, training_id)
        assert last.name == "result", last
        assert numbers(record(second, training_id)) == numbers(whole)


def test_a_server_that_is_asked_to_stop_saves_first(tmp_path: Path) -> None:
    flags = "--data", images(tmp_path)
    with serving(tmp_path, *flags) as server, server.client() as client:
        training_id = begin(client, epochs=100)
        under_way(client, training_id, 30)
        stood = record(client, training_id)["done"]
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
    with serving(tmp_path, *flags) as server, server.client() as client:
        for event in events(client, training_id):
            if event.name == "progress" and event.data["done"]:
                assert event.data["done"] >= stood
                break
        assert client.post(f"/api/trainings/{training_id}/cancel").status_code == 204


def test_no_images_and_what_is_wrong_with_them(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with serving(tmp_path) as server, server.client() as client:
        error = client.get("/api/trainings/plan", params={"data": "own"}).json()["error"]
        assert (error["field"], error["message"]) == ("data", "this server has no images of its own to train on")
    with serving(tmp_path, "--data", str(tmp_path / "empty")) as server, server.client() as client:
        answer = client.get("/api/trainings/plan", params={"data": "own"})
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == "data"


def test_images_that_take_too_long_to_read_are_said_to(tmp_path: Path) -> None:
    with serving(tmp_path, "--data", images(tmp_path), "--max-seconds", "0.01") as server, server.client() as client:
        error = client.get("/api/trainings/plan", params=SMALL).json()["error"]
        assert (error["field"], error["message"]) == ("data", "reading the images took longer than 0.01 s")
        assert client.get("/api/layer").status_code == 200


def limit_files(pid: int, most: int) -> None:
    """What the process and its children can write to one file, from now on: a disk that is full."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (pid, *map(int, children)):
        _, hard = resource.prlimit(each, resource.RLIMIT_FSIZE)
        resource.prlimit(each, resource.RLIMIT_FSIZE, (most, hard))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="limits of another process are Linux's")
def test_a_full_disk_ends_the_run_and_loses_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, "--data", images(tmp_path)) as server, server.client() as client:
        whole = trained(client, seed=9, width=16, epochs=4)
        training_id = begin(client, seed=9, width=16, epochs=4)
        for event in events(client, training_id):
            if event.name == "progress" and event.data["looks_version"] >= 1:
                break
        limit_files(server.process.pid, 4096)
        *_, last = events(client, training_id)
        assert last.name == "failed"
        assert last.data["error"]["code"] == "cannot_keep"
        assert last.data["error"]["message"].startswith("the run can't be kept: ")
        assert client.get("/api/layer").status_code == 200
        limit_files(server.process.pid, resource.RLIM_INFINITY)
        assert client.post(f"/api/trainings/{training_id}/resume").status_code == 204
        *_, last = events(client, training_id)
        assert last.name == "result"
        assert numbers(record(client, training_id)) == numbers(whole)
