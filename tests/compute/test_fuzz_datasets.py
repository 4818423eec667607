"""Data sets that were damaged or made to harm: read or refused, never run, and never larger than they may be."""

import gzip
import io
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from compute.datasets import Images, read
from compute.errors import SpecError
from tests.compute.datasetcases import IDX, in_turn, noise, save_idx, save_pictures

PARTS = (noise(8, 8, 8), in_turn(8), noise(4, 8, 8, seed=1), in_turn(4))


def outcome(path: Path) -> Images | SpecError:
    """The only two that there may be."""
    try:
        return read(path)
    except SpecError as error:
        return error


def held(found: Images | SpecError) -> None:
    if isinstance(found, Images):
        counts = (found.facts.train, found.facts.test)
        assert (len(found.x_train), len(found.x_test)) == (len(found.y_train), len(found.y_test)) == counts
        assert int(found.y_train.max()) < len(found.facts.classes)
    else:
        assert found.field == "data"
        assert found.hint
        assert len(found.message) < 600


def npz(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **{name: np.asarray(array) for name, array in arrays.items()})
    return file.getvalue()


def zipped(members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return file.getvalue()


def npy(array: object, **options: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array), **options)
    return file.getvalue()


def headed(text: str, version: tuple[int, int] = (1, 0), data: bytes = b"") -> bytes:
    """An .npy file whose header is `text`."""
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes(version) + length + text.encode("latin1") + b"\n" + data


@st.composite
def damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    """Cut, longer, or with some bytes changed."""
    changed = bytearray(raw[: draw(st.just(len(raw)) | st.integers(0, len(raw)))])
    for _ in range(draw(st.integers(0, 8))):
        if changed:
            changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed) + draw(st.just(b"") | st.binary(max_size=20))


ARCHIVES = [
    npz(images=noise(12, 8, 8), labels=in_turn(12), classes=["a", "b"], name="n"),
    npz(x_train=PARTS[0], y_train=PARTS[1], x_test=PARTS[2], y_test=PARTS[3]),
    zipped({"x.npy": npy(noise(12, 8, 8)), "y.npy": npy(in_turn(12))}, zipfile.ZIP_STORED),
]


@settings(deadline=None, max_examples=250)
@given(st.sampled_from(ARCHIVES).flatmap(damaged))
def test_a_damaged_npz_is_read_or_refused(raw: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.npz")
        path.write_bytes(raw)
        held(outcome(path))


HEADER = "{'descr': '|u1', 'fortran_order': False, 'shape': (12, 8, 8), }"
headers = st.sampled_from(
    [
        "", "{", "[]", "None", "{'descr': '|O', 'fortran_order': False, 'shape': (12, 8, 8), }", "9" * 5000, "(" * 5000,
        HEADER.replace("12", "-12"), HEADER.replace("12", "1" * 30), HEADER.replace("(12, 8, 8)", "()"),
        HEADER.replace("(12, 8, 8)", "(12, 8)"), HEADER.replace("12", "True"), HEADER.replace("|u1", ">f2"),
        HEADER.replace("'|u1'", "[('a', '|u1'), ('b', '<f8')]"), HEADER.replace("|u1", "<c16"),
        HEADER.replace("|u1", "|V9"), HEADER.replace("|u1", "<M8[ns]"), HEADER.replace("False", "1"),
        HEADER.replace("False", "True"),
        HEADER.replace("'|u1'", "__import__('os')"), HEADER.replace("12", "2**40"), HEADER + "\0",
        HEADER.replace("8, 8", "8, 0"),
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(headers, headers, st.sampled_from([(1, 0), (2, 0), (3, 0), (9, 9)]), st.binary(max_size=900))
def test_whatever_an_array_says_of_itself_is_read_or_refused(
    x: str, y: str, version: tuple[int, int], data: bytes
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.npz")
        path.write_bytes(zipped({"x.npy": headed(x, version, data), "y.npy": headed(y, version, data)}))
        held(outcome(path))


@settings(deadline=None, max_examples=150)
@given(st.data(), st.sampled_from(IDX), st.booleans())
def test_a_damaged_idx_file_is_read_or_refused(data: st.DataObject, name: str, packed: bool) -> None:
    with TemporaryDirectory() as folder:
        save_idx(Path(folder), *PARTS, packed=packed)
        file = Path(folder, name + ".gz" * packed)
        whole = file.read_bytes()
        inside = data.draw(st.booleans()) and packed
        file.write_bytes(
            gzip.compress(data.draw(damaged(gzip.decompress(whole)))) if inside else data.draw(damaged(whole))
        )
        held(outcome(Path(folder)))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pictures(
        tmp_path_factory.mktemp("p"), {name: [noise(9, 9, 3, seed=n) for n in range(3)] for name in "ab"}
    )


@settings(deadline=None, max_examples=150)
@given(st.data(), st.sampled_from(["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"]))
def test_a_damaged_picture_is_read_or_refused(pictures: Path, data: st.DataObject, suffix: str) -> None:
    file = pictures / "a" / f"damaged.{suffix}"
    whole = io.BytesIO()
    Image.fromarray(noise(9, 9, 3)).save(whole, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
    file.write_bytes(data.draw(damaged(whole.getvalue())))
    try:
        held(outcome(pictures))
    finally:
        file.unlink()


class Bomb:
    """A pickle that leaves a file where it is opened."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (self.path, "w")


@pytest.mark.parametrize("name", ["images", "labels", "classes"])
def test_arrays_of_objects_are_refused_and_never_unpickled(tmp_path: Path, name: str) -> None:
    trap = tmp_path / "opened"
    body = npy(np.array([Bomb(str(trap))] * 12, object), allow_pickle=True)
    arrays = {"images": npy(noise(12, 8, 8)), "labels": npy(in_turn(12)), "classes": npy(["a", "b"]), name: body}
    (tmp_path / "a.npz").write_bytes(zipped({f"{member}.npy": array for member, array in arrays.items()}))
    found = outcome(tmp_path / "a.npz")
    assert isinstance(found, SpecError)
    assert "not Python objects" in found.message
    for raw in (body, pickle.dumps(Bomb(str(trap)))):
        (tmp_path / "b.npz").write_bytes(raw)
        held(outcome(tmp_path / "b.npz"))
    assert not trap.exists()
    np.load(io.BytesIO(body), allow_pickle=True)[0].close()
    assert trap.exists(), "it would have worked"


MEGABYTE = 1_000_000
LONG = 100 * MEGABYTE  # as which a bomb unpacks
# Small files that unpack to much: what is in x.npy, and in one that nobody asks for.
BOMBS: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "too many pictures": lambda: (headed(HEADER.replace("12, 8", f"{LONG // 64}, 8"), data=b"\0" * LONG), b""),
    "more behind an array": lambda: (headed(HEADER, data=b"\0" * LONG), b""),
    "a long header": lambda: (headed("{" + " " * LONG, (2, 0)), b""),
    "what nobody asks for": lambda: (npy(noise(12, 8, 8)), b"\0" * LONG),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_little_memory(tmp_path: Path, name: str) -> None:
    pictures, other = BOMBS[name]()
    path = tmp_path / "a.npz"
    path.write_bytes(zipped({"x.npy": pictures, "y.npy": npy(in_turn(12)), "z.npy": other}))
    assert path.stat().st_size < MEGABYTE
    del pictures, other
    tracemalloc.start()
    found = outcome(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held(found)
    assert most < 10 * MEGABYTE
