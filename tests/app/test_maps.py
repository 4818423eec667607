"""GET /api/feature-maps against a real server with a real engine."""

import asyncio
import io
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load
from starlette.testclient import TestClient

from app.main import create_app
from app.schemas import Device, Failure, Group, Readiness
from app.settings import Settings
from compute.grouping import Grouping
from compute.maps import MapsSpec
from compute.run import feature_maps
from compute.spec import ConvSpec
from tests.app import zoo
from tests.app.asgi import Answer, request

SMALL = {"size": 32, "in_channels": 8, "out_channels": 8, "groups": 3}


@pytest.fixture(scope="module")
def sample(http: httpx2.Client) -> str:
    return str(http.get("/api/images/samples").json()[0]["id"])


def maps(http: httpx2.Client, **query: Any) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Tensors and metadata."""
    answer = http.get("/api/feature-maps", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int.from_bytes(answer.content[:8], "little")
    return load(answer.content), json.loads(answer.content[8 : 8 + length])["__metadata__"]


def picture(http: httpx2.Client, image_id: str) -> Image.Image:
    return Image.open(io.BytesIO(http.get(f"/api/images/{image_id}").content))


def test_full_resolution_float32_is_what_compute_makes(http: httpx2.Client, sample: str) -> None:
    tensors, metadata = maps(http, image=sample, dtype="float32", seed=7, relu="false", **SMALL)
    grouping = Grouping.logarithmic(8, 8, groups=3)
    made = feature_maps(picture(http, sample), MapsSpec(ConvSpec(grouping, height=32, width=32), seed=7, relu=False))
    np.testing.assert_allclose(tensors["maps"], made.maps, rtol=1e-5, atol=1e-6)
    assert tensors["maps"].dtype == np.float32
    np.testing.assert_array_equal(tensors["scale"], np.ones(8, np.float32))
    np.testing.assert_array_equal(tensors["offset"], np.zeros(8, np.float32))
    assert json.loads(metadata["shape"]) == [8, 32, 32]
    assert (metadata["channels"], metadata["compute_dtype"], metadata["device"]) == ("0:8", "float32", "cpu")


def test_uint8_is_float32_to_half_a_step(http: httpx2.Client, sample: str) -> None:
    exact, _ = maps(http, image=sample, dtype="float32", **SMALL)
    coarse, metadata = maps(http, image=sample, **SMALL)
    assert coarse["maps"].dtype == np.uint8
    value = coarse["maps"] * coarse["scale"][:, None, None] + coarse["offset"][:, None, None]
    assert np.all(np.abs(value - exact["maps"]) <= coarse["scale"][:, None, None] * 0.5001 + 1e-6)
    stats = json.loads(metadata["stats"])
    np.testing.assert_allclose(stats["max"], exact["maps"].max((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(stats["zeros"], (exact["maps"] == 0).mean((1, 2)), atol=1e-9)


def test_tiles_are_area_averages_with_full_statistics(http: httpx2.Client, sample: str) -> None:
    exact, full = maps(http, image=sample, dtype="float32", **SMALL)
    tiles, metadata = maps(http, image=sample, dtype="float32", tile=16, **SMALL)
    np.testing.assert_allclose(tiles["maps"], exact["maps"].reshape(8, 16, 2, 16, 2).mean((2, 4)), rtol=1e-4, atol=1e-6)
    assert metadata["stats"] == full["stats"]


def test_a_range_of_channels_is_that_part(http: httpx2.Client, sample: str) -> None:
    whole, metadata = maps(http, image=sample, **SMALL)
    part, of_part = maps(http, image=sample, channels="3:7", **SMALL)
    np.testing.assert_array_equal(part["maps"], whole["maps"][3:7])
    assert of_part["channels"] == "3:7"
    assert of_part["groups"] == metadata["groups"]


def test_groups_are_those_of_the_layer(http: httpx2.Client, sample: str) -> None:
    _, metadata = maps(http, image=sample, **SMALL)
    layer = http.get("/api/layer?in_channels=8&out_channels=8&groups=3&height=32&width=32").json()
    groups = json.loads(metadata["groups"])
    assert groups == layer["groups"]
    assert [Group.model_validate(group).in_channels for group in groups] == [4, 2, 2]


def test_an_uploaded_picture(http: httpx2.Client) -> None:
    answer = http.post("/api/images", files={"image": zoo.rotated_jpeg(6)})
    tensors, _ = maps(http, image=answer.json()["id"], **SMALL)
    assert tensors["maps"].shape == (8, 32, 32)
    assert len(np.unique(tensors["maps"])) > 8


@pytest.mark.parametrize(
    "query, field, message",
    [
        (
            {"in_channels": 2048, "size": 1024},
            "in_channels",
            "feature maps may need at most 134\u202f217\u202f728 elements between stem and layer,"
            " and these need 2\u202f147\u202f483\u202f648",
        ),
        (
            {"out_channels": 2048, "size": 512},
            "out_channels",
            "feature maps may need at most 134\u202f217\u202f728 elements of all maps,"
            " and these need 536\u202f870\u202f912",
        ),
        (
            {"in_channels": 2048, "out_channels": 2048, "size": 16, "kernel_size": 8, "scheme": "standard"},
            "kernel_size",
            "feature maps may need at most 134\u202f217\u202f728 weights, and these need 268\u202f435\u202f456",
        ),
        (
            {"in_channels": 1024, "out_channels": 1024, "size": 224, "scheme": "standard"},
            "size",
            "feature maps may need at most 100\u202f000\u202f000\u202f000 multiply-accumulates,"
            " and these need 474\u202f907\u202f410\u202f432",
        ),
        (
            {"channels": "60:65"},
            "channels",
            "channels must end at out_channels = 64 or before, not at 65",
        ),
    ],
    ids=["stem", "maps", "weights", "macs", "channels"],
)
def test_too_much_work_is_refused_before_it_begins(
    http: httpx2.Client, sample: str, query: dict[str, Any], field: str, message: str
) -> None:
    answer = http.get("/api/feature-maps", params={"image": sample, **query})
    error = Failure.model_validate_json(answer.content).error
    assert (answer.status_code, error.field, error.message) == (422, field, message)
    assert error.hint


def test_clients_that_leave_at_once_do_no_harm(server: str, http: httpx2.Client, sample: str) -> None:
    address = urlsplit(server)
    for seed in range(100):
        with socket.create_connection((address.hostname, address.port)) as leaver:
            leaver.sendall(
                f"GET /api/feature-maps?image={sample}&seed={seed} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            )
    while http.get("/api/feature-maps", params={"image": sample, **SMALL}).status_code == 503:
        time.sleep(0.05)  # until the server has heard that they left
    tensors, _ = maps(http, image=sample, **SMALL)
    assert tensors["maps"].shape == (8, 32, 32)


def test_a_full_queue_is_503_and_whoever_leaves_it_makes_room(tmp_path: Path, sample: str) -> None:
    """While torch still loads, nothing leaves the queue but by its client."""
    app = create_app(Settings(store=tmp_path, queue_size=1, device="cpu"))
    query = f"image={sample}&size=32".encode()

    async def story() -> tuple[Answer, Answer]:
        left = asyncio.Event()
        first = asyncio.create_task(request(app, "/api/feature-maps", query, left=left))
        while not app.state.engine.waiting:
            await asyncio.sleep(0)
        second = await request(app, "/api/feature-maps", query)
        left.set()
        return await first, second

    with TestClient(app, "http://localhost") as client:
        assert client.portal is not None
        gone, refused = client.portal.call(story)
        assert app.state.engine.waiting == 0
    assert gone.status == 499
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert Failure.model_validate_json(refused.body).error.code == "busy"


def test_many_at_once_are_all_answered(server: str, sample: str) -> None:
    statuses: list[int] = []

    def ask(seed: int) -> None:
        query = {"image": sample, "seed": seed, **SMALL}
        statuses.append(httpx2.get(f"{server}/api/feature-maps", params=query, timeout=60).status_code)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8


def test_the_server_says_what_it_computes_on(http: httpx2.Client) -> None:
    device = Device.model_validate_json(http.get("/api/device").content)
    assert (device.device, device.compute_dtype, device.tf32) == ("cpu", "float32", False)
    assert device.threads >= 1
    assert Readiness.model_validate_json(http.get("/readyz").content).status == "ready"


def test_a_body_cut_off_in_the_middle_breaks_nothing(server: str, http: httpx2.Client) -> None:
    address = urlsplit(server)
    head = "POST /api/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    with socket.create_connection((address.hostname, address.port)) as leaver:
        leaver.sendall(f"{head}Content-Length: 1000\r\n\r\n--b\r\n".encode())
    assert http.get("/healthz").status_code == 200


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(server: str) -> None:
    address = urlsplit(server)
    head = "POST /api/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=30) as sender:
        sender.sendall(f"{head}Content-Length: 100000000\r\n\r\n".encode())
        assert sender.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_body_of_unknown_length_is_refused_where_it_passes_the_limit(http: httpx2.Client) -> None:
    def endless() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        yield from (bytes(1_000_000) for _ in range(18))

    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = http.post("/api/images", headers=headers, content=endless())
    assert answer.status_code == 413
    assert (
        answer.json()["error"]["message"]
        == "A picture may have at most 16\u202f000\u202f000 bytes, and this one goes on"
    )
