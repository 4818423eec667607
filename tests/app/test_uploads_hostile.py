"""Hostile uploads to a real server: mutated pictures, bombs, polyglots, forms, slow senders and disks that fail."""

import hashlib
import io
import json
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from tests.app.measured import Serving, serving
from tests.app.zoo import flag, saved
from tests.compute.trainedcases import STACK, file_of
from tests.torture.bombs import bombs, png
from tests.torture.mutated import Case, case, originals, strangers
from tests.torture.served import children
from tests.torture.uploads import BOUNDARY, PLAIN, Sender, decoder_of, form, looked_into, numbered, sent

SEED, CASES = 7, 300
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
PICTURE = saved(flag())
NETWORK = "/api/checkpoints?in_channels=12&scheme=standard&modules=3&downsample=max&stage=1"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("hostile")) as server:
        assert upload(server, PICTURE) == (201, None)
        yield server


@pytest.fixture(scope="module")
def decoder(hostile: Serving) -> int | None:
    return decoder_of(hostile.process.pid)


def port(server: Serving) -> int:
    return int(server.url.rpartition(":")[2])


def post(server: Serving, path: str, body: bytes, **headers: str) -> httpx2.Response:
    with server.client() as client:
        return client.post(path, content=body, headers=headers or FORM)


def answered(answer: httpx2.Response) -> tuple[int, str | None]:
    return answer.status_code, None if answer.is_success else answer.json()["error"]["code"]


def upload(server: Serving, data: bytes) -> tuple[int, str | None]:
    return answered(post(server, "/api/images", form(data)))


def test_mutated_pictures_are_kept_or_refused_in_one_shape(hostile: Serving, decoder: int | None) -> None:
    outcomes = sent(port(hostile), numbered(SEED, CASES))
    assert [problem for outcome in outcomes for problem in outcome.problems] == []
    assert len(outcomes) == CASES
    assert {201, 413, 415, 422} <= {outcome.status for outcome in outcomes}
    assert decoder == decoder_of(hostile.process.pid)


def test_whole_pictures_are_kept_whatever_they_are(hostile: Serving) -> None:
    """Those that the mutated ones are made from."""
    assert [upload(hostile, data) for _, data in originals()] == [(201, None)] * len(originals())


def test_a_case_can_be_made_again() -> None:
    assert [case(SEED, number) for number in range(20)] == [case(SEED, number) for number in range(20)]
    assert len({case(SEED, number).data for number in range(100)}) > 90


@pytest.mark.parametrize(
    "name, status, code",
    [
        ("PNG of a million chunks", 422, "too_many_parts"),
        ("JPEG of 3 million empty segments", 422, "too_many_parts"),
        ("JPEG of 15 million fill bytes", 422, "too_many_parts"),
        ("JPEG of 64 Mpx in 1,000 scans", 422, "too_many_parts"),
        ("GIF of 5 million extensions", 422, "too_many_parts"),
        ("GIF of 15 million empty bytes", 422, "too_many_parts"),
        ("TIFF of 3 million strips", 422, "too_many_parts"),
        ("TIFF of 65,535 overlapping entries", 422, "too_many_parts"),
        ("BMP of 7 million runs", 422, "too_many_parts"),
        ("BMP that claims 2^31 rows", 413, "too_many_pixels"),
        ("GIF whose frame is far larger", 413, "too_many_pixels"),
        ("WEBP of 64 Mpx, RGB, method 0", 413, "too_many_pixels"),
        ("PNG of 64 Mpx, 16-bit RGBA", 413, "too_many_pixels"),
        ("PNG with a zTXt bomb", 422, "damaged_picture"),
        ("PNG with 15,000 iTXt bombs", 422, "damaged_picture"),
        ("TIFF with a tile of 4 GB", 422, "damaged_picture"),
        ("PNG with EXIF of 65,535 overlapping entries", 201, None),
        ("TIFF whose pages lead in a circle", 201, None),
        ("WebP of a million chunks", 201, None),
        ("GIF of 10,000 frames", 201, None),
        ("JPEG that claims 4 billion pictures", 201, None),
    ],
)
def test_bombs(hostile: Serving, decoder: int | None, name: str, status: int, code: str | None) -> None:
    assert upload(hostile, bombs()[name]()) == (status, code)
    assert decoder_of(hostile.process.pid) == decoder


def test_a_very_large_picture_is_kept_reduced(hostile: Serving) -> None:
    """8000 x 8000 of one bit: by 2, and each pixel the mean of four."""
    answer = post(hostile, "/api/images", form(png(8000, 8000, (b"\0" + b"\xaa" * 1000) * 8000, 1, 0)))
    assert answer.status_code == 201
    said = answer.json()
    assert (said["width"], said["height"]) == (4000, 4000)
    with hostile.client() as client:
        square = client.get(f"/api/images/{said['id']}?size=100")
    assert Image.open(io.BytesIO(square.content)).getcolors() == [(10_000, (128, 128, 128))]


@pytest.mark.parametrize("stranger", strangers(), ids=range(len(strangers())))
def test_what_is_something_else_too_is_kept_as_a_picture_alone(hostile: Serving, stranger: bytes) -> None:
    both = PICTURE + stranger
    with Sender(port(hostile), frozenset()) as sender:
        outcome = sender(Case("polyglot", both))
        assert (outcome.status, outcome.problems) == (201, [])
        status, kept = sender.ask("GET", f"/api/images/{hashlib.sha256(both).hexdigest()}")
    assert status == 200
    assert stranger not in kept
    assert looked_into(kept) == (PLAIN, (16, 8))
    assert upload(hostile, stranger + PICTURE)[0] == 415


def part(head: bytes, data: bytes = PICTURE) -> bytes:
    return b"--" + BOUNDARY.encode() + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n"


def file_named(name: bytes, filename: bytes = b"x") -> bytes:
    return b'Content-Disposition: form-data; name="' + name + b'"; filename="' + filename + b'"'


END = b"--" + BOUNDARY.encode() + b"--\r\n"
FORMS: dict[str, tuple[bytes, int, str | None]] = {
    "thousands of fields": (part(b'Content-Disposition: form-data; name="a"', b"1") * 5000 + END, 422, "invalid_form"),
    "a field of a megabyte": (
        part(b'Content-Disposition: form-data; name="a"', bytes(10**6)) + END, 422, "invalid_form",
    ),
    "a header of a megabyte": (part(b"X-Long: " + b"a" * 10**6) + END, 422, "invalid_form"),
    "a thousand headers": (
        part(b"\r\n".join(b"X-%d: 1" % n for n in range(1000)) + b"\r\n" + file_named(b"image")) + END,
        422,
        "invalid_form",
    ),
    "no name": (part(b"Content-Disposition: form-data") + END, 422, "invalid_form"),
    "no head": (part(b"") + END, 422, "invalid_form"),
    "a nested name": (part(file_named(b"image[0][data]")) + END, 422, "missing_field"),
    "another boundary": (form(PICTURE).replace(BOUNDARY.encode(), b"other"), 422, "invalid_form"),
    "cut off": (form(PICTURE)[:200], 422, "missing_field"),
    "two files": (part(file_named(b"image")) * 2 + END, 422, "invalid_form"),
    "a form within": (part(b"Content-Type: multipart/mixed; boundary=c\r\n" + file_named(b"image")) + END, 201, None),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_forms(hostile: Serving, name: str) -> None:
    body, status, code = FORMS[name]
    assert answered(post(hostile, "/api/images", body)) == (status, code)


@pytest.mark.parametrize(
    "filename",
    [b"../../../../etc/passwd", b"/etc/passwd", b"..\\..\\boot.ini", b"a\0b.png", b"<script>alert(1)</script>.png",
     b"%2e%2e%2fx", b"CON", b"a" * 4000, "\u202egnp.exe".encode(), b"\xff\xfe", b"|id", b"x.png\\"],
)  # fmt: skip
def test_what_a_file_is_called_is_neither_used_nor_repeated(hostile: Serving, filename: bytes) -> None:
    answer = post(hostile, "/api/images", part(file_named(b"image", filename)) + END)
    image_id = hashlib.sha256(PICTURE).hexdigest()
    assert answer.json() == {"id": image_id, "width": 16, "height": 8}
    refused = post(hostile, "/api/images", part(file_named(b"image", filename), b"no picture") + END)
    assert answered(refused) == (415, "not_a_picture")
    assert refused.json()["error"]["message"] == "The file is not a picture in a format known here"


@contextmanager
def full_disk(most: int, *pids: int) -> Iterator[None]:
    """These processes can't write more than `most` bytes to a file meanwhile."""
    kept = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, hard) in kept.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        for pid, limits in kept.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def noise() -> bytes:
    return saved(Image.effect_noise((700, 700), 90).convert("RGB"), compress_level=0)


def test_a_full_disk_while_a_form_is_read(tmp_path: Path) -> None:
    """It goes to a file from a megabyte on."""
    with serving(tmp_path) as server:
        with full_disk(100_000, server.process.pid):
            assert upload(server, noise()) == (507, "store_full")
            assert upload(server, PICTURE) == (201, None)
        assert upload(server, noise()) == (201, None)


def test_a_full_disk_while_a_picture_is_written(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert upload(server, b"no picture") == (415, "not_a_picture")
        with full_disk(20, *children(server.process.pid)):
            assert upload(server, PICTURE) == (507, "store_full")
        assert list((tmp_path / "images").glob("*.p*")) == []
        assert upload(server, PICTURE) == (201, None)


def test_a_full_disk_while_a_network_is_written(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        with full_disk(100, server.process.pid):
            assert answered(post(server, NETWORK, file_of(STACK), Accept="*/*")) == (507, "store_unwritable")
        assert list((tmp_path / "images" / "checkpoints").iterdir()) == []
        assert answered(post(server, NETWORK, file_of(STACK), Accept="*/*")) == (201, None)


def test_a_store_that_nobody_can_write_to(tmp_path: Path) -> None:
    """Not even root makes a folder there."""
    with serving(tmp_path, "--store", "/proc/pictures") as server:
        assert upload(server, PICTURE) == (503, "store_unwritable")
        assert answered(post(server, NETWORK, file_of(STACK), Accept="*/*")) == (503, "store_unwritable")
        with server.client() as client:
            assert client.get("/api/layer").status_code == 200


@pytest.mark.parametrize("path", ["/api/images", NETWORK, "/api/networks/analyze"])
def test_a_body_that_drips_is_cut_off(tmp_path: Path, path: str) -> None:
    """A byte at a time, for as long as the server takes them."""
    kind = "application/json" if "networks" in path else FORM["Content-Type"]
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: 100000\r\n\r\n"
    with (
        serving(tmp_path, "--slow-seconds", "0.5") as server,
        socket.create_connection(("127.0.0.1", port(server)), timeout=0.05) as sender,
    ):
        sender.sendall(head.encode() + form(PICTURE)[:90])
        answer = dripped(sender)
    first, _, rest = answer.partition(b"\r\n")
    assert first == b"HTTP/1.1 408 Request Timeout"
    assert b"\r\nconnection: close\r\n" in rest.lower()
    assert json.loads(rest.partition(b"\r\n\r\n")[2])["error"]["code"] == "body_too_slow"


def dripped(sender: socket.socket) -> bytes:
    """Everything that was answered until the connection ended."""
    answer = b""
    for _ in range(600):
        try:
            if not answer:
                sender.send(b"x")
            if not (more := sender.recv(65_536)):
                return answer
            answer += more
        except TimeoutError:
            continue
        except ConnectionError:
            return answer
    raise AssertionError(f"it was never cut off, and answered {answer!r}")
