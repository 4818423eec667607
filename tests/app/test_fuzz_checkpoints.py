"""Files of trained networks, real ones and what can be done to them: kept and of use, or refused in one sentence."""

import io
import json
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from safetensors.numpy import save
from starlette.testclient import TestClient

from app.library import SHIPPED
from app.main import create_app
from app.schemas import Failure
from app.settings import Settings
from compute.errors import SpecError
from compute.trained import Checkpoint, read
from compute.trained.facts import KEY
from tests.compute.trainedcases import STACK, STACKS, file_of, meta_of, tensors_of

REAL = [file.read_bytes() for file in sorted(SHIPPED.glob("*.safetensors"))] + [file_of(s) for s in STACKS.values()]
STEM = "stem.weight"
Header = dict[str, Any]


def opened(raw: bytes) -> tuple[Header, bytes]:
    """Header and data."""
    end = 8 + int.from_bytes(raw[:8], "little")
    return dict(json.loads(raw[8:end])), raw[end:]


def closed(header: Header | bytes, data: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def about(shape: Any, dtype: str = "F32", offsets: tuple[int, int] = (0, 36), **more: Any) -> bytes:
    """A file of one tensor that is said to be so."""
    told = {STEM: {"dtype": dtype, "shape": shape, "data_offsets": list(offsets)}, **more}
    return closed(told, b"\0" * 36)


numbers = st.sampled_from([0, 1, 3, 36, 2**31, 2**53, 2**63, 2**64 - 1, 2**64, -1, 1.5, None, "3", [], {}, True])
sides = st.lists(st.sampled_from([0, 1, 2, 3, 2**31, 2**63, 2**64 - 1, -1]), max_size=70)
meta = st.recursive(
    numbers | st.text(max_size=9) | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@st.composite
def tampered(draw: st.DrawFn) -> bytes:
    """A real file of which one or two things are not what they were."""
    raw = draw(st.sampled_from(REAL))
    for _ in range(draw(st.integers(1, 2))):
        raw = draw(st.sampled_from(WAYS))(draw, raw)
    return raw


def _entry(draw: st.DrawFn, raw: bytes) -> bytes:
    header, data = opened(raw)
    entry = header[draw(st.sampled_from([name for name in header if name != "__metadata__"]))]
    match draw(st.sampled_from(["dtype", "shape", "data_offsets", "none"])):
        case "dtype":
            entry["dtype"] = draw(
                st.sampled_from(["F16", "F64", "BF16", "I32", "F8_E4M3", "F4", "BOOL", "C64", "x", "", None])
            )
        case "shape":
            entry["shape"] = draw(sides | numbers)
        case "data_offsets":
            entry["data_offsets"] = draw(st.lists(numbers, max_size=3))
        case _:
            entry.clear()
    return closed(header, data)


def _names(draw: st.DrawFn, raw: bytes) -> bytes:
    header, data = opened(raw)
    name = draw(st.sampled_from(list(header)))
    header[draw(st.sampled_from(["__metadata__", STEM, "head.weight", "modules.1.bias", "\0", ""]) | st.text())] = (
        header.pop(name)
    )
    return closed(header, data)


def _metadata(draw: st.DrawFn, raw: bytes) -> bytes:
    header, data = opened(raw)
    told = json.loads(header["__metadata__"][KEY]) if isinstance(header.get("__metadata__"), dict) else {}
    places = [told, *(part for part in told.values() if isinstance(part, dict))]
    place = draw(st.sampled_from(places))
    place[draw(st.sampled_from([*place, "format"]))] = draw(meta)
    text = json.dumps(told)
    header["__metadata__"] = draw(
        st.sampled_from([{KEY: text}, {KEY: text}, {KEY: text}, None, [], {KEY: 1}, {KEY: "[" * 9999}])
    )
    return closed(header, data)


def _cut(draw: st.DrawFn, raw: bytes) -> bytes:
    return raw[: draw(st.integers(0, len(raw)))]


def _longer(draw: st.DrawFn, raw: bytes) -> bytes:
    return raw + draw(st.binary(min_size=1, max_size=40))


def _length(draw: st.DrawFn, raw: bytes) -> bytes:
    return (
        struct.pack("<Q", draw(st.sampled_from([0, 1, 8, max(len(raw) - 8, 0), len(raw), 2**31, 2**63, 2**64 - 1])))
        + raw[8:]
    )


def _flipped(draw: st.DrawFn, raw: bytes) -> bytes:
    changed = bytearray(raw)
    for _ in range(draw(st.integers(1, 6))):
        if changed:
            changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


def _safely(way: Callable[[st.DrawFn, bytes], bytes]) -> Callable[[st.DrawFn, bytes], bytes]:
    """A file whose header cannot be read any more stays as it is."""

    def tamper(draw: st.DrawFn, raw: bytes) -> bytes:
        try:
            return way(draw, raw)
        except (ValueError, AttributeError, TypeError, KeyError, IndexError, RecursionError):
            return raw

    return tamper


WAYS = [_safely(_entry), _safely(_names), _safely(_metadata), _cut, _longer, _length, _flipped]


@limits(deadline=None, max_examples=300)
@given(tampered())
def test_a_tampered_file_is_read_or_refused(raw: bytes) -> None:
    found = outcome(raw)
    if isinstance(found, Checkpoint):
        assert found.nbytes <= 2 * len(raw)
    else:
        assert found.field == "checkpoint"
        assert found.hint
        assert len(found.message) < 500


def outcome(raw: bytes) -> Checkpoint | SpecError:
    try:
        return read(raw, "new", STACK)
    except SpecError as error:
        return error


class Bomb:
    """A pickle that leaves a file where it is opened."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return open, (self.path, "w")


def zipped(name: str, body: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return file.getvalue()


def test_pickles_alone_and_in_archives_are_never_opened(tmp_path: Any) -> None:
    trap = tmp_path / "opened"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        body = pickle.dumps(Bomb(str(trap)), protocol)
        for raw in (
            body,
            zipped("data.pkl", body),
            zipped("archive/data.pkl", body),
            closed(body, b""),
            closed({}, body),
        ):
            with pytest.raises(SpecError):
                read(raw, "new", STACK)
    assert not trap.exists()
    pickle.loads(body).close()
    assert trap.exists(), "it would have worked"


BAD = {
    "metadata that are null": (
        about([4, 1, 3, 3], offsets=(0, 144), __metadata__=None) + b"\0" * 108,
        "stem.bias is missing",
    ),
    "seventy axes": (about([1] * 70, offsets=(0, 4)), "safetensors"),
    "seventy axes of nine numbers": (
        about([9, *[1] * 69]),
        "must have 1 to 4 axes, none of them 0, not (9, 1, 1, 1, 1, 1, …)",
    ),
    "a side beyond any memory": (about([2**63, 0], offsets=(0, 0))[:-36], "must have 1 to 4 axes, none of them 0"),
    "no axis": (about([], offsets=(0, 4))[:-32], "must have 1 to 4 axes, none of them 0, not ()"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_broke_the_reader_once_is_refused(name: str) -> None:
    raw, rule = BAD[name]
    with pytest.raises(SpecError) as caught:
        read(raw, "new", {**STACK, "in_channels": 4})
    assert rule in caught.value.message


def test_a_file_takes_no_more_memory_than_a_few_copies_of_it() -> None:
    """Whatever its header says: names of a million tensors, a text of megabytes, sides of 2^40."""
    many = {f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(20_000)}
    for raw in (closed(many, b""), closed({"__metadata__": {KEY: "9" * 2_000_000}}, b""), about([2**40, 2**20])):
        tracemalloc.start()
        with pytest.raises(SpecError):
            read(raw, "new", STACK)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 40 * len(raw) + 1_000_000


@pytest.fixture(scope="module")
def running(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), "http://localhost", raise_server_exceptions=False) as client:
        yield client


EXTREMES = [0.0, 1e-45, -1e-38, 3e38, -3e38, 65504.0, 1e30]
USES = ("stack/maps", "stack/energy", "stack/scale", "stack/pixel", "stack/redundancy", "stack/ink")


@limits(deadline=None, max_examples=25)
@given(st.data())
def test_whatever_is_kept_can_be_looked_through(running: TestClient, data: st.DataObject) -> None:
    tensors, told = deepcopy(tensors_of(STACK)), deepcopy(meta_of(STACK))
    for _ in range(data.draw(st.integers(1, 3))):
        tensor = tensors[data.draw(st.sampled_from(list(tensors)))]
        tensor[...] = np.float32(data.draw(st.sampled_from([*EXTREMES, np.nan, np.inf])))
    place = told["data"]
    place["mean"] = [data.draw(st.sampled_from([0.286, 0, -1e308, 1e308, 5e-324]))]
    place["std"] = [data.draw(st.sampled_from([0.353, 5e-324, 1e308]))]
    raw = save({name: np.asarray(array, np.float32) for name, array in tensors.items()}, {KEY: json.dumps(told)})
    answer = running.post("/api/checkpoints", content=raw)
    if answer.status_code == 422:
        assert Failure.model_validate_json(answer.content).error.field == "checkpoint"
        return
    assert answer.status_code == 201
    entry = answer.json()
    image = running.get("/api/images/samples").json()[0]["id"]
    for use, query in [("feature-maps", entry["layer_query"]), *((use, entry["query"]) for use in USES)]:
        seen = running.get(f"/api/{use}?image={image}&size=44&{query}")
        assert seen.status_code in (200, 422), (use, seen.text[:300])
        if seen.status_code == 422:  # values that leave float32 on the way
            assert Failure.model_validate_json(seen.content).error.field == "gain"
    assert running.delete(f"/api/checkpoints/{entry['id']}").status_code == 204
