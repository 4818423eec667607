"""Everything that can be wrong with a data set, and the sentence that says so."""

import errno
import os
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from compute.datasets import Limits, read
from compute.errors import SpecError
from tests.compute.datasetcases import IDX, in_turn, noise, refused, save, save_idx, save_pictures

NOBODY = 65534
WAYS_OUT = "name an .npz file, a folder with the four IDX files, or a folder with one folder of pictures per class"


# The split


@pytest.mark.parametrize("share", [0, 1, -0.5, float("nan")])
def test_a_share_that_leaves_a_part_empty_is_refused(tmp_path, share) -> None:
    path = save(tmp_path / "a.npz", images=noise(6, 8, 8), labels=in_turn(6))
    with pytest.raises(SpecError, match=r"^test_share must be more than 0 and less than 1, not ") as caught:
        read(path, test_share=share)
    assert caught.value.field == "test_share"


def test_a_seed_that_is_none_is_refused(tmp_path) -> None:
    path = save(tmp_path / "a.npz", images=noise(6, 8, 8), labels=in_turn(6))
    with pytest.raises(SpecError, match=r"^seed must be from 0 to 4294967295, not -1") as caught:
        read(path, seed=-1)
    assert caught.value.field == "seed"


# IDX


def test_a_missing_idx_file_is_named(tmp_path) -> None:
    save_idx(tmp_path, noise(4, 8, 8), in_turn(4), noise(4, 8, 8), in_turn(4))
    (tmp_path / f"{IDX[3]}.gz").unlink()
    refused(
        tmp_path,
        f"{tmp_path.name} has IDX files but not {IDX[3]}, packed by gzip or not; put all four there",
    )


def damaged(raw: bytes, how: str) -> bytes:
    if how == "cut":
        return raw[:-5]
    return raw + b"\0" if how == "long" else b"\0\0\x0d" + raw[3:]


@pytest.mark.parametrize(
    "how, message",
    [
        ("cut", f"{IDX[0]} must have 256 bytes of values, not 251; fetch it again"),
        ("long", f"{IDX[0]} must have 256 bytes of values, not more; fetch it again"),
        ("floats", f"{IDX[0]} is no IDX file of pictures in bytes; fetch it again"),
    ],
)
def test_a_damaged_idx_file_is_refused(tmp_path, how, message) -> None:
    save_idx(tmp_path, noise(4, 8, 8), in_turn(4), noise(4, 8, 8), in_turn(4), packed=False)
    file = tmp_path / IDX[0]
    file.write_bytes(damaged(file.read_bytes(), how))
    refused(tmp_path, message)


def test_a_cut_gzip_file_is_refused(tmp_path) -> None:
    save_idx(tmp_path, noise(4, 8, 8), in_turn(4), noise(4, 8, 8), in_turn(4))
    file = tmp_path / f"{IDX[0]}.gz"
    file.write_bytes(file.read_bytes()[:100])
    refused(tmp_path, f"{file.name} cannot be read: it is damaged or cut off; fetch it again")


def test_an_idx_file_cannot_ask_for_more_memory_than_the_limit(tmp_path) -> None:
    save_idx(tmp_path, noise(4, 8, 8), in_turn(4), noise(4, 8, 8), in_turn(4), packed=False)
    (tmp_path / IDX[0]).write_bytes(struct.pack(">BBBB3I", 0, 0, 8, 3, 2**32 - 1, 28, 28))
    refused(
        tmp_path,
        "a data set may have at most 100\u202f000 pictures, not 4\u202f294\u202f967\u202f295; leave some out",
    )


# A folder of class folders


def two(tmp_path: Path, **more: list[np.ndarray]) -> Path:
    return save_pictures(tmp_path / "set", {"a": list(noise(2, 8, 8)), "b": list(noise(2, 8, 8)), **more})


def test_a_folder_without_classes_is_refused(tmp_path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").touch()
    refused(
        tmp_path / "set",
        "set has neither IDX files nor a folder for each class; make a folder for each class, named as the class,"
        " with its pictures in it",
    )


def test_one_class_is_refused(tmp_path) -> None:
    path = save_pictures(tmp_path / "set", {"a": list(noise(2, 8, 8))})
    refused(path, "there must be at least two classes to tell apart, not 1; add pictures of another")


def test_a_class_with_one_picture_is_refused(tmp_path) -> None:
    refused(
        two(tmp_path, c=list(noise(1, 8, 8))),
        "each class needs at least two pictures in it, one to train on and one to be tested on: class c has one"
        " picture; add some, or leave the class out",
    )


@pytest.mark.parametrize("kept", [0, 20, 100], ids=["empty", "no header", "cut"])
def test_a_damaged_picture_is_named(tmp_path, kept) -> None:
    path = two(tmp_path)
    file = path / "b" / "1.png"
    file.write_bytes(file.read_bytes()[:kept])
    refused(path, "b/1.png cannot be read: it is damaged or cut off; repair it, or take it out")


def test_a_picture_that_points_nowhere_is_named(tmp_path) -> None:
    path = two(tmp_path)
    (path / "b" / "2.png").symlink_to(tmp_path / "gone.png")
    refused(path, "b/2.png cannot be read: No such file or directory; repair it, or take it out")


def test_a_picture_that_points_to_itself_is_named(tmp_path) -> None:
    path = two(tmp_path)
    (path / "b" / "2.png").symlink_to(path / "b" / "2.png")
    refused(path, f"b/2.png cannot be read: {os.strerror(errno.ELOOP)}; repair it, or take it out")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path) -> None:
    path = two(tmp_path)
    os.mkfifo(path / "b" / "2.png")
    refused(path, "b/2.png is no file; take it out")


def test_a_tiny_picture_is_refused(tmp_path) -> None:
    refused(
        two(tmp_path, c=list(noise(2, 8, 5))),
        "pictures must have sides of at least 8 pixels, c/0.png has 8 × 5; take it out, or take a larger copy",
    )


def test_sixteen_bits_a_channel_are_refused(tmp_path) -> None:
    path = two(tmp_path, c=[np.full((8, 8), 40_000, np.uint16)] * 2)
    refused(path, "c/0.png has 16 or 32 bits a channel; save it with 8")


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path) -> None:
    path = two(tmp_path, c=[np.zeros((50, 30), np.uint8)] * 2)
    refused(
        path,
        "a picture may have at most 1\u202f000 pixels, c/0.png has 50 × 30; scale it down first",
        limits=Limits(source_pixels=1000),
    )


def test_a_picture_that_pillow_calls_a_bomb_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    path = two(tmp_path, c=[np.zeros((50, 30), np.uint8)] * 2)
    refused(path, "c/0.png has far too many pixels; scale it down first")


def test_too_many_pictures_are_refused(tmp_path) -> None:
    refused(two(tmp_path), "a data set may have at most 3 pictures, not 4; leave some out", limits=Limits(images=3))


def test_too_many_pixels_are_refused(tmp_path) -> None:
    refused(
        two(tmp_path),
        "a data set may have at most 255 values of pixels, not 256; leave some pictures out, or scale them down",
        limits=Limits(values=255),
    )


def test_too_many_classes_are_refused(tmp_path) -> None:
    refused(
        two(tmp_path, c=list(noise(2, 8, 8))),
        "a data set may have at most 2 classes, not 3; join some, or number them 0, 1, 2 … without gaps",
        limits=Limits(classes=2),
    )


# Whatever else a path can lead to


def test_a_path_to_nothing_is_refused_without_the_folders_on_the_way(tmp_path) -> None:
    refused(tmp_path / "gone", f"gone cannot be read: No such file or directory; {WAYS_OUT}")


def test_a_path_that_points_to_itself_is_refused(tmp_path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refused(tmp_path / "loop", f"loop cannot be read: {os.strerror(errno.ELOOP)}; {WAYS_OUT}")


def test_a_device_is_refused() -> None:
    refused(Path("/dev/null"), f"null is neither a file nor a folder; {WAYS_OUT}")


def test_a_file_that_may_not_be_read_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = save(Path(folder) / "a.npz", images=noise(6, 8, 8), labels=in_turn(6))
        path.chmod(0)
        root = os.geteuid() == 0
        if root:  # who may read everything: be nobody for a moment
            os.seteuid(NOBODY)
        try:
            with pytest.raises(SpecError, match=r"^a\.npz cannot be read: Permission denied; "):
                read(path)
        finally:
            if root:
                os.seteuid(0)


EXAMPLE = "save it with np.savez_compressed(file, images=…, labels=…)"


@pytest.mark.parametrize("body", [b"", b"\x93NUMPY", b"PK\x03\x04 and no more"])
def test_what_is_no_npz_is_refused(tmp_path, body) -> None:
    (tmp_path / "a.npz").write_bytes(body)
    refused(tmp_path / "a.npz", f"a.npz is no .npz file of NumPy, or it is cut off; {EXAMPLE}")


def test_a_flipped_byte_is_noticed(tmp_path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=noise(6, 8, 8), labels=in_turn(6))
    body = bytearray(path.read_bytes())
    body[body.index(noise(6, 8, 8).tobytes()) + 100] ^= 1
    path.write_bytes(body)
    refused(path, f"a.npz is no .npz file of NumPy, or it is cut off; {EXAMPLE}")


def test_an_array_cannot_claim_more_than_the_limit(tmp_path) -> None:
    head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (90000, 64, 64, 3), }"
    head = head.ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("images.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)
        file.writestr("labels.npy", b"")
    refused(
        tmp_path / "a.npz",
        "a data set may have at most 200\u202f000\u202f000 values of pixels, not 1\u202f105\u202f920\u202f000;"
        " leave some pictures out, or scale them down",
    )


def test_names_that_are_missing_are_told_from_those_that_are_there(tmp_path) -> None:
    refused(
        save(tmp_path / "a.npz", x_train=noise(6, 8, 8), y_train=in_turn(6)),
        "a.npz must hold x_train, y_train, x_test and y_test, or images and labels, or x and y;"
        f" it holds x_train, y_train; {EXAMPLE}",
    )


NAN = np.where(np.arange(6)[:, None, None] == 4, np.nan, np.zeros((6, 8, 8)))
NUMBERED = "number the classes 0, 1, 2 …"
BYTES = "save the pixels as uint8"


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"x": np.full((6, 8, 8), None)}, f"x must hold numbers, not Python objects; {BYTES}"),
        ({"x": np.full((6, 8, 8), "a")}, f"x must hold numbers, not <U1; {BYTES}"),
        ({"x": noise(6, 8, 8) > 9}, f"x must hold numbers, not bool; {BYTES}"),
        ({"x": NAN}, f"x has NaN or infinity in picture 4; {BYTES}"),
        (
            {"x": noise(6, 8, 8).astype(np.float32)},
            "floating-point pixels must be from 0 to 1, x has 255.0; divide by 255, or save uint8",
        ),
        ({"x": np.full((6, 8, 8), -1)}, f"whole-numbered pixels must be from 0 to 255, x has -1; {BYTES}"),
        ({"x": np.full((6, 8, 8), 256)}, f"whole-numbered pixels must be from 0 to 255, x has 256; {BYTES}"),
        (
            {"x": noise(6, 64)},
            "x must be (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels, not (6, 64);"
            " reshape it before saving",
        ),
        (
            {"x": noise(6, 8, 8, 4)},
            "x must be (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels, not (6, 8, 8, 4);"
            " reshape it before saving",
        ),
        ({"x": noise(0, 8, 8)}, "x is empty: (0, 8, 8); save at least two pictures of each class"),
        (
            {"x": noise(6, 8, 65)},
            "pictures must have sides of 8 to 64 pixels, x has 8 × 65; scale the pictures first",
        ),
        (
            {"x": noise(6, 3, 9, 3)},
            "pictures must have sides of 8 to 64 pixels, x has 3 × 9; scale the pictures first",
        ),
        (
            {"y": in_turn(5)},
            "each picture needs one label: x has 6 pictures and y 5 labels; save both again from the same list",
        ),
        ({"y": in_turn(6) / 2}, f"y must hold whole numbers, not float64; {NUMBERED}"),
        ({"y": np.full(6, None)}, f"y must hold whole numbers, not Python objects; {NUMBERED}"),
        ({"y": ["cat"] * 6}, f"y must hold whole numbers, not <U3; {NUMBERED}"),
        (
            {"y": np.eye(2, dtype=int)[in_turn(6)]},
            "y must be (N,) or (N, 1), not (6, 2); where it holds a 1 for each picture's class, save its"
            " argmax(axis=1)",
        ),
        ({"y": in_turn(6) - 1}, f"y has the label -1; {NUMBERED}"),
        ({"y": np.full(6, 2**64 - 1, np.uint64)}, f"y has the label 18446744073709551615; {NUMBERED}"),
        ({"y": np.zeros(6, int)}, "there must be at least two classes to tell apart, not 1; add pictures of another"),
        (
            {"y": in_turn(6) * 1000},
            "a data set may have at most 100 classes, not 1\u202f001; join some, or number them 0, 1, 2 … without gaps",
        ),
        (
            {"y": in_turn(6) * 2},
            "each class needs at least two pictures in it, one to train on and one to be tested on: class 1 has no"
            " picture; add some, or leave the class out",
        ),
        (
            {"y": [0, 0, 0, 1, 1, 2], "classes": ["cat", "dog"]},
            "labels must be from 0 to 1, as there are 2 classes; y has 2; name every class, or correct the label",
        ),
        (
            {"classes": np.array(["cat", None])},
            "classes must hold text, not Python objects; save np.array([...], dtype=str), or leave it out",
        ),
        ({"classes": ["a" * 300_000]}, "classes may have at most 1\u202f000\u202f000 bytes of text; shorten it"),
    ],
)
def test_what_is_wrong_with_arrays_is_said(tmp_path, arrays, message) -> None:
    refused(save(tmp_path / "a.npz", **{"x": noise(6, 8, 8), "y": in_turn(6), **arrays}), message)


@pytest.mark.parametrize(
    "arrays, message",
    [
        (
            {"x_test": noise(4, 9, 9)},
            "both parts must have pictures of the same (C, H, W): x_train has (1, 8, 8) and x_test (1, 9, 9);"
            " turn and scale one as the other",
        ),
        (
            {"x_test": noise(4, 8, 8, 3)},
            "both parts must have pictures of the same (C, H, W): x_train has (1, 8, 8) and x_test (3, 8, 8);"
            " turn and scale one as the other",
        ),
        (
            {"y_test": [0, 1, 2, 0]},
            "labels must be from 0 to 1, as there are 2 classes; y_test has 2; name every class, or correct the label",
        ),
        (
            {"y_test": [0, 0, 0, 0]},
            "each class needs at least one picture to be tested on: class 1 has no picture;"
            " add some, or leave the class out",
        ),
        (
            {"y_train": [0, 0, 0, 0, 2, 2], "y_test": [0, 1, 2, 0]},
            "each class needs at least one picture to train on: class 1 has no picture;"
            " add some, or leave the class out",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path, arrays, message) -> None:
    given = {"x_train": noise(6, 8, 8), "y_train": in_turn(6), "x_test": noise(4, 8, 8), "y_test": in_turn(4)}
    refused(save(tmp_path / "a.npz", **{**given, **arrays}), message)
