"""compute/datasets against a few lines of NumPy and Pillow each; everything wrong with a data set, in its words."""

import errno
import gzip
import importlib.util
import os
import re
import struct
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from compute.datasets import Limits, read, shipped
from compute.datasets.fashion import CLASSES, FILE
from compute.errors import SpecError

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fashion_subset.py"
FULL = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
WAYS_OUT = "name an .npz file, a folder with the four IDX files, or a folder with one folder of pictures per class"


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def in_turn(count: int, classes: int = 2) -> np.ndarray:
    """0, 1, 0, 1 …"""
    return np.arange(count) % classes


def save(path: Path, **arrays: object) -> Path:
    np.savez_compressed(path, **{name: np.asarray(array) for name, array in arrays.items()})
    return path


def save_idx(folder: Path, x_train, y_train, x_test, y_test, packed: bool = True) -> Path:
    """As http://yann.lecun.com/exdb/mnist/ describes the format."""
    for name, array in zip(IDX, (x_train, y_train, x_test, y_test), strict=True):
        raw = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(raw) if packed else raw)
    return folder


def save_pictures(folder: Path, pictures: dict[str, list[np.ndarray]]) -> Path:
    for name, some in pictures.items():
        (folder / name).mkdir(parents=True)
        for number, pixels in enumerate(some):
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def refused(path: Path, message: str, **options: object) -> None:
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$") as caught:
        read(path, **options)
    assert caught.value.field == "data"
    assert caught.value.hint


# What ships


def test_the_shipped_file_is_what_it_says() -> None:
    with np.load(FILE, allow_pickle=False) as file:
        x_train, y_train, x_test, y_test = (file[name] for name in ("x_train", "y_train", "x_test", "y_test"))
        assert tuple(file["classes"]) == CLASSES
        assert "Zalando" in str(file["credit"])
        assert file["licence"].tolist() == ["MIT"]
    assert x_train.shape == (10_000, 28, 28)
    assert x_test.shape == (2_000, 28, 28)
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert np.unique(y_train, return_counts=True)[1].tolist() == [1000] * 10
    assert np.unique(y_test, return_counts=True)[1].tolist() == [200] * 10
    pictures = [picture.tobytes() for picture in (*x_train, *x_test)]
    assert len(set(pictures)) == 12_000  # none twice, so none in both parts
    assert x_train.mean() / 255 == pytest.approx(0.286, abs=0.003)  # published for the full set: 0.2860 and 0.3530
    assert x_train.std() / 255 == pytest.approx(0.353, abs=0.003)


def test_the_shipped_file_is_small_and_its_licence_lies_beside_it() -> None:
    assert FILE.stat().st_size <= 6_000_000
    notice = FILE.with_suffix(".LICENSE.md").read_text("utf-8")
    assert "The MIT License" in notice
    assert "Copyright © 2017 Zalando SE" in notice


def test_shipped_gives_the_file_as_arrays_to_train_on() -> None:
    images = shipped()
    facts = images.facts
    assert (facts.id, facts.name, facts.classes) == ("fashion-mnist", "Fashion-MNIST", CLASSES)
    assert (facts.channels, facts.side, facts.train, facts.test) == (1, (28, 28), 10_000, 2_000)
    assert facts.digest == "5db4f795063d6c5847afc3654ede52bd361d6a369c49c480473bba8da52624f3"
    with np.load(FILE) as file:
        np.testing.assert_array_equal(images.x_train[:, 0], file["x_train"])
        np.testing.assert_array_equal(images.y_test, file["y_test"])
    for array in (images.x_train, images.y_train, images.x_test, images.y_test):
        assert array.flags.c_contiguous
        assert array.flags.writeable  # torch.from_numpy warns of others
    assert images.y_train.dtype == np.int64


def test_the_file_read_by_name_is_the_same_data() -> None:
    facts = read(FILE).facts
    assert facts.digest == shipped().facts.digest
    assert (facts.id, facts.name, facts.classes) == ("own", "Fashion-MNIST", CLASSES)


# The script that made it


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fashion_subset", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_draw_takes_as_many_of_each_class_and_none_twice(script) -> None:
    labels = in_turn(500, 10)
    places = script.drawn(labels, 7, seed=3)
    assert np.bincount(labels[places]).tolist() == [7] * 10
    assert (np.diff(places) > 0).all()
    assert (places == script.drawn(labels, 7, seed=3)).all()
    assert (places != script.drawn(labels, 7, seed=4)).any()


def test_packed_bytes_are_the_same_each_time_and_numpy_reads_them(script, tmp_path) -> None:
    arrays = {"x_train": noise(3, 8, 8), "classes": np.array(["a", "bc"])}
    body = script.packed(arrays)
    assert body == script.packed(arrays)
    (tmp_path / "a.npz").write_bytes(body)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert file.files == ["x_train", "classes"]
        np.testing.assert_array_equal(file["x_train"], arrays["x_train"])
        assert file["classes"].tolist() == ["a", "bc"]


@pytest.mark.skipif(not FULL.exists(), reason="needs the full Fashion-MNIST")
def test_every_shipped_picture_is_of_the_same_part_of_the_full_set() -> None:
    full, few = read(FULL), shipped()
    assert (full.facts.name, full.facts.classes, full.facts.train) == ("Fashion-MNIST", CLASSES, 60_000)
    for part in ("train", "test"):
        whole, some = (
            {(x.tobytes(), int(y)) for x, y in zip(getattr(s, f"x_{part}"), getattr(s, f"y_{part}"), strict=True)}
            for s in (full, few)
        )
        assert some < whole


# Standardised


def test_both_parts_are_standardised_with_the_numbers_of_the_training_part(tmp_path) -> None:
    x, y = noise(60, 9, 11, 3), in_turn(60)
    x[..., 1] //= 5
    images = read(save(tmp_path / "a.npz", images=x, labels=y))
    scaled = images.x_train / 255
    mean, std = scaled.mean((0, 2, 3)), scaled.std((0, 2, 3))
    np.testing.assert_allclose(images.mean(), mean, rtol=1e-12)
    np.testing.assert_allclose(images.std(), std, rtol=1e-12)
    for part, pixels in (("train", images.x_train), ("test", images.x_test)):
        result = images.standardised(part)
        assert result.dtype == np.float32
        expected = (pixels / 255 - mean[:, None, None]) / std[:, None, None]
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)


def test_a_channel_that_never_changes_becomes_zero(tmp_path) -> None:
    images = read(save(tmp_path / "a.npz", images=np.full((6, 8, 8), 7, np.uint8), labels=in_turn(6)))
    assert images.std() == (1.0,)
    assert np.abs(images.standardised("train")).max() < 1e-6


# .npz


def test_an_npz_shaped_like_cifar_is_read_unchanged(tmp_path) -> None:
    x_train, x_test = noise(20, 32, 32, 3), noise(10, 32, 32, 3, seed=1)
    path = save(
        tmp_path / "cifar.npz",
        x_train=x_train,
        y_train=in_turn(20, 10)[:, None],
        x_test=x_test,
        y_test=in_turn(10, 10)[:, None],
    )
    images = read(path)
    assert images.facts.name == "cifar"
    assert images.facts.classes == tuple("0123456789")
    assert (images.facts.channels, images.facts.side) == (3, (32, 32))
    np.testing.assert_array_equal(images.x_train, x_train.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(images.x_test, x_test.transpose(0, 3, 1, 2))
    assert images.y_train.tolist() == in_turn(20, 10).tolist()


@pytest.mark.parametrize(
    "shape, turned",
    [
        ((12, 9, 11), (12, 1, 9, 11)),
        ((12, 9, 11, 1), (12, 1, 9, 11)),
        ((12, 9, 11, 3), (12, 3, 9, 11)),
        ((12, 1, 9, 11), (12, 1, 9, 11)),
        ((12, 3, 9, 11), (12, 3, 9, 11)),
    ],
)
def test_channels_come_second_wherever_they_were(tmp_path, shape, turned) -> None:
    images = read(save(tmp_path / "a.npz", x=noise(*shape), y=in_turn(12)))
    assert images.x_train.shape[1:] == turned[1:]
    assert len(images.x_train) + len(images.x_test) == 12


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int64", "uint16"])
def test_other_numbers_become_the_same_bytes(tmp_path, kind) -> None:
    x, y = noise(12, 9, 11), in_turn(12)
    given = (x / 255).astype(kind) if kind.startswith("float") else x.astype(kind)
    one, other = (read(save(tmp_path / f"{n}.npz", x=array, y=y)) for n, array in enumerate((x, given)))
    assert one.facts.digest == other.facts.digest


def test_words_of_the_file_are_taken(tmp_path) -> None:
    words = {"classes": ["cat", "dog"], "name": "Pets", "credit": "© nobody"}
    facts = read(save(tmp_path / "a.npz", x=noise(8, 9, 9), y=in_turn(8), **words)).facts
    assert (facts.classes, facts.name, facts.credit) == (("cat", "dog"), "Pets", "© nobody")


# The split


@pytest.mark.parametrize("share", [1 / 6, 0.5, 0.001, 0.999])
def test_the_split_is_stratified_and_parts_share_no_picture(tmp_path, share) -> None:
    y = np.repeat([0, 1, 2], [60, 24, 2])
    path = save(tmp_path / "a.npz", images=noise(86, 8, 8), labels=y)
    images = read(path, seed=5, test_share=share)
    train, test = ({x.tobytes() for x in part} for part in (images.x_train, images.x_test))
    assert not train & test
    assert len(train | test) == 86
    expected = [min(max(round(n * share), 1), n - 1) for n in (60, 24, 2)]
    assert np.bincount(images.y_test).tolist() == expected
    assert np.bincount(images.y_train).tolist() == [n - k for n, k in zip((60, 24, 2), expected, strict=True)]


def test_the_split_belongs_to_its_seed(tmp_path) -> None:
    path = save(tmp_path / "a.npz", images=noise(60, 8, 8), labels=in_turn(60))
    digests = [read(path, seed=seed).facts.digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


def test_labels_stay_with_their_pictures(tmp_path) -> None:
    y = in_turn(60, 3)
    x = np.broadcast_to((y * 60 + 17)[:, None, None], (60, 8, 8)).astype(np.uint8)
    images = read(save(tmp_path / "a.npz", images=x, labels=y))
    for pixels, labels in ((images.x_train, images.y_train), (images.x_test, images.y_test)):
        assert (pixels == (labels * 60 + 17)[:, None, None, None]).all()


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


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_four_idx_files_are_read(tmp_path, packed) -> None:
    x_train, x_test = noise(12, 9, 10), noise(4, 9, 10, seed=1)
    images = read(save_idx(tmp_path, x_train, in_turn(12), x_test, in_turn(4), packed))
    np.testing.assert_array_equal(images.x_train[:, 0], x_train)
    np.testing.assert_array_equal(images.x_test[:, 0], x_test)
    assert images.y_train.tolist() == in_turn(12).tolist()
    assert (images.facts.id, images.facts.name, images.facts.classes) == ("own", tmp_path.name, ("0", "1"))
    assert images.x_train.flags.writeable


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


def test_grey_pictures_of_one_size_are_taken_as_they_are(tmp_path) -> None:
    x = noise(2, 6, 9, 12)
    path = save_pictures(tmp_path / "pets", {"dog": list(x[1]), "cat": list(x[0])})
    (path / ".hidden").mkdir()
    (path / "cat" / "notes.txt").write_text("not a picture")
    images = read(path)
    facts = images.facts
    assert (facts.id, facts.name, facts.classes, facts.note) == ("own", "pets", ("cat", "dog"), "")
    assert (facts.channels, facts.side, facts.train, facts.test) == (1, (9, 12), 10, 2)
    for part, labels in ((images.x_train, images.y_train), (images.x_test, images.y_test)):
        for picture, label in zip(part, labels, strict=True):
            assert any((picture[0] == original).all() for original in x[label])


def test_coloured_pictures_have_three_channels(tmp_path) -> None:
    x = noise(8, 9, 9, 3)
    images = read(save_pictures(tmp_path, {"a": list(x[:4]), "b": list(x[4:])}))
    assert images.facts.channels == 3
    assert {p.tobytes() for p in images.x_train} <= {p.transpose(2, 0, 1).tobytes() for p in x}


def test_a_grey_picture_among_coloured_ones_is_taken_as_coloured_and_it_is_said(tmp_path) -> None:
    grey = np.full((9, 9), 50, np.uint8)
    images = read(save_pictures(tmp_path, {"a": [grey, grey], "b": list(noise(2, 9, 9, 3))}))
    assert images.facts.note == "grey pictures were taken as coloured ones"
    assert (images.x_train[images.y_train == 0] == 50).all()


@pytest.mark.parametrize(
    "sizes, side", [([(20, 30), (12, 40)], 12), ([(100, 130), (90, 200)], 64), ([(80, 80), (80, 80)], 64)]
)
def test_pictures_of_other_sizes_are_cut_and_scaled_and_it_is_said(tmp_path, sizes, side) -> None:
    pictures = [np.full(size, 40 * k, np.uint8) for k, size in enumerate(sizes)]
    for picture, (height, width) in zip(pictures, sizes, strict=True):
        picture[:, : (width - height) // 2] = 255  # outside of the centre square
    images = read(save_pictures(tmp_path, {"a": [pictures[0]] * 2, "b": [pictures[1]] * 2}))
    assert images.facts.side == (side, side)
    assert images.facts.note == f"each picture was cut to its centre square and scaled to {side} × {side}"
    assert (images.x_train[images.y_train == 0][..., side // 2 :] == 0).all()
    assert (images.x_train[images.y_train == 1][..., 1:] == 40).all()


def test_a_rotated_photograph_stands_upright(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.fromarray(noise(10, 20)).save(tmp_path / name / f"{number}.jpg", exif=exif)
    assert read(tmp_path).facts.side == (20, 10)


def test_transparency_is_seen_on_white(tmp_path) -> None:
    clear = np.zeros((8, 8, 4), np.uint8)
    assert (read(save_pictures(tmp_path, {"a": [clear] * 2, "b": [clear] * 2})).x_train == 255).all()


def test_a_link_to_a_class_folder_is_followed_and_a_loop_is_none(tmp_path) -> None:
    save_pictures(tmp_path / "elsewhere", {"a": list(noise(2, 8, 8))})
    path = save_pictures(tmp_path / "set", {"b": list(noise(2, 8, 8))})
    (path / "a").symlink_to(tmp_path / "elsewhere" / "a")
    (path / "loop").symlink_to(path / "loop")
    assert read(path).facts.classes == ("a", "b")
    (path / "up").symlink_to(path)
    refused(
        path,
        "the folder up has no picture in it; put pictures directly in it, such as PNG, JPEG, WEBP,"
        " or leave the class out",
    )


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
        "pictures must have sides of 8 to 64 pixels, c/0.png has 8 × 5; scale the pictures first",
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


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path) -> None:
    path = save(tmp_path / "a.npz", images=noise(6, 8, 8), labels=in_turn(6))
    path.chmod(0)
    with pytest.raises(SpecError, match=r"^a\.npz cannot be read: Permission denied; "):
        read(path)


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
