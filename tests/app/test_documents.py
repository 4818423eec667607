"""Networks of a client's own that are kept: by what they mean, and for as long as their weight allows."""

from typing import Any

from app.documents import KEPT_BYTES, Documents, mark, weight
from app.settings import Settings
from compute.network import read


def document(groups: int, height: int = 1) -> dict[str, Any]:
    sizes = [[1, 1]] * groups
    conv = {
        "kind": "Conv2d",
        "out_channels": groups,
        "kernel_size": 1,
        "grouping": {"scheme": "custom", "sizes": sizes},
    }
    return {"input_shape": [groups, height, 1], "layers": [conv]}


def test_one_meaning_is_read_once() -> None:
    documents = Documents(Settings())
    once = document(4)
    assert documents.read(once) is documents.read(dict(reversed(once.items())))
    assert documents.read(once) is not documents.read(document(4, height=2))


def test_a_key_is_short_however_long_the_document() -> None:
    assert len(mark(document(60_000))) == 32


def test_groups_and_inputs_weigh_too() -> None:
    assert weight(read(document(1))) == 2000 + 3000 + 300
    assert weight(read(document(60_000))) == 2000 + 3000 + 60_000 * 300
    relu = {"kind": "ReLU"}
    joined = read({"layers": [relu, {"kind": "Add", "inputs": ["input"] * 64}]})
    assert weight(joined) == 2000 + 2 * 3000 + 64 * 150


def test_of_networks_with_many_groups_few_are_kept() -> None:
    documents = Documents(Settings())
    first = documents.read(document(42_000))
    assert documents.read(document(42_000)) is first
    documents.read(document(42_000, height=2))
    assert documents.read(document(42_000)) is not first
    assert 2 * weight(first) > KEPT_BYTES > weight(first)
