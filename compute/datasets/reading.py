"""A data set of your own, in whichever of three forms it comes."""

import stat
from collections.abc import Sequence
from pathlib import Path

from compute.datasets import fashion, folder, idx, npz
from compute.datasets.arrays import Array, check_classes, check_each, check_within, labels, pixels
from compute.datasets.images import Images, Labels, Pixels, assembled
from compute.datasets.limits import DEFAULT, WAYS_OUT, DataError, Limits, Unreadable, check_volume, shown
from compute.datasets.split import split

ID = "own"


def read(path: Path, seed: int = 0, test_share: float = 1 / 6, limits: Limits = DEFAULT) -> Images:
    """The data set at `path`: an .npz file, a folder with four IDX files, or a folder of class folders.

    An .npz file with x_train, y_train, x_test and y_test, and IDX files, keep their own two parts. All else is split
    here: `test_share` of each class, drawn by `seed`, is kept back for the test. Raises SpecError, its field "data".
    """
    try:
        mode = path.stat().st_mode
        four = stat.S_ISDIR(mode) and idx.found(path)
    except (OSError, ValueError) as error:
        raise Unreadable(shown(path), error, WAYS_OUT) from error
    if four:
        images = _parted(shown(path), idx.arrays(path, limits), limits)
    elif stat.S_ISDIR(mode):
        found = folder.pictures(path, limits)
        images = _split(shown(path), found.classes, found.x, found.y, seed, test_share, "", found.note)
    elif stat.S_ISREG(mode):
        images = _npz(path, seed, test_share, limits)
    else:
        raise DataError(f"{shown(path)} is neither a file nor a folder", WAYS_OUT)
    return fashion.named(images)


def _npz(path: Path, seed: int, test_share: float, limits: Limits) -> Images:
    arrays = npz.arrays(path, limits)
    name = " ".join(npz.texts(arrays.get("name"))) or shown(path).removesuffix(".npz")
    credit = " ".join(npz.texts(arrays.get("credit"), 200))
    if "x_train" in arrays:
        return _parted(name, arrays, limits, credit)
    x_name, y_name = next(pair for pair in npz.WHOLE if pair[0] in arrays)
    x = pixels(x_name, arrays[x_name], limits)
    y = labels(y_name, arrays[y_name], x_name, len(x))
    classes = _classes(arrays, y, limits)
    check_within(y_name, y, classes)
    check_each(y, classes, 2, "in it, one to train on and one to be tested on")
    return _split(name, classes, x, y, seed, test_share, credit)


def _parted(name: str, arrays: dict[str, Array], limits: Limits, credit: str = "") -> Images:
    """From the two parts of the source."""
    parts: list[tuple[Pixels, Labels]] = []
    for part in ("train", "test"):
        x = pixels(f"x_{part}", arrays[f"x_{part}"], limits)
        parts.append((x, labels(f"y_{part}", arrays[f"y_{part}"], f"x_{part}", len(x))))
    (x_train, y_train), (x_test, y_test) = parts
    if x_train.shape[1:] != x_test.shape[1:]:
        raise DataError(
            f"both parts must have pictures of the same (C, H, W): x_train has {x_train.shape[1:]}"
            f" and x_test {x_test.shape[1:]}",
            "turn and scale one as the other",
        )
    check_volume(len(x_train) + len(x_test), x_train.size + x_test.size, limits)
    classes = _classes(arrays, y_train, limits)
    for part, y, where in (("train", y_train, "to train on"), ("test", y_test, "to be tested on")):
        check_within(f"y_{part}", y, classes)
        check_each(y, classes, 1, where)
    return assembled(ID, name, credit, classes, (x_train, y_train), (x_test, y_test))


def _classes(arrays: dict[str, Array], y: Labels, limits: Limits) -> tuple[str, ...]:
    """As the file names them, else by number."""
    count = int(y.max()) + 1 if "classes" not in arrays else arrays["classes"].size
    check_classes(count, limits)
    return npz.texts(arrays.get("classes")) or tuple(map(str, range(count)))


def _split(
    name: str, classes: Sequence[str], x: Pixels, y: Labels, seed: int, test_share: float, credit: str, note: str = ""
) -> Images:
    train, test = split(y, seed, test_share)
    return assembled(ID, name, credit, classes, (x[train], y[train]), (x[test], y[test]), note)
