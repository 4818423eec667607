"""Files of trained networks: what one holds, what it is refused for, and the dense layers it is looked through as."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from compute import Grouping, SpecError
from compute.maps import MapsSpec
from compute.spec import ConvSpec
from compute.stack import StackSpec
from compute.trained import Checkpoint, layout, read, sentence, stack_of, write
from tests.compute.trainedcases import STACK, STACKS, file_of, meta_of, tensors_of
from tests.golden.make import golden_trained


def dense_by_loops(stack: dict[str, Any], tensors: dict[str, Any], module: int) -> Any:
    """(C, C, k_h, k_w) of a module, weight by weight as the format says: group j writes and reads channels
    (start + rotation + i) % C."""
    channels, (k_h, k_w) = stack["in_channels"], stack["kernel_size"]
    grouping = stack_of(stack).grouping
    turn = channels // 4 if stack["mixing"] == "rotated" and module % 2 == 0 else 0
    dense = np.zeros((channels, channels, k_h, k_w), np.float32)
    equal = f"modules.{module}.weight" in tensors
    for j, span in enumerate(grouping.spans):
        for o in range(span.out_channels):
            for i in range(span.in_channels):
                whole = tensors[f"modules.{module}.weight" if equal else f"modules.{module}.weights.{j}"]
                row, column = (span.out_start + o + turn) % channels, (span.in_start + i + turn) % channels
                dense[row, column] = whole[span.out_start + o if equal else o, i]
    return dense


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("image_channels", [1, 3])
def test_a_network_is_read_as_it_was_written(name: str, image_channels: int) -> None:
    stack = STACKS[name]
    tensors = tensors_of(stack, image_channels)
    found = read(write(tensors, meta_of(stack, image_channels)), "here")
    assert (found.id, found.channels, found.modules) == ("here", stack["in_channels"], stack["modules"])
    assert (found.image_channels, list(found.kernel_size)) == (image_channels, stack["kernel_size"])
    every, total = range(found.channels), found.channels
    for module in range(1, found.modules + 1):
        dense = dense_by_loops(stack, tensors, module)
        assert np.array_equal(found.block(module, every, every), dense)
        for rows, columns in (
            (range(3, 9), range(2, 11)),
            (range(total - 1, total), range(1)),
            (range(5), range(4, 5)),
        ):
            part = dense[rows.start : rows.stop, columns.start : columns.stop]
            assert np.array_equal(found.block(module, rows, columns), part)
        turn = found.spec.rotation(module)
        assert np.array_equal(found.bias(module, every), np.roll(tensors[f"modules.{module}.bias"], turn))
        assert np.array_equal(found.bias(module, range(2, 5)), np.roll(tensors[f"modules.{module}.bias"], turn)[2:5])
    assert np.array_equal(found.stem_weight(range(4)), tensors["stem.weight"][:4])
    assert np.array_equal(found.stem_bias(range(4)), tensors["stem.bias"][:4])
    head = found.head()
    assert head is not None
    assert np.array_equal(head[0], tensors["head.weight"])
    if stack["mixing"] == "pointwise":
        assert np.array_equal(found.pointwise(2), tensors["mix.2.weight"])


def test_the_layout_names_every_tensor_with_its_shape() -> None:
    assert layout(STACKS["uneven-logarithmic"], 1) == {
        "stem.weight": (13, 1, 3, 3),
        "stem.bias": (13,),
        **{
            name.format(module): shape
            for module in (1, 2, 3)
            for name, shape in {
                "modules.{}.weights.0": (6, 6, 3, 3),
                "modules.{}.weights.1": (3, 3, 3, 3),
                "modules.{}.weights.2": (4, 4, 3, 3),
                "modules.{}.bias": (13,),
            }.items()
        },
        "head.weight": (10, 13),
        "head.bias": (10,),
    }
    pointwise = layout(STACKS["pointwise"], 3, 0)
    assert list(pointwise) == [
        "stem.weight", "stem.bias", "modules.1.weight", "modules.1.bias", "mix.2.weight", "modules.2.weight",
        "modules.2.bias", "mix.3.weight", "modules.3.weight", "modules.3.bias",
    ]  # fmt: skip
    assert (pointwise["modules.1.weight"], pointwise["mix.2.weight"]) == ((12, 1, 5, 3), (12, 12, 1, 1))


def test_equal_networks_are_equal_files() -> None:
    assert file_of(STACK) == file_of(STACK)
    assert file_of(STACK) != file_of(STACK, seed=1)


def test_what_is_kept_cannot_be_written_into() -> None:
    found = read(file_of(STACK), "here")
    with pytest.raises(ValueError, match="read-only"):
        found.stem_weight(range(2))[:] = 0


def test_the_sentence_says_data_accuracy_and_date() -> None:
    found = read(file_of(STACK), "here")
    assert sentence(found.meta) == "Fashion-MNIST, 86.4 % of 2,000 test images, 25 November 2026"
    assert found.sentence == sentence(found.meta)
    nothing = read(own(STACK), "here", STACK)
    assert sentence(nothing.meta) == "its file names neither data nor accuracy"


def own(stack: dict[str, Any], **differs: Any) -> bytes:
    """A file without metadata, as somebody else's program writes it."""
    tensors = {**tensors_of(stack), **differs}
    return save({name: tensor for name, tensor in tensors.items() if tensor is not None})


def test_a_file_without_metadata_is_the_stack_it_is_said_to_be() -> None:
    without_head = own(STACK, **{"head.weight": None, "head.bias": None})
    found = read(without_head, "here", STACK)
    assert found.head() is None
    assert found.meta["data"]["mean"] == [0.449]
    assert not found.meta["data"]["named"]
    with pytest.raises(SpecError, match="no `groupscope`, which names the stack"):
        read(without_head, "here")


def test_half_precision_is_read_as_float32() -> None:
    tensors = {name: tensor.astype(np.float16) for name, tensor in tensors_of(STACK).items()}
    found = read(save(tensors), "here", STACK)
    assert found.stem_weight(range(12)).dtype == np.float32
    assert np.array_equal(found.stem_weight(range(12)), tensors["stem.weight"].astype(np.float32))


def changed(name: str, value: Any) -> bytes:
    tensors = tensors_of(STACK)
    tensors[name] = value(tensors[name])
    return save(tensors, {"groupscope": json.dumps(meta_of(STACK))})


def with_meta(**facts: Any) -> bytes:
    return save(tensors_of(STACK), {"groupscope": json.dumps({**meta_of(STACK), **facts})})


def holding(value: float) -> Any:
    def put(tensor: Any) -> Any:
        tensor = tensor.copy()
        tensor.flat[0] = value
        return tensor

    return put


def pickled() -> bytes:
    buffer = io.BytesIO()
    torch.save({"stem.weight": torch.zeros(1)}, buffer)
    return buffer.getvalue()


def archived() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(1))
    return buffer.getvalue()


BAD = {
    "empty": (b"", "it is empty"),
    "torch": (pickled(), "it is a pickle or an archive (.pt, .pth, .npz), and those are never opened"),
    "npz": (archived(), "it is a pickle or an archive (.pt, .pth, .npz), and those are never opened"),
    "pickle": (pickle.dumps({"a": 1}), "it is a pickle or an archive (.pt, .pth, .npz), and those are never opened"),
    "text": (b"hello, I am a file of words and no more", "it can't be read as safetensors"),
    "short": (b"\x01", "it can't be read as safetensors"),
    "truncated": (file_of(STACK)[:-100], "it can't be read as safetensors"),
    "missing": (own(STACK, **{"modules.2.bias": None}), "modules.2.bias is missing"),
    "no-stem": (own(STACK, **{"stem.weight": None}), "stem.weight is missing"),
    "half-a-head": (own(STACK, **{"head.bias": None}), "head.bias is missing"),
    "unexpected": (own(STACK, extra=np.zeros(1, np.float32)), "extra is not part of this network"),
    "shape": (
        changed("modules.1.weight", lambda t: t[:, :6].copy()),
        "modules.1.weight must be (12, 12, 3, 3), not (12, 6, 3, 3)",
    ),
    "rank": (changed("stem.bias", lambda t: t[None].copy()), "stem.bias must be (12,), not (1, 12)"),
    "stem": (
        changed("stem.weight", lambda t: np.repeat(t, 4, 1)),
        "stem.weight must be (channels, 1 or 3, 3, 3), not (12, 4, 3, 3)",
    ),
    "nan": (changed("modules.3.bias", holding(np.nan)), "modules.3.bias has a value that is not finite"),
    "infinity": (changed("head.weight", holding(np.inf)), "head.weight has a value that is not finite"),
    "double": (
        changed("stem.bias", lambda t: t.astype(np.float64)),
        "stem.bias must be of float32 or float16, not F64",
    ),
    "no-json": (save(tensors_of(STACK), {"groupscope": "{"}), "its metadata are no JSON"),
    "nan-in-json": (with_meta(accuracy=float("nan")), "its metadata are no JSON"),
    "a-list": (save(tensors_of(STACK), {"groupscope": "[]"}), "its metadata are no JSON object"),
    "deep": (save(tensors_of(STACK), {"groupscope": "[" * 100_000}), "its metadata are no JSON"),
    "format": (with_meta(format=2), "its format must be 1, not 2"),
    "no-stack": (with_meta(stack=None), "its metadata name no stack"),
    "half-a-stack": (with_meta(stack={"in_channels": 12}), "the stack in its metadata can't be: a stack needs scheme"),
    "bad-stack": (with_meta(stack={**STACK, "scheme": "uniform", "groups": 5}), "12 % 5 = 2"),
    "huge-stack": (with_meta(stack={**STACK, "in_channels": 10**12, "scheme": "depthwise"}), "from 1 to 4096"),
    "words-for-numbers": (with_meta(stack={**STACK, "modules": "many"}), "modules must be a whole number"),
    "kernel": (with_meta(stack={**STACK, "kernel_size": 4}), "keep the size"),
    "accuracy": (with_meta(accuracy=86.4), "`accuracy` in its metadata is no share from 0 to 1"),
    "date": (with_meta(date="yesterday"), "`date` in its metadata is no date such as 2026-11-25"),
    "data": (with_meta(data=[1]), "`data` in its metadata is no object"),
    "colour": (with_meta(data={**meta_of(STACK)["data"], "channels": 3}), "its data have 3 channels"),
    "std": (with_meta(data={**meta_of(STACK)["data"], "std": [0]}), "a deviation of its data is not above 0"),
    "mean": (with_meta(data={**meta_of(STACK)["data"], "mean": [0, 0]}), "`mean` of its data must be 1 numbers"),
    "name": (with_meta(name=["a"]), "`name` in its metadata is no text"),
    "classes": (with_meta(data={**meta_of(STACK)["data"], "classes": ["one"]}), "head.weight must be (1, 12), not (3,"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_network_is_refused_in_one_sentence(name: str) -> None:
    raw, rule = BAD[name]
    with pytest.raises(SpecError) as refusal:
        read(raw, "here", STACK)
    assert refusal.value.field == "checkpoint"
    assert rule in refusal.value.message
    assert "\n" not in refusal.value.message


def test_what_could_not_be_read_is_not_written() -> None:
    tensors = tensors_of(STACK)
    del tensors["stem.bias"]
    with pytest.raises(SpecError, match=r"stem\.bias is missing"):
        write(tensors, meta_of(STACK))


def test_text_that_does_not_print_does_not_come_out() -> None:
    assert read(with_meta(name="a\x00b\n" + 200 * "c"), "here").meta["name"].startswith("a�b�ccc")


@pytest.fixture(scope="module")
def uniform() -> Checkpoint:
    return read(file_of(STACKS["uniform"]), "here")


def seen(found: Checkpoint, **differs: Any) -> StackSpec:
    facts = {**STACKS["uniform"], **differs}
    return stack_of(facts, found.id, 64)


@pytest.mark.parametrize(
    "differs, field",
    [
        ({"in_channels": 24}, "in_channels"),
        ({"kernel_size": [5, 5]}, "kernel_size"),
        ({"modules": 4}, "modules"),
        ({"mixing": "pointwise"}, "mixing"),
    ],
)
def test_weights_that_a_network_does_not_have_are_refused(
    uniform: Checkpoint, differs: dict[str, Any], field: str
) -> None:
    with pytest.raises(SpecError) as refusal:
        uniform.check(seen(uniform, **differs))
    assert refusal.value.field == field
    assert refusal.value.hint


def test_any_grouping_may_be_laid_over_a_network(uniform: Checkpoint) -> None:
    for differs in ({}, {"in_channels": 6}, {"scheme": "standard"}, {"mixing": "rotated"}, {"modules": 1}):
        uniform.check(seen(uniform, **differs))


def layer(found: Checkpoint, **differs: Any) -> MapsSpec:
    conv = ConvSpec(Grouping.uniform(12, 12, 3), height=64, width=64)
    return MapsSpec(conv, weights="trained", checkpoint=found.id, **{"relu": False, **differs})


def test_differences_are_named(uniform: Checkpoint) -> None:
    assert uniform.differs(uniform.spec) == []
    assert uniform.differs(layer(uniform)) == []
    assert uniform.differs(layer(uniform, relu=True)) == ["ReLU on, trained with off, for what enters is added first"]
    assert uniform.differs(seen(uniform, scheme="logarithmic", groups=2, base=3, modules=2, residual=False)) == [
        "split logarithmic into 2 groups of base 3, trained with uniform into 3 groups",
        "modules 2, trained with 3",
        "residual off, trained with on",
    ]
    assert uniform.differs(seen(uniform, downsample="none")) == ["downsampling none, trained with max every 1"]
    assert uniform.differs(seen(uniform, scheme="custom", sizes=[[4, 4]] * 3)) == []


def test_the_page_and_the_server_call_differences_alike() -> None:
    """The table that the page's own words are held to is what is said here."""
    kept = json.loads((Path(__file__).parents[1] / "golden" / "trained.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(golden_trained()))
    assert sum(row["differences"] == [] for row in kept) == 5
