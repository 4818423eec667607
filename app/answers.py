"""Answers of the engine's process as bytes: safetensors files with what is said about their numbers, arrays, JSON."""

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save

from app.questions import (
    LayerMaps,
    Question,
    StackEnergy,
    StackInk,
    StackMaps,
    StackPixel,
    StackQuestion,
    StackRedundancy,
    StackScale,
)
from app.travel import travelling
from compute.describe import describe_groups
from compute.stack import describe_group

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

    from compute.run import FeatureMaps, Runner
    from compute.stackrun import StackRunner


class Answerer:
    """Runs a question on the device. One thread at a time."""

    def __init__(self, runner: "Runner", stacks: "StackRunner") -> None:
        self._runner, self._stacks = runner, stacks
        self._device = {name: runner.describe()[name] for name in ("compute_dtype", "device")}

    def __call__(self, image: "Callable[[], Image.Image]", key: str, question: Question) -> bytes:
        """The body of the answer. Raises SpecError, FileNotFoundError, RuntimeError."""
        match question:
            case LayerMaps(spec, sent):
                made = self._runner.feature_maps(image, key, spec, sent.channels, sent.tile, sent.dtype)
                return self._maps(made, {"groups": json.dumps(describe_groups(spec.conv))})
            case StackMaps():
                return self._stack_maps(image, key, question)
        pair: dict[str, Any] = {"other": question.other, "side": question.side}
        asked = image, key, question.spec
        match question:
            case StackEnergy():
                return travelling(self._stacks.energy(*asked, **pair))
            case StackScale():
                return travelling(self._stacks.rms(*asked))
            case StackInk():
                return travelling(self._stacks.ink(*asked, question.dye, **pair))
            case StackPixel(module=module, channel=channel, row=row, column=column):
                pixel = self._stacks.pixel(*asked, module, channel, row, column, **pair)
                return self._file({"patch": pixel.patch, "kernel": pixel.kernel}, pixel.facts)
            case StackRedundancy(module=module):
                found = self._stacks.redundancy(*asked, module, **pair)
                facts = {**found.facts, **_groups(question, module)}
                return self._file({"correlation": found.correlation, "covariance": found.covariance}, facts)
        raise TypeError(f"nobody answers {type(question).__name__}")

    def _stack_maps(self, image: "Callable[[], Image.Image]", key: str, question: StackMaps) -> bytes:
        sent = question.sent
        made = self._stacks.maps(
            image,
            key,
            question.spec,
            question.module,
            other=question.other,
            side=question.side,
            point=question.point,
            dye=question.dye,
            dyed=question.dyed,
            channels=sent.channels,
            tile=sent.tile,
            dtype="float32" if question.npy else sent.dtype,
        )
        if question.npy:
            buffer = io.BytesIO()
            np.save(buffer, made.maps, allow_pickle=False)
            return buffer.getvalue()
        facts = {"module": question.module, "point": question.point, "side": question.side}
        facts |= _groups(question, question.module)
        return self._maps(made, {name: _text(value) for name, value in facts.items()})

    def _maps(self, made: "FeatureMaps", metadata: dict[str, str]) -> bytes:
        told = {
            "stats": json.dumps(made.stats),
            "channels": "{}:{}".format(*made.channels),
            "shape": json.dumps(made.shape),
            "averaged": str(made.averaged),
            **self._device,
        }
        return save({"maps": made.maps, "scale": made.scale, "offset": made.offset}, {**metadata, **told})

    def _file(self, tensors: dict[str, Any], facts: dict[str, Any]) -> bytes:
        arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        return save(arrays, {**{name: _text(fact) for name, fact in facts.items()}, **self._device})


def _groups(question: StackQuestion, module: int) -> dict[str, Any]:
    """The split that made the maps, and by how many channels it was moved: a difference is told by side a's."""
    grouping = question.spec.grouping
    if question.side == "b" and question.other is not None:
        grouping = question.other
    return {"groups": [describe_group(span) for span in grouping.spans], "rotation": question.spec.rotation(module)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, allow_nan=False)
