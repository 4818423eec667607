"""Fashion-MNIST: the 12,000 of its pictures that ship with the project, and how the full set is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from compute.datasets.images import Images, assembled
from compute.formulas import digits

ID = "fashion-mnist"
NAME = "Fashion-MNIST"
CREDIT = "Fashion-MNIST, © 2017 Zalando SE, MIT licence, https://github.com/zalandoresearch/fashion-mnist"
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
FILE = Path(__file__).parent / "fashion-mnist-12k.npz"  # made by scripts/fashion_subset.py

FULL = "c2df23e9d135ade7af62bf6273886728f606f79e67e066d2485f52ee9d597534"  # digest of all 70,000


def shipped() -> Images:
    """1,000 training and 200 test pictures of each of ten classes, 28 × 28, grey, in the order of the full set."""
    with np.load(FILE, allow_pickle=False) as file:
        train, test = ((file[f"x_{part}"][:, None], file[f"y_{part}"].astype(np.int64)) for part in ("train", "test"))
    each = f"{digits(len(train[0]) // len(CLASSES))} training and {len(test[0]) // len(CLASSES)} test pictures"
    note = f"{each} of each class were drawn by chance from the full set's own two parts"
    return assembled(ID, NAME, CREDIT, CLASSES, train, test, note)


def named(images: Images) -> Images:
    """`images`, with name, credit and classes where it is the full set, whose files hold no words."""
    if images.facts.digest != FULL:
        return images
    return replace(images, facts=replace(images.facts, name=NAME, credit=CREDIT, classes=CLASSES))
