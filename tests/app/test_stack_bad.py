"""What a stack's routes refuse, in which words: wrong values, too much work, pictures that are gone, a full queue."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.main import create_app
from app.schemas import Failure
from app.settings import Settings
from tests.app import zoo
from tests.app.asgi import Answer, request
from tests.app.stackanswers import FIRST, SMALL

ONE_SIDE = "there is no side b: no second grouping is given"
BAD = [
    ("", "modules=0", "modules", "modules must be from 1 to 16, not '0'", "use 1"),
    ("", "stage=17", "stage", "stage must be from 1 to 16, not '17'", "use 16"),
    (
        "",
        "mixing=stir",
        "mixing",
        "mixing must be one of none, shuffle, pointwise, rotated, not 'stir'",
        "use none, shuffle, pointwise or rotated",
    ),
    (
        "",
        "kernel_size=4,3",
        "kernel_size",
        "the modules of a stack keep the size: dilation × (kernel_size − 1) must be even, and 1 × (4 − 1) = 3 is odd",
        "use an odd kernel_size such as 3, or an even dilation",
    ),
    (
        "",
        "size=5&downsample=max&stage=1&modules=4",
        "stage",
        "module 4 would have no pixels left: a size of 5 can't be halved 3 times",
        "use a stage of 2 or more, or fewer than 4 modules",
    ),
    (
        "",
        "size=4&downsample=max&stage=1&modules=3&normalisation=conv",
        "normalisation",
        "a normalisation needs more than one pixel of each map, and the last module has 1 × 1",
        "use none, or a larger size",
    ),
    (
        "",
        "mixing=rotated&in_channels=3&groups=1",
        "in_channels",
        "a split rotated by a quarter of the channels needs at least 4 of them, not 3",
        "use 4 channels, or another mixing",
    ),
    (
        "",
        "scheme=uniform&groups=5",
        "groups",
        "groups must divide in_channels: 64 % 5 = 4",
        "use 1, 2, 4, 8, 16, 32 or 64",
    ),
    (
        "",
        "scheme=custom&sizes=32x16,32x16",
        "sizes",
        "the out sides of sizes must sum to in_channels: they sum to 32, not 64",
        "make both sides of the groups sum to in_channels = 64",
    ),
    (
        "",
        "scheme=custom&sizes=3x64",
        "sizes",
        "the in sides of sizes must sum to in_channels: they sum to 3, not 64",
        "make both sides of the groups sum to in_channels = 64",
    ),
    (
        "",
        "scheme=custom",
        "sizes",
        "a custom split needs sizes",
        "make both sides of the groups sum to in_channels = 64",
    ),
    ("", "out_channels=64", "out_channels", "'out_channels' is no parameter of this address", None),
    ("reach", "modules=3&module=4", "module", "module must be from 0 to 3, not 4", "use 0 to 3"),
    ("maps", "module=9", "module", "module must be from 0 to 8, not 9", "use 0 to 8"),
    ("maps.npy", "module=17", "module", "module must be from 0 to 16, not '17'", "use 16"),
    (
        "maps",
        "channels=60:65",
        "channels",
        "channels must end at in_channels = 64 or before, not at 65",
        "use 0:64 for all",
    ),
    (
        "maps",
        "side=c",
        "side",
        "side must be one of a, b, difference, ink, not 'c'",
        "use a, b, difference or ink",
    ),
    ("maps", "side=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("maps", "side=difference", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("maps", "side=ink&dye=channel&dyed=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("energy", "side=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("pixel", "side=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("redundancy", "side=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("ink", "side=b", "b_scheme", ONE_SIDE, "such as b_scheme=standard"),
    ("maps", "side=ink", "dye", "there is no ink: nothing is dyed", "give dye=channel or dye=patch"),
    (
        "maps",
        "side=ink&dye=channel&dye_channel=64",
        "dye_channel",
        "dye_channel must be from 0 to 63, not 64",
        "use 0 to 63",
    ),
    ("ink", "dye_channel=64", "dye_channel", "dye_channel must be from 0 to 63, not 64", "use 0 to 63"),
    ("ink", "dye=patch&dye_size=113", "dye_size", "dye_size must be from 1 to 112, not 113", "use 1 to 112"),
    ("ink", "dye=patch&dye_row=97", "dye_row", "dye_row must be from 0 to 96, not 97", "use 0 to 96"),
    ("ink", "dye=patch&dye_column=97", "dye_column", "dye_column must be from 0 to 96, not 97", "use 0 to 96"),
    ("pixel", "module=0", "module", "module must be from 1 to 8, not 0", "use 1 to 8"),
    ("pixel", "channel=64", "channel", "channel must be from 0 to 63, not 64", "use 0 to 63"),
    ("pixel", "row=112", "row", "row must be from 0 to 111, not 112", "use 0 to 111"),
    (
        "pixel",
        "downsample=average&stage=1&modules=4&module=3&column=28",
        "column",
        "column must be from 0 to 27, not 28",
        "use 0 to 27",
    ),
    ("redundancy", "module=0", "module", "module must be from 1 to 8, not 0", "use 1 to 8"),
    (
        "maps",
        "b_scheme=uniform&b_groups=5",
        "b_groups",
        "groups must divide in_channels: 64 % 5 = 4",
        "use 1, 2, 4, 8, 16, 32 or 64",
    ),
    ("maps", "b_scheme=logarithmic&b_base=65", "b_base", "b_base must be from 2 to 64, not '65'", "use 64"),
    (
        "energy",
        "b_scheme=logarithmic&b_groups=9",
        "b_groups",
        "every group needs a channel on both sides: 64 channels have room for at most 7 logarithmic groups of base 2,"
        " not 9",
        "use 1, 2, 3, 4, 5, 6 or 7",
    ),
    (
        "ink",
        "b_scheme=custom&b_sizes=64x60",
        "b_sizes",
        "the out sides of sizes must sum to in_channels: they sum to 60, not 64",
        "make both sides of the groups sum to in_channels = 64",
    ),
    (
        "pixel",
        "b_scheme=custom",
        "b_sizes",
        "a custom split needs sizes",
        "make both sides of the groups sum to in_channels = 64",
    ),
]


@pytest.mark.parametrize("path, query, field, message, hint", BAD, ids=[f"{path}?{query}" for path, query, *_ in BAD])
def test_a_refusal_says_rule_value_and_way_out(
    http: httpx2.Client, path: str, query: str, field: str, message: str, hint: str | None
) -> None:
    image = f"image={FIRST['id']}&" if path not in ("", "reach") else ""
    answer = http.get(f"/api/stack{'/' if path else ''}{path}?{image}{query}")
    error = Failure.model_validate_json(answer.content).error
    assert (answer.status_code, error.field, error.message) == (422, field, message)
    assert error.hint == hint if hint else error.hint


def spelt(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


LIMIT = f"feature maps may need at most {spelt(100 * 10**9)} multiply-accumulates"
STEM = 27 * 64 * 700**2
STANDARD = {"size": 700, "scheme": "standard"}
ONE = 9 * 64**2 * 700**2
TOO_MUCH = {
    "maps as far as the module": (
        "maps",
        {**STANDARD, "module": 6},
        "size",
        f"{LIMIT}, and these need",
        6 * ONE + STEM,
    ),
    "both sides": (
        "maps",
        {"size": 700, "b_scheme": "standard", "module": 3, "side": "difference"},
        "size",
        f"{LIMIT}, and these need",
        2 * (3 * ONE + STEM),
    ),
    "one arm": ("scale", {**STANDARD, "modules": 6}, "size", f"{LIMIT}, and these need", 6 * ONE + STEM),
    "energies": ("energy", {**STANDARD, "modules": 2}, "size", f"{LIMIT}, and these need", 3 * (2 * ONE + STEM)),
    "maps of one module": (
        "maps.npy",
        {"in_channels": 2048, "size": 1024, "module": 1},
        "size",
        f"feature maps may need at most {spelt(2**25)} elements of one module's maps, and these need",
        2**31,
    ),
    "maps of all modules": (
        "ink",
        {"in_channels": 2048, "size": 112, "scheme": "depthwise", "kernel_size": 1, "modules": 16},
        "size",
        f"feature maps may need at most {spelt(2**30)} elements of all modules' maps, and these need",
        3 * 17 * 2048 * 112**2,
    ),
    "weights": (
        "pixel",
        {"in_channels": 2048, "size": 8, "scheme": "standard", "module": 4},
        "kernel_size",
        f"feature maps may need at most {spelt(2**27)} weights, and these need",
        4 * (9 * 2048**2 + 2048),
    ),
    "pairs of maps": (
        "redundancy",
        {"in_channels": 2048, "size": 112, "scheme": "depthwise", "module": 2},
        "size",
        f"feature maps may need at most {spelt(100 * 10**9)} multiply-accumulates to compare every map with every"
        " other, and these need",
        4 * 2048**2 * 112**2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("path, query, field, rule, value", TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_work_is_refused_before_it_begins(
    http: httpx2.Client, path: str, query: dict[str, Any], field: str, rule: str, value: int
) -> None:
    answer = http.get(f"/api/stack/{path}", params={"image": FIRST["id"], **query})
    error = Failure.model_validate_json(answer.content).error
    assert (answer.status_code, error.code, error.field) == (422, "too_much_work", field)
    assert error.message == f"{rule} {spelt(value)}"
    assert error.hint is not None
    assert error.hint.startswith("use a smaller size")


def test_only_the_modules_that_have_to_run_count(http: httpx2.Client) -> None:
    wide = {"image": FIRST["id"], "size": 64, "in_channels": 512, "scheme": "standard", "modules": 16, "tile": 4}
    assert http.get("/api/stack/maps", params={**wide, "module": 1}).status_code == 200
    assert http.get("/api/stack/maps", params={**wide, "module": 16}).status_code == 422


ON_THE_DEVICE = [
    *(f"/api/stack/{path}" for path in ("maps", "maps.npy", "energy", "scale", "pixel", "redundancy", "ink")),
    "/api/figures/stack-scale",
]


def test_a_picture_that_is_gone_is_404_wherever_it_was_known(tmp_path: Path) -> None:
    """The engine still holds its square: what the store let go of is gone all the same."""
    app = create_app(Settings(store=tmp_path, store_bytes=5000, device="cpu"))
    with TestClient(app, "http://localhost") as client:
        first, second = zoo.saved(zoo.flag()), zoo.saved(Image.effect_noise((12, 12), 50))
        image_id = client.post("/api/images", files={"image": first}).json()["id"]
        query = {"image": image_id, **SMALL}
        assert [client.get(path, params=query).status_code for path in ON_THE_DEVICE] == [200] * len(ON_THE_DEVICE)
        assert client.post("/api/images", files={"image": second}).status_code == 201
        assert not (tmp_path / f"{image_id}.png").exists()
        for path in ON_THE_DEVICE:
            answer = client.get(path, params=query)
            error = Failure.model_validate_json(answer.content).error
            assert (answer.status_code, error.code, error.field) == (404, "unknown_image", "image")
            assert error.hint


def test_whoever_leaves_makes_room(tmp_path: Path) -> None:
    """While torch still loads, nothing leaves the queue but by its client."""
    app = create_app(Settings(store=tmp_path, queue_size=1, device="cpu"))
    query = urlencode({"image": FIRST["id"], **SMALL}).encode()

    async def story(path: str) -> tuple[Answer, Answer]:
        left = asyncio.Event()
        first = asyncio.create_task(request(app, path, query, left=left))
        while not app.state.engine.waiting:
            await asyncio.sleep(0)
        second = await request(app, path, query)
        left.set()
        return await first, second

    with TestClient(app, "http://localhost") as client:
        assert client.portal is not None
        for path in ON_THE_DEVICE:
            gone, refused = client.portal.call(story, path)
            assert app.state.engine.waiting == 0
            assert (gone.status, refused.status) == (499, 503)
            assert Failure.model_validate_json(refused.body).error.code == "busy"
