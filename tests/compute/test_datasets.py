"""compute/datasets against a few lines of NumPy and Pillow each: what ships, how it was made, and what is read."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from compute.datasets import read, shipped
from compute.datasets.fashion import CLASSES, FILE
from tests.compute.datasetcases import in_turn, noise, refused, save, save_idx, save_pictures

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fashion_subset.py"
FULL = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist


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


@pytest.mark.fullset
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
