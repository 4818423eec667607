"""Stacks whose values grow beyond what float32 can square: every number answered is finite, null, or refused."""

import math
from dataclasses import replace
from typing import Any

import httpx2
import numpy as np
import pytest
from torch import Tensor

from app.answers import Answerer
from app.questions import (
    Sent,
    StackEnergy,
    StackInk,
    StackMaps,
    StackPixel,
    StackQuestion,
    StackRedundancy,
    StackScale,
)
from app.schemas import Failure, Model
from app.stackschemas import Energies, Ink
from compute.errors import SpecError
from compute.grouping import Grouping
from compute.run import Runner
from compute.stack import Dye, StackSpec
from compute.stackrun import StackRunner
from tests.app.stackanswers import FIRST, got, opened_file, photograph, read


class LoudRunner(Runner):
    """A stem `by` times as strong: what a deep stack would need minutes for."""

    by = 1.0

    def seen(self, *arguments: Any) -> Tensor:
        return super().seen(*arguments) * self.by


LOUD = StackSpec(Grouping.logarithmic(8, 8, 3), modules=3, relu=False, gain="cut", size=16)
QUESTIONS: list[StackQuestion] = [
    StackMaps(LOUD, module=3, sent=Sent(dtype="float32")),
    StackMaps(LOUD, module=3, sent=Sent(tile=4)),
    StackMaps(LOUD, Grouping.uniform(8, 8, 2), "difference", module=2, point="sum"),
    StackMaps(LOUD, side="ink", module=2, point="conv", dye=Dye("patch")),
    StackEnergy(LOUD),
    StackScale(LOUD),
    StackInk(LOUD),
    StackPixel(LOUD, module=2, channel=1, row=3, column=3),
    StackRedundancy(LOUD, module=2),
]
MODELS: dict[type[StackQuestion], type[Model]] = {StackEnergy: Energies, StackInk: Ink}
QUESTIONS += [
    replace(question, spec=replace(LOUD, normalisation=normalisation))
    for question in QUESTIONS
    for normalisation in ("conv", "sum")
]


def answered(answer: Answerer, question: StackQuestion) -> bytes | SpecError:
    try:
        return answer(photograph, "", question)
    except SpecError as error:
        return error


@pytest.mark.parametrize("by", [1e17, 1e20, 1e28, 1e31, 3e38])
def test_no_body_ever_holds_infinity_or_nan(by: float) -> None:
    """Squares pass float32 at 1e19, sums over maps at 1e33, values at 3e38: a number is finite, null, or refused."""
    loud = LoudRunner("cpu")
    loud.by = by
    answer = Answerer(loud, StackRunner(loud))
    for question in QUESTIONS:
        body = answered(answer, question)
        if isinstance(body, SpecError):
            assert (body.field, body.hint) == ("gain", "use gain fan-in, a normalisation or fewer modules")
            assert by >= 1e20 if isinstance(question, StackRedundancy) else by >= 1e28
        elif isinstance(question, StackScale):
            assert len(read(body)) == 4
        elif isinstance(question, StackEnergy | StackInk):
            MODELS[type(question)].model_validate_json(body)
            read(body)
        else:
            tensors, metadata = opened_file(body)
            assert all(np.isfinite(tensor).all() for tensor in tensors.values())
            words = ("device", "compute_dtype", "side", "point", "channels", "averaged")
            for text in (text for name, text in metadata.items() if name not in words):
                read(text)


def test_statistics_of_large_values_are_exact() -> None:
    """Where squares pass the largest float32 number, deviations don't."""
    loud, plain = LoudRunner("cpu"), Runner("cpu")
    loud.by = 2.0**80
    spec = replace(LOUD, bias=False)
    large, small = (StackRunner(r).maps(photograph, "", spec, 3).stats for r in (loud, plain))
    for name in ("min", "max", "mean", "std"):
        np.testing.assert_allclose(large[name], np.array(small[name]) * 2.0**80, rtol=2e-5, err_msg=name)
    assert large["zeros"] == small["zeros"]


def test_a_stack_within_the_limits_can_pass_where_squares_end(http: httpx2.Client) -> None:
    """Sixteen modules of large filters without ReLU multiply what they see by about 40 each."""
    query = {
        "size": 64, "in_channels": 8, "scheme": "depthwise", "kernel_size": 63, "modules": 16, "relu": "false",
        "module": 16,
    }  # fmt: skip
    tensors, metadata = opened_file(got(http, "maps", **query))
    deviations = read(metadata["stats"])["std"]
    assert max(deviations) > 1e19
    assert all(map(math.isfinite, deviations))
    assert np.isfinite(tensors["scale"]).all()
    answer = http.get("/api/stack/redundancy", params={"image": FIRST["id"], **query})
    assert Failure.model_validate_json(answer.content).error.field == "gain"
