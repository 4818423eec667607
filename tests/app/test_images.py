"""Upload and fetch: every kind of picture is seen as a person expects, or refused in one sentence."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps
from starlette.testclient import TestClient

from app.main import create_app
from app.schemas import Failure, Picture, Sample
from app.settings import PROJECT, Settings
from compute.picture import square
from tests.app import zoo
from tests.app.zoo import BLUE, GREEN, RED, WHITE, saved

Colour = tuple[int, int, int]
NOBODYS = "0" * 64


def upload(client: TestClient, data: bytes, name: str = "picture") -> Any:
    return client.post("/api/images", files={"image": (name, data)})


def seen(client: TestClient, data: bytes) -> Image.Image:
    """What the server made of `data`."""
    answer = upload(client, data)
    assert answer.status_code == 201, answer.text
    kept = Picture.model_validate_json(answer.content)
    assert kept.id == hashlib.sha256(data).hexdigest()
    assert answer.headers["location"] == f"/api/images/{kept.id}"
    picture = client.get(f"/api/images/{kept.id}")
    assert picture.headers["content-type"] == "image/png"
    opened = Image.open(io.BytesIO(picture.content))
    assert (opened.mode, opened.size, opened.info) == ("RGB", (kept.width, kept.height), {})
    return opened


def near(colour: Any, wanted: Colour) -> bool:
    return all(abs(a - b) <= 6 for a, b in zip(colour, wanted, strict=True))


@pytest.mark.parametrize(
    "data, left, right",
    [
        (saved(zoo.flag()), RED, BLUE),
        (saved(zoo.flag(), "JPEG", quality=95), RED, BLUE),
        (saved(zoo.flag(), "WEBP", lossless=True), RED, BLUE),
        (saved(zoo.flag(), "GIF"), RED, BLUE),
        (saved(zoo.flag(), "BMP"), RED, BLUE),
        (saved(zoo.flag(), "TIFF"), RED, BLUE),
        (saved(zoo.flag().convert("CMYK"), "JPEG", quality=95), RED, BLUE),
        (saved(zoo.flag().convert("CMYK"), "TIFF"), RED, BLUE),
        (saved(zoo.flag().convert("P")), RED, BLUE),
        (saved(zoo.flag().convert("L")), (76, 76, 76), (29, 29, 29)),
        (saved(zoo.flag().convert("L").point(lambda v: 255 * (v > 50), "1")), WHITE, (0, 0, 0)),
        (zoo.palette_with_alpha(), WHITE, BLUE),
        (zoo.rotated_jpeg(2), BLUE, RED),
        (zoo.rotated_jpeg(3), BLUE, RED),
        (zoo.animation(), GREEN, GREEN),
    ],
    ids=[
        "png", "jpeg", "webp", "gif", "bmp", "tiff", "cmyk-jpeg", "cmyk-tiff", "palette", "grey", "bilevel",
        "palette-alpha", "mirrored", "upside-down", "animated",
    ],
)  # fmt: skip
def test_seen_as_a_person_expects(client: TestClient, data: bytes, left: Colour, right: Colour) -> None:
    picture = seen(client, data)
    middle = picture.height // 2
    assert near(picture.getpixel((2, middle)), left)
    assert near(picture.getpixel((picture.width - 3, middle)), right)


def test_exif_rotation_turns_width_and_height(client: TestClient) -> None:
    picture = seen(client, zoo.rotated_jpeg(6))
    assert picture.size == (8, 16)
    assert near(picture.getpixel((4, 2)), RED)
    assert near(picture.getpixel((4, 13)), BLUE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(10))
def test_every_orientation_is_seen_as_pillow_would_turn_it(client: TestClient, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(zoo.flag(), kind, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert seen(client, data).tobytes() == expected.tobytes()


def test_an_orientation_in_xmp_counts_where_exif_has_none(client: TestClient) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    assert seen(client, saved(zoo.flag(), "JPEG", xmp=xmp)).size == (8, 16)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_greys_are_scaled_not_cut(client: TestClient, kind: str) -> None:
    picture = seen(client, saved(zoo.grey_ramp(), kind))
    assert [picture.getpixel((x, 0)) for x in range(4)] == [(v, v, v) for v in (0, 85, 170, 255)]


def test_one_pixel(client: TestClient) -> None:
    assert seen(client, saved(Image.new("RGB", (1, 1), GREEN))).getpixel((0, 0)) == GREEN


def test_half_transparent_is_laid_on_white(client: TestClient) -> None:
    picture = seen(client, saved(Image.new("RGBA", (2, 2), (0, 0, 255, 128))))
    assert near(picture.getpixel((0, 0)), (127, 127, 255))


def test_an_embedded_profile_is_obeyed(client: TestClient) -> None:
    picture = seen(client, saved(zoo.flag(), icc_profile=zoo.swapped_profile()))
    assert near(picture.getpixel((2, 4)), GREEN)


@pytest.mark.parametrize("profile", [b"nonsense", zoo.swapped_profile()[:200]])
def test_a_profile_that_does_not_fit_is_passed_over(client: TestClient, profile: bytes) -> None:
    assert near(seen(client, saved(zoo.flag(), icc_profile=profile)).getpixel((2, 4)), RED)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_hide_the_picture(client: TestClient) -> None:
    data = saved(zoo.flag(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 20, quality=95)
    assert near(seen(client, data).getpixel((2, 4)), RED)


def test_nothing_of_the_cameras_notes_is_kept(client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker and place"
    data = saved(zoo.flag(), "JPEG", exif=exif, comment=b"secret")
    image_id = upload(client, data).json()["id"]
    kept = client.get(f"/api/images/{image_id}").content
    assert b"Maker" not in kept
    assert b"secret" not in kept


WHOLE = saved(Image.effect_noise((64, 64), 90).convert("RGB"), "JPEG")


@pytest.mark.parametrize(
    "data, status, message",
    [
        (b"", 422, "The file is empty: 0 bytes"),
        (b"just some words", 415, "The file is not a picture in a format known here"),
        (b"\xff\xd8\xff", 415, "The file is not a picture in a format known here"),
        (b"%PDF-1.7 and so on", 415, "The file looks like a PDF document"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 415, "The file looks like an SVG drawing"),
        (b"\0\0\0\x18ftypheic" + bytes(40), 415, "The file looks like a HEIC or AVIF picture"),
        (b"\0\0\0\x18ftypisom" + bytes(40), 415, "The file looks like a video"),
        (WHOLE[: len(WHOLE) // 2], 422, "The JPEG is damaged or cut off and cannot be decoded"),
        (saved(zoo.flag())[:60], 422, "The PNG is damaged or cut off and cannot be decoded"),
        (
            zoo.huge_png(30_000, 30_000),
            413,
            "The picture may have at most 64\u202f000\u202f000 pixels,"
            " not 30\u202f000 × 30\u202f000 = 900\u202f000\u202f000",
        ),
        (
            saved(Image.new("F", (4, 4)), "TIFF"),
            422,
            "Pixels of 32 bits (F) have no fixed black and white",
        ),
    ],
    ids=["empty", "text", "stub", "pdf", "svg", "heic", "video", "half-jpeg", "half-png", "bomb", "float"],
)
def test_refused_in_one_sentence(client: TestClient, data: bytes, status: int, message: str) -> None:
    answer = upload(client, data)
    error = Failure.model_validate_json(answer.content).error
    assert (answer.status_code, error.message, error.field) == (status, message, "image")
    assert error.hint


def test_over_the_limit(client: TestClient) -> None:
    answer = upload(client, bytes(16_000_001))
    assert answer.status_code == 413
    assert (
        answer.json()["error"]["message"]
        == "A picture may have at most 16\u202f000\u202f000 bytes, not 16\u202f000\u202f001"
    )


def test_the_same_file_again_is_the_same_picture(client: TestClient, settings: Settings) -> None:
    first = upload(client, saved(zoo.flag()))
    kept = set(settings.store.iterdir())
    assert settings.store / f"{first.json()['id']}.png" in kept
    assert upload(client, saved(zoo.flag()), "other name").json() == first.json()
    assert set(settings.store.iterdir()) == kept


def test_a_sample_sent_back_is_the_sample(client: TestClient, settings: Settings) -> None:
    sample = client.get("/api/images/samples").json()[0]
    kept = set(settings.store.glob("*"))
    answer = upload(client, client.get(f"/api/images/{sample['id']}").content)
    assert answer.json() == {name: sample[name] for name in ("id", "width", "height")}
    assert set(settings.store.glob("*")) == kept


def test_samples_are_what_their_index_says(client: TestClient) -> None:
    samples = [Sample.model_validate(sample) for sample in client.get("/api/images/samples").json()]
    assert len(samples) >= 3
    for sample in samples:
        data = client.get(f"/api/images/{sample.id}").content
        assert hashlib.sha256(data).hexdigest() == sample.id
        assert Image.open(io.BytesIO(data)).size == (sample.width, sample.height)


def test_the_square_is_the_one_that_compute_takes(client: TestClient) -> None:
    sample = client.get("/api/images/samples").json()[0]["id"]
    whole = Image.open(io.BytesIO(client.get(f"/api/images/{sample}").content))
    part = client.get(f"/api/images/{sample}?size=100")
    assert part.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(part.content)).tobytes() == square(whole, 100).tobytes()


def test_pictures_are_kept_by_browsers_for_good(client: TestClient) -> None:
    sample = client.get("/api/images/samples").json()[0]["id"]
    for address in (f"/api/images/{sample}", f"/api/images/{sample}?size=9"):
        first = client.get(address)
        assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
        for tag in (first.headers["etag"], f"W/{first.headers['etag']}", f'"a", {first.headers["etag"]}'):
            again = client.get(address, headers={"if-none-match": tag})
            assert (again.status_code, again.content) == (304, b"")
    unknown = client.get(f"/api/images/{NOBODYS}", headers={"if-none-match": f'"{NOBODYS}"'})
    assert unknown.status_code == 404


def test_an_unknown_picture_says_how_long_pictures_are_kept(client: TestClient) -> None:
    assert client.get(f"/api/images/{NOBODYS}").json()["error"] == {
        "code": "unknown_image",
        "message": "This picture is not on the server, or no longer",
        "field": "image",
        "hint": "upload it again (pictures are kept for 72 hours after their last use) or take a sample",
    }


@pytest.mark.parametrize(
    "headers, body, status, message",
    [
        (
            {"content-type": "image/png"},
            saved(zoo.flag()),
            415,
            "The body must be multipart/form-data, not 'image/png'",
        ),
        ({}, b"x", 415, "The body must be multipart/form-data, and no Content-Type was given"),
        ({"content-type": "multipart/form-data"}, b"", 422, "The form cannot be read: Missing boundary in multipart."),
        ({"content-type": "multipart/form-data; boundary=b"}, b"no form", 422, "The form cannot be read: "),
        ({"content-type": "multipart/form-data; boundary=b"}, b"--b--\r\n", 422, "The form has no file named `image`"),
    ],
    ids=["bare", "nothing", "no-boundary", "no-parts", "empty"],
)
def test_bodies_that_are_no_form(
    client: TestClient, headers: dict[str, str], body: bytes, status: int, message: str
) -> None:
    answer = client.post("/api/images", headers=headers, content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(message)
    assert answer.json()["error"]["field"] == "image"


def test_forms_without_the_picture(client: TestClient) -> None:
    wrong_name = client.post("/api/images", files={"photo": saved(zoo.flag())})
    only_text = client.post("/api/images", files={"image": (None, "text")})
    two = client.post("/api/images", files=[("image", saved(zoo.flag())), ("image", saved(zoo.flag()))])
    assert [answer.status_code for answer in (wrong_name, only_text, two)] == [422, 422, 422]
    assert "Too many files" in two.json()["error"]["message"]


def test_a_store_that_cannot_be_written_is_503(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    client = TestClient(create_app(Settings(store=tmp_path / "file" / "images")), "http://localhost")
    answer = upload(client, saved(zoo.flag()))
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "store_unwritable"
    assert client.get("/api/images/samples").status_code == 200


def test_a_store_too_small_is_507(tmp_path: Path) -> None:
    client = TestClient(create_app(Settings(store=tmp_path, store_bytes=10)), "http://localhost")
    assert upload(client, saved(zoo.flag())).status_code == 507


def test_ids_never_reach_outside_the_store(client: TestClient) -> None:
    for image_id in ("../../pyproject.toml", "%2e%2e%2fpyproject.toml", "a" * 63, "A" * 64, "a" * 63 + "%0a"):
        assert client.get(f"/api/images/{image_id}").status_code == 404
    assert (PROJECT / "pyproject.toml").exists()


def test_a_damaged_file_is_healed_by_sending_it_again(client: TestClient, settings: Settings) -> None:
    answer = upload(client, zoo.rotated_jpeg(6))
    kept = settings.store / f"{answer.json()['id']}.png"
    whole = kept.read_bytes()
    kept.write_bytes(whole[:60])
    assert client.get(f"/api/images/{kept.stem}?size=9").status_code == 404
    assert upload(client, zoo.rotated_jpeg(6)).json() == answer.json()
    assert kept.read_bytes() == whole
    assert client.get(f"/api/images/{kept.stem}?size=9").status_code == 200
