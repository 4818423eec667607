"""Trained networks over HTTP: listed, brought, looked through, deleted; and what is refused."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from fastapi import FastAPI
from safetensors.numpy import load, save
from starlette.testclient import TestClient

from app.checkpointschemas import CheckpointEntry, CheckpointLayout, CheckpointList
from app.library import Library, UnknownCheckpoint
from app.main import create_app
from app.schemas import Failure
from app.settings import Settings
from compute.run import Runner
from compute.stackrun import StackRunner
from compute.trained import layout, read
from tests.compute.stackcases import opened, photograph
from tests.compute.test_trained import BAD
from tests.compute.test_trained_maps import module_1, shown
from tests.compute.trainedcases import STACK, STACKS, file_of, meta_of, tensors_of

RUN = "0123456789abcdef" * 2
OURS = f"{RUN}-logarithmic-1"
NUMBERS = "in_channels=12&scheme=standard&modules=3&downsample=max&stage=1"  # STACK, as a query spells it
SIZE = "&size=44"


def put(settings: Settings, name: str = "logarithmic-1", raw: bytes | None = None) -> None:
    folder = settings.runs / RUN
    folder.mkdir(parents=True, exist_ok=True)
    stack = STACKS["uneven-logarithmic"]
    (folder / f"{name}.safetensors").write_bytes(file_of(stack, arm="logarithmic") if raw is None else raw)


@pytest.fixture(scope="module")
def running(settings: Settings) -> Iterator[TestClient]:
    """The engine runs, and there is a network of a run."""
    put(settings)
    with TestClient(create_app(settings), "http://localhost") as client:
        yield client


@pytest.fixture(scope="module")
def sample(running: TestClient) -> str:
    return str(running.get("/api/images/samples").json()[0]["id"])


def metadata(raw: bytes) -> dict[str, Any]:
    return dict(json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"])


def bring(client: TestClient, raw: bytes, query: str = NUMBERS) -> Any:
    return client.post(f"/api/checkpoints?{query}", content=raw)


def entry_of(client: TestClient, checkpoint_id: str) -> dict[str, Any]:
    entries = client.get("/api/checkpoints").json()["checkpoints"]
    return next(entry for entry in entries if entry["id"] == checkpoint_id)


def test_what_a_run_trained_is_listed(running: TestClient) -> None:
    CheckpointList.model_validate_json(running.get("/api/checkpoints").content)
    entry = entry_of(running, OURS)
    assert (entry["origin"], entry["arm"], entry["seed"], entry["accuracy"]) == ("run", "logarithmic", 0, 0.8644)
    assert entry["sentence"] == "Fashion-MNIST, 86.4 % of 2,000 test images, 25 November 2026"
    assert entry["query"] == (
        "in_channels=13&kernel_size=3,3&dilation=1,1&bias=true&scheme=logarithmic&groups=3&base=2&modules=3"
        f"&residual=false&mixing=none&downsample=max&stage=2&normalisation=none&relu=true&weights=trained&checkpoint={OURS}"
    )
    assert entry["layer_query"] == (
        "in_channels=13&out_channels=13&kernel_size=3,3&stride=1,1&padding=1,1&dilation=1,1&bias=true"
        f"&scheme=logarithmic&groups=3&base=2&weights=trained&relu=true&checkpoint={OURS}"
    )


def test_a_damaged_file_is_left_out_of_the_list(running: TestClient, settings: Settings) -> None:
    put(settings, "uniform-0", b"half a file")
    put(settings, "last.tmp")
    entries = running.get("/api/checkpoints").json()["checkpoints"]
    assert [entry["id"] for entry in entries if entry["origin"] == "run"] == [OURS]
    put(settings, "uniform-0", file_of(STACKS["uniform"]))  # mended
    assert entry_of(running, f"{RUN}-uniform-0")["stack"]["mixing"] == "shuffle"
    (settings.runs / RUN / "uniform-0.safetensors").unlink()


def maps_of(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return load(answer.content)["maps"]


def alike(maps: np.ndarray, expected: np.ndarray) -> bool:
    """To rounding: the server may have another number of threads, and add up in another order."""
    return maps.shape == expected.shape and bool(np.abs(maps - expected).max() <= 1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", STACKS)
def test_the_api_looks_through_a_network(running: TestClient, sample: str, name: str) -> None:
    """As the runner does in this process, which is held to plain torch elsewhere."""
    raw = file_of(STACKS[name], 3)
    answer = bring(running, raw)
    assert answer.status_code == 201
    entry = CheckpointEntry.model_validate_json(answer.content)
    assert entry.id == hashlib.sha256(raw).hexdigest()
    found = read(raw, entry.id)
    runner = Runner("cpu", checkpoints=lambda _: found)
    asked = opened(photograph()), "photograph"
    query = f"image={sample}{SIZE}&dtype=float32&{entry.query}"
    for module in range(found.modules + 1):
        expected = StackRunner(runner).maps(*asked, shown(found), module).maps
        assert alike(maps_of(running.get(f"/api/stack/maps?{query}&module={module}")), expected)
    layer = running.get(f"/api/feature-maps?image={sample}{SIZE}&dtype=float32&{entry.layer_query}")
    expected = runner.feature_maps(*asked, module_1(found), dtype="float32").maps
    assert alike(maps_of(layer), expected if found.spec.residual else np.maximum(expected, 0))
    for address in ("energy", "scale", "redundancy", "ink", "pixel"):
        own = f"image={sample}{SIZE}&{entry.query}"
        assert running.get(f"/api/stack/{address}?{own}").status_code == 200, address
    pixel = running.get(f"/api/stack/pixel?image={sample}{SIZE}&{entry.query}&module=2&channel=1&row=4&column=5")
    maps = StackRunner(runner).maps(*asked, shown(found), 2).maps
    told = re.search(r'"output":\s*"?([-+0-9.e]+)', pixel.text.replace("\\", ""))
    assert told, pixel.text[:300]
    assert float(told[1]) == pytest.approx(float(maps[1, 4, 5]), rel=1e-4, abs=1e-6)


def test_two_networks_are_not_taken_for_each_other(running: TestClient, sample: str) -> None:
    """The same address but for the checkpoint, through everything that the server keeps."""
    ids = [bring(running, file_of(STACK, seed=seed)).json()["id"] for seed in (1, 2)]
    query = f"image={sample}{SIZE}&{NUMBERS}&weights=trained&checkpoint="
    layer = query.replace(NUMBERS, "in_channels=12&out_channels=12&groups=3")
    for address, rest in (
        ("feature-maps", layer),
        ("stack/maps", query),
        ("stack/energy", query),
        ("stack/scale", query),
    ):
        bodies = [running.get(f"/api/{address}?{rest}{one}").content for one in (*ids, ids[0])]
        first, second, third = (body if body.startswith(b"{") else load(body)["maps"].tobytes() for body in bodies)
        assert first == third != second, address


def test_trained_weights_have_one_gain(running: TestClient, sample: str) -> None:
    arms = running.get(f"/api/stack/scale?image={sample}{SIZE}&{entry_of(running, OURS)['query']}").json()["arms"]
    assert [(arm["gain"], arm["normalisation"]) for arm in arms] == [("cut", "none"), ("cut", "conv"), ("cut", "sum")]
    assert [arm["chosen"] for arm in arms] == [True, False, False]


def test_a_file_that_says_nothing_is_the_network_on_screen(running: TestClient) -> None:
    raw = save({name: tensor.astype(np.float16) for name, tensor in tensors_of(STACK, 3).items()})
    answer = bring(running, raw, f"{NUMBERS}&name=my%20net.safetensors")
    assert answer.status_code == 201
    entry = CheckpointEntry.model_validate_json(answer.content)
    assert (entry.name, entry.data.name, entry.data.named) == ("my net.safetensors", None, False)
    assert entry.stack.model_dump() == {**STACK, "groups": 1}
    assert entry.sentence == "its file names neither data nor accuracy"
    assert answer.headers["location"] == f"/api/checkpoints/{entry.id}.safetensors"
    kept = running.get(answer.headers["location"])
    assert hashlib.sha256(kept.content).hexdigest() == entry.id
    again = bring(running, kept.content, "in_channels=64")
    assert again.json() == answer.json(), "it now says itself what it is"
    assert "attachment" in kept.headers["content-disposition"]


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_network_is_refused_in_one_sentence(running: TestClient, name: str) -> None:
    raw, rule = BAD[name]
    answer = bring(running, raw)
    assert answer.status_code == 422
    error = Failure.model_validate_json(answer.content).error
    assert (error.field, error.code) == ("checkpoint", "invalid")
    assert rule in error.message


def test_a_file_of_another_network_is_refused_by_name_and_shape(running: TestClient) -> None:
    raw = save(tensors_of({**STACK, "scheme": "uniform", "groups": 2}))
    error = bring(running, raw).json()["error"]
    assert error["message"].endswith("modules.1.weight must be (12, 12, 3, 3), not (12, 6, 3, 3)")


def test_a_file_of_17_megabytes_is_refused_by_its_length(running: TestClient) -> None:
    answer = bring(running, b"\0" * 17_000_000)
    assert answer.status_code == 413
    error = Failure.model_validate_json(answer.content).error
    assert (error.field, error.code) == ("checkpoint", "checkpoint_too_large")
    assert "16\u202f000\u202f000 bytes, not 17\u202f000\u202f000" in error.message


def test_the_layout_is_what_a_file_must_hold(running: TestClient) -> None:
    answer = running.get(f"/api/checkpoints/layout?{NUMBERS}&mixing=pointwise")
    told = CheckpointLayout.model_validate_json(answer.content)
    wanted = layout({**STACK, "mixing": "pointwise"}, 3, 7)
    assert [tensor.name for tensor in told.tensors] == list(wanted)
    for tensor in told.tensors:
        free = {"stem.weight": 1, "head.weight": 0, "head.bias": 0}.get(tensor.name)
        expected = [
            word if i == free else n for i, (n, word) in enumerate(zip(wanted[tensor.name], tensor.shape, strict=True))
        ]
        assert tensor.shape == expected
        assert tensor.optional == tensor.name.startswith("head.")
    assert told.tensors[0].shape == [12, "1 or 3", 3, 3]


def test_only_what_was_brought_can_be_deleted(running: TestClient, settings: Settings) -> None:
    checkpoint_id = bring(running, file_of(STACK, seed=9)).json()["id"]
    file = settings.store / "checkpoints" / f"{checkpoint_id}.safetensors"
    assert file.exists()
    assert running.delete(f"/api/checkpoints/{checkpoint_id}").status_code == 204
    assert not file.exists()
    gone = running.delete(f"/api/checkpoints/{checkpoint_id}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "unknown_checkpoint")
    kept = running.delete(f"/api/checkpoints/{OURS}")
    assert (kept.status_code, kept.json()["error"]["code"]) == (409, "not_uploaded")
    assert entry_of(running, OURS)


@pytest.mark.parametrize("address", ["feature-maps", "stack/maps", "stack/energy", "stack/scale", "stack/pixel"])
@pytest.mark.parametrize("checkpoint", ["f" * 64, f"{RUN}-uniform-7", "fashion-nothing", "fashion"])
def test_a_network_that_is_not_here_is_404(running: TestClient, sample: str, address: str, checkpoint: str) -> None:
    answer = running.get(f"/api/{address}?image={sample}&weights=trained&checkpoint={checkpoint}")
    assert answer.status_code == 404
    error = Failure.model_validate_json(answer.content).error
    assert (error.code, error.field) == ("unknown_checkpoint", "checkpoint")
    assert error.hint


@pytest.mark.parametrize("text", ["", "..", "a/b", "A", "a" * 65, "../../etc/passwd", f"{RUN}-uniform-0.safetensors"])
def test_what_is_no_id_is_no_id(running: TestClient, sample: str, text: str) -> None:
    params = {"image": sample, "weights": "trained", "checkpoint": text}
    answer = running.get("/api/feature-maps", params=params)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "checkpoint")
    path = running.get(f"/api/checkpoints/{text}.safetensors")
    assert path.status_code in (404, 405)


def test_what_a_network_lacks_is_told_with_a_way_out(running: TestClient, sample: str) -> None:
    query = f"image={sample}{SIZE}&{entry_of(running, OURS)['query']}".replace("modules=3", "modules=4")
    error = running.get(f"/api/stack/maps?{query}").json()["error"]
    assert error == {
        "code": "invalid",
        "message": "the network in the checkpoint has 3 modules, not 4",
        "field": "modules",
        "hint": "use 3 or fewer",
    }
    nameless = running.get(f"/api/feature-maps?image={sample}&weights=trained").json()["error"]
    assert nameless["field"] == "checkpoint"


def test_other_weights_need_no_network(running: TestClient, sample: str) -> None:
    plain = running.get(f"/api/feature-maps?image={sample}{SIZE}")
    ignored = running.get(f"/api/feature-maps?image={sample}{SIZE}&checkpoint=nothing")
    assert np.array_equal(maps_of(ignored), maps_of(plain))


def test_ids_lead_nowhere_else(tmp_path: Path) -> None:
    """A link or a folder of the right name apart, no text leads out of the three folders."""
    library = Library(tmp_path / "files", tmp_path / "runs", tmp_path / "uploads")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "fashion-standard.safetensors").write_bytes(file_of(STACK))
    (tmp_path / "secret.safetensors").write_bytes(file_of(STACK))
    assert library("fashion-standard").channels == 12
    for text in ("../secret", "secret", "..", "", "files/../secret", "fashion-standard.safetensors", "\0", "f" * 64):
        with pytest.raises(UnknownCheckpoint):
            library.path(text)


def test_uploads_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.checkpoints.UPLOADS_KEPT", 2)
    settings = Settings(store=tmp_path, results=tmp_path / "m.sqlite", runs=tmp_path / "runs")
    client = TestClient(create_app(settings), "http://localhost")
    ids = [bring(client, file_of(STACK, seed=seed)).json()["id"] for seed in range(4)]
    left = {
        entry["id"] for entry in client.get("/api/checkpoints").json()["checkpoints"] if entry["origin"] == "upload"
    }
    assert left == set(ids[2:])


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    settings = Settings(store=tmp_path / "store", results=tmp_path / "m.sqlite", runs=tmp_path / "runs")
    client = TestClient(create_app(settings), "http://localhost", raise_server_exceptions=False)
    answer = bring(client, file_of(STACK))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unwritable")


def test_queries_are_read_back_as_the_network(app: FastAPI, client: TestClient) -> None:
    for stack in STACKS.values():
        entry = bring(client, file_of(stack)).json()
        values = dict(parse_qsl(entry["query"]))
        assert client.get(f"/api/stack?{entry['query']}").status_code == 200
        assert values["in_channels"] == str(stack["in_channels"])
        assert meta_of(stack)["name"] == entry["name"]
