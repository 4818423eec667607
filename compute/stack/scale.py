"""What keeps the scale of a stack: the same stack under every gain and normalisation."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from compute.maps import GAINS
from compute.stack.spec import NORMALISATIONS, StackSpec


def arms(spec: StackSpec) -> Iterator[StackSpec]:
    """`spec` with each gain and each normalisation that its size allows; trained weights have no gain but their own."""
    for gain in GAINS if spec.weights != "trained" else (spec.gain,):
        for normalisation in NORMALISATIONS:
            if normalisation == "none" or spec.side(spec.modules) > 1:
                yield replace(spec, gain=gain, normalisation=normalisation)


def arm_of(spec: StackSpec, arm: StackSpec) -> dict[str, Any]:
    """How an arm is told; `chosen`: it is the stack that was asked about."""
    return {"gain": arm.gain, "normalisation": arm.normalisation, "chosen": arm == spec}
