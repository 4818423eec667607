"""A trained network in a file: read, checked name by name and shape by shape, and written.

A network is looked through as one dense layer a module that has zeros where its own groups do not connect, so that any
other grouping is laid over it by cutting more.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from compute.errors import SpecError, printable
from compute.grouping import Grouping
from compute.maps import MapsSpec
from compute.spec import Pair
from compute.stack.spec import StackSpec
from compute.trained import facts
from compute.trained.differences import layer_differences, stack_differences
from compute.trained.layout import shapes

Floats = NDArray[np.float32]
DTYPES = {"F32": np.float32, "F16": np.float16}
# How a pickle begins, alone or in the zip archive that torch.save writes.
PICKLED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
SAVE_AGAIN = "write the tensors with safetensors.torch.save_file"
AXES = 4  # of any tensor here
NAMES_SHOWN = 60  # characters of a name that is repeated


class Checkpoint:
    """A network as it was trained. Arrays are float32 and can't be written into; channels count from 0.

    meta: the file's facts in full. spec: the stack it was trained as. channels: of every module. image_channels: 1
    (grey) or 3. nbytes: what it takes in memory. described: its file says itself what stack it is.
    """

    def __init__(
        self,
        checkpoint_id: str,
        meta: dict[str, Any],
        spec: StackSpec,
        tensors: Mapping[str, Floats],
        described: bool = True,
    ) -> None:
        """tensors: as a file for `spec` holds them; `read` makes one from what may be anything."""
        self.id, self.meta, self.spec, self.described = checkpoint_id, meta, spec, described
        self._tensors = dict(tensors)
        for tensor in self._tensors.values():
            tensor.setflags(write=False)
        self._starts = [span.out_start for span in spec.grouping.spans]

    @property
    def channels(self) -> int:
        return self.spec.channels

    @property
    def modules(self) -> int:
        return self.spec.modules

    @property
    def kernel_size(self) -> Pair:
        return self.spec.kernel_size

    @property
    def image_channels(self) -> int:
        return int(self._tensors["stem.weight"].shape[1])

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in self._tensors.values())

    @property
    def sentence(self) -> str:
        """Data, accuracy, date."""
        return facts.sentence(self.meta)

    def block(self, module: int, rows: range, columns: range) -> Floats:
        """(rows, columns, k_h, k_w) of the dense C x C layer of `module`, which counts from 1: output channels `rows`,
        input channels `columns`, 0 where the network has no connection."""
        found = np.zeros((len(rows), len(columns), *self.kernel_size), np.float32)
        for row, outputs in self._unturned(module, rows):
            for column, inputs in self._unturned(module, columns):
                part = found[row : row + len(outputs), column : column + len(inputs)]
                self._fill(part, module, outputs, inputs)
        return found

    def bias(self, module: int, rows: range) -> Floats:
        """(rows,) of the convolution of `module`."""
        whole = self._tensors[f"modules.{module}.bias"]
        return np.concatenate([whole[part.start : part.stop] for _, part in self._unturned(module, rows)])

    def pointwise(self, module: int) -> Floats:
        """(C, C, 1, 1) of the 1 x 1 convolution before `module`, 2 or more."""
        return self._tensors[f"mix.{module}.weight"]

    def stem_weight(self, rows: range) -> Floats:
        """(rows, image channels, 3, 3) over a picture standardised by meta's mean and std."""
        return self._tensors["stem.weight"][rows.start : rows.stop]

    def stem_bias(self, rows: range) -> Floats:
        """(rows,)."""
        return self._tensors["stem.bias"][rows.start : rows.stop]

    def head(self) -> tuple[Floats, Floats] | None:
        """weight (classes, C) and bias (classes,) of the classifier behind the pooling; None where the file has
        none."""
        if "head.weight" not in self._tensors:
            return None
        return self._tensors["head.weight"], self._tensors["head.bias"]

    def check(self, spec: StackSpec | MapsSpec) -> None:
        """Raises SpecError where `spec` asks for weights that the network does not have."""
        grouping, kernel_size = _seen(spec)
        for field in ("in_channels", "out_channels"):
            if getattr(grouping, field) > self.channels:
                raise SpecError(
                    f"the network in the checkpoint has {self.channels} channels, not {getattr(grouping, field)}",
                    field,
                    f"use {self.channels} or fewer",
                )
        if kernel_size != self.kernel_size:
            raise SpecError(
                f"the network in the checkpoint has kernels of {_sized(self.kernel_size)}, not {_sized(kernel_size)}",
                "kernel_size",
                f"use {_sized(self.kernel_size)}",
            )
        if isinstance(spec, MapsSpec):
            return
        if spec.modules > self.modules:
            rule = f"the network in the checkpoint has {self.modules} modules, not {spec.modules}"
            raise SpecError(rule, "modules", f"use {self.modules} or fewer")
        if spec.mixing == "pointwise" and spec.modules > 1 and self.spec.mixing != "pointwise":
            rule = "the network in the checkpoint has no 1 × 1 convolutions between its modules"
            raise SpecError(rule, "mixing", f"use {self.spec.mixing}, as it was trained")

    def differs(self, spec: StackSpec | MapsSpec) -> list[str]:
        """In what `spec` is not the network as trained, a few words each; empty where it is. A MapsSpec is held
        against the convolution of module 1."""
        return layer_differences(self.spec, spec) if isinstance(spec, MapsSpec) else stack_differences(self.spec, spec)

    def _unturned(self, module: int, channels: range) -> Iterator[tuple[int, range]]:
        """The channels as the file counts them, group after group: (how many before, part), one part or two."""
        total, turn = self.channels, self.spec.rotation(module)
        start = (channels.start - turn) % total
        first = min(len(channels), total - start)
        yield 0, range(start, start + first)
        if first < len(channels):
            yield first, range(len(channels) - first)

    def _fill(self, part: Floats, module: int, rows: range, columns: range) -> None:
        """Writes the weights of connections between `rows` and `columns`, both as the file counts them."""
        spans = self.spec.grouping.spans
        for span in spans[max(bisect_right(self._starts, rows.start) - 1, 0) :]:
            if span.out_start >= rows.stop:
                return
            outputs = _common(rows, span.out_start, span.out_channels)
            inputs = _common(columns, span.in_start, span.in_channels)
            if not outputs or not inputs:
                continue
            weight = self._group(module, span.index, span.out_start, span.out_channels)
            part[_within(outputs, rows.start), _within(inputs, columns.start)] = weight[
                _within(outputs, span.out_start), _within(inputs, span.in_start)
            ]

    def _group(self, module: int, index: int, start: int, count: int) -> Floats:
        """(b_j, a_j, k_h, k_w) of group j."""
        if self.spec.grouping.equal:
            return self._tensors[f"modules.{module}.weight"][start : start + count]
        return self._tensors[f"modules.{module}.weights.{index}"]


def read(raw: bytes | Path, checkpoint_id: str, stack: Mapping[str, Any] | None = None) -> Checkpoint:
    """The network in a safetensors file. stack: what it is where its metadata do not say, as layout's. Raises SpecError
    for whatever is no such network; OSError where there is no file to read."""
    raw = raw.read_bytes() if isinstance(raw, Path) else raw
    found = _tensors(raw)
    image_channels = _image_channels(found)
    text = _text(raw)
    meta, spec = facts.checked(facts.parsed(text) if text is not None else _told(stack), image_channels)
    spec = replace(spec, checkpoint=checkpoint_id)
    tensors = _checked(found, spec, image_channels, len(meta["data"]["classes"]))
    return Checkpoint(checkpoint_id, meta, spec, tensors, described=text is not None)


def rewritten(found: Checkpoint, name: str | None = None) -> bytes:
    """A file that says itself what `found` was told to be. name: what it is called from now on."""
    return write(found._tensors, {**found.meta, "name": name or found.meta["name"]})


def write(tensors: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> bytes:
    """A file that `read` reads; equal networks give equal bytes. Raises SpecError where it could not be read again."""
    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in tensors.items()}
    raw = save(arrays, {facts.KEY: json.dumps(meta, ensure_ascii=False, allow_nan=False)})
    read(raw, "new")
    return raw


def _tensors(raw: bytes) -> dict[str, NDArray[Any]]:
    if not raw:
        raise facts.wrong("it is empty")
    if raw.startswith(PICKLED):
        raise facts.wrong("it is a pickle or an archive (.pt, .pth, .npz), and those are never opened", SAVE_AGAIN)
    try:
        entries = deserialize(raw)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise facts.wrong(f"it can't be read as safetensors ({printable(str(error), 100)})", SAVE_AGAIN) from None
    found = {}
    for name, entry in entries:
        if entry["dtype"] not in DTYPES:
            rule = f"{printable(name, NAMES_SHOWN)} must be of float32 or float16, not {printable(entry['dtype'])}"
            raise facts.wrong(rule)
        if not 0 < len(entry["shape"]) <= AXES or not all(entry["shape"]):  # NumPy itself refuses some of these
            shape = _shaped(tuple(entry["shape"]))
            raise facts.wrong(f"{printable(name, NAMES_SHOWN)} must have 1 to {AXES} axes, none of them 0, not {shape}")
        found[name] = np.frombuffer(entry["data"], np.dtype(DTYPES[entry["dtype"]]).newbyteorder("<")).reshape(
            entry["shape"]
        )
    return found


def _text(raw: bytes) -> str | None:
    """Our entry of the metadata. The header begins with its own length: 8 bytes, little-endian."""
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    text: str | None = (header.get("__metadata__") or {}).get(facts.KEY)  # null is none too
    return text


def _told(stack: Mapping[str, Any] | None) -> dict[str, Any]:
    if stack is None:
        raise facts.wrong(f"its metadata have no `{facts.KEY}`, which names the stack")
    return {"format": facts.FORMAT, "stack": dict(stack)}


def _image_channels(found: Mapping[str, NDArray[Any]]) -> int:
    stem = found.get("stem.weight")
    if stem is None:
        raise facts.wrong("stem.weight is missing")
    if stem.ndim != 4 or stem.shape[1] not in (1, 3):
        rule = f"stem.weight must be (channels, 1 or 3, 3, 3), not {_shaped(stem.shape)}"
        raise facts.wrong(rule)
    return int(stem.shape[1])


def _checked(
    found: Mapping[str, NDArray[Any]], spec: StackSpec, image_channels: int, classes: int
) -> dict[str, Floats]:
    """All tensors as float32, each what it must be. A file with a head has as many rows as names of classes, if there
    are any."""
    head = found.get("head.weight")
    rows = (classes or (head.shape[0] if head is not None and head.ndim else 0)) if _has_head(found) else 0
    wanted = shapes(spec, image_channels, rows)
    for name in wanted:
        if name not in found:
            raise facts.wrong(f"{name} is missing")
    for name in found:
        if name not in wanted:
            raise facts.wrong(f"{printable(name, NAMES_SHOWN)} is not part of this network")
    for name, shape in wanted.items():
        if found[name].shape != shape:
            raise facts.wrong(f"{name} must be {_shaped(shape)}, not {_shaped(found[name].shape)}")
        if not np.isfinite(found[name]).all():
            raise facts.wrong(f"{name} has a value that is not finite")
    return {name: np.array(found[name], np.float32) for name in wanted}


def _has_head(found: Mapping[str, NDArray[Any]]) -> bool:
    return "head.weight" in found or "head.bias" in found


def _seen(spec: StackSpec | MapsSpec) -> tuple[Grouping, Pair]:
    return (
        (spec.conv.grouping, spec.conv.kernel_size) if isinstance(spec, MapsSpec) else (spec.grouping, spec.kernel_size)
    )


def _common(channels: range, start: int, count: int) -> range:
    return range(max(channels.start, start), min(channels.stop, start + count))


def _within(part: range, start: int) -> slice:
    return slice(part.start - start, part.stop - start)


def _sized(kernel_size: Pair) -> str:
    return "{} × {}".format(*kernel_size)


def _shaped(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape[:6]))}{',' if len(shape) == 1 else ', …' if len(shape) > 6 else ''})"
