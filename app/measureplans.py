"""What somebody wants measured: which layer under which conditions, what it is called, how long it will take."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.documents import mark
from app.errors import ApiError
from app.fields import Fields
from app.measureparams import CONDITIONS, MAX_BATCH
from app.params import LAYER, Table
from app.query import Values, layer_of
from app.settings import Settings
from app.subjects import SUBJECT, Subject, Subjects
from compute.counts import count_layer
from compute.errors import SpecError
from compute.measure import (
    ASSUMED_GFLOPS,
    DTYPES,
    MAX_ROUNDS,
    MEMORY_FORMATS,
    MIN_ROUNDS,
    ROUNDS,
    AnySpec,
    MeasureSpec,
    NetworkLayer,
    NetworkMeasureSpec,
    estimate,
    label_of,
    promised,
    sizes_text,
)
from compute.network.kinds import Conv2d
from compute.spec import ConvSpec

PAGE = (*LAYER, *CONDITIONS)  # what the page's own query says; each of its panels has a kind of its own
NETWORK = (*SUBJECT, *CONDITIONS)
OTHER_DEVICE = 50  # times what one thread of a CPU does, while nothing was measured


class TooLong(ApiError):
    """The estimate, and the number of rounds that would fit."""

    code = "measurement_too_long"

    def __init__(self, seconds: float, limit: float, rounds: int | None) -> None:
        fewer = f"use at most {rounds} rounds, or" if rounds else f"even {MIN_ROUNDS} rounds are too many:"
        super().__init__(
            f"this would take about {seconds:,.0f} s, and a measurement may take at most {limit:g} s",
            "rounds",
            f"{fewer} a smaller layer or batch",
        )


@dataclass(frozen=True)
class Asked:
    """A measurement somebody asks for. layer: the layer and its conditions in one line; equal texts, equal
    measurements. told: what was sent, as it is kept."""

    spec: AnySpec
    layer: str
    label: str
    told: dict[str, Any] = field(hash=False)

    @property
    def kind(self) -> str:
        return self.spec.kind


@dataclass(frozen=True)
class Standing:
    """What is known of the device. gflops: of dense convolutions, measured where `known`, else supposed."""

    gflops: float
    known: bool

    def seconds(self, spec: AnySpec) -> float:
        return estimate(spec, self.gflops, self.known)


def standing(device: Mapping[str, Any], ceilings: Mapping[str, Any] | None) -> Standing:
    """device: of Engine.device()."""
    if ceilings:
        return Standing(ceilings["conv_gflops"], True)
    cores = device["threads"] if device["device"] == "cpu" else OTHER_DEVICE
    return Standing(ASSUMED_GFLOPS * cores, False)


def device_key(device: Mapping[str, Any]) -> str:
    """Equal keys, comparable times."""
    return f"{device['device']}: {device['name']}, {device['threads']} threads, torch {device['torch']}"


def asked_layer(table: Table, values: Values) -> Asked:
    """Raises SpecError."""
    conv = layer_of(values)
    spec = MeasureSpec(conv, values["kind"], **{name: values[name] for name in CONDITIONS})
    normal = {**values, "groups": conv.grouping.groups}
    ignored = {name for name, scheme in (("base", "logarithmic"), ("sizes", "custom")) if values["scheme"] != scheme}

    def written(names: tuple[str, ...]) -> str:
        return "&".join(f"{name}={table[name].write(normal[name])}" for name in names if normal[name] is not None)

    query = written(tuple(name for name in PAGE if name != "sizes" or name not in ignored))
    layer = written(tuple(name for name in PAGE if name != "rounds" and name not in ignored))
    if spec.kind == "ceilings":
        return Asked(spec, f"dtype={spec.dtype}", f"what the device can do, {spec.dtype}", {"query": query})
    return Asked(spec, layer, layer_label(spec), {"query": query})


def layer_label(spec: MeasureSpec) -> str:
    """64 channels, 3 × 3, on 56 × 56, logarithmic n = 4."""
    conv, grouping = spec.conv, spec.conv.grouping
    a, b = grouping.in_channels, grouping.out_channels
    parts = [
        f"{a} channels" if a == b else f"{a} → {b} channels",
        f"{conv.kernel_size[0]} × {conv.kernel_size[1]}",
        f"on {conv.height} × {conv.width}",
        label_of(grouping),
    ]
    return ", ".join([*parts, *_unusual(spec)])


def _unusual(spec: AnySpec) -> list[str]:
    """The conditions that are not the defaults."""
    return [
        *([f"batch {spec.batch}"] if spec.batch > 1 else []),
        *([spec.dtype] if spec.dtype != DTYPES[0] else []),
        *([spec.memory_format.replace("_", " ")] if spec.memory_format != MEMORY_FORMATS[0] else []),
        *(["forward and backward"] if spec.backward else []),
    ]


def asked_network(fields: Fields, subjects: Subjects) -> Asked:
    """Raises ApiError and SpecError; takes as long as a what-if."""
    conditions: dict[str, Any] = {
        "batch": fields.whole("batch", 1, 1, MAX_BATCH),
        "dtype": fields.choice("dtype", DTYPES[0], DTYPES),
        "memory_format": fields.choice("memory_format", MEMORY_FORMATS[0], MEMORY_FORMATS),
        "backward": fields.switch("backward", False),
        "rounds": fields.whole("rounds", ROUNDS, MIN_ROUNDS, MAX_ROUNDS),
    }
    subject = subjects.of(fields)
    spec = NetworkMeasureSpec(network_layers(subject), subject.original.name, **conditions)
    same = {**conditions, "rounds": None, **{name: fields.given.get(name) for name in SUBJECT}}
    told = {name: value for name, value in fields.given.items() if not isinstance(value, dict) or name != "network"}
    label = ", ".join([subject.label, *_unusual(spec)])
    return Asked(spec, f"network {mark(same).hex()}", label, {"subject": {"network": subject.original.name, **told}})


def network_layers(subject: Subject) -> tuple[NetworkLayer, ...]:
    """Every convolution beside its variant; those of one shape are one, named after the first."""
    found: dict[tuple[ConvSpec, ConvSpec], NetworkLayer] = {}
    pairs = zip(subject.original.convolutions(), subject.variant.convolutions(), strict=True)
    for (layer, kind, shape), (_, other, other_shape) in pairs:
        key = _conv(kind, shape), _conv(other, other_shape)
        known = found.get(key) or NetworkLayer(layer.name, 0, *key)
        found[key] = replace(known, count=known.count + 1)
    return tuple(found.values())


def _conv(kind: Conv2d, shape: tuple[int, ...]) -> ConvSpec:
    channels, height, width = shape
    window = kind.kernel_size, kind.stride, kind.padding, kind.dilation
    return ConvSpec(kind.split.on(channels, kind.out_channels), *window, kind.bias, height, width)


def check_length(spec: AnySpec, known: Standing, settings: Settings) -> float:
    """The estimate in seconds; raises TooLong."""
    seconds, limit = known.seconds(spec), settings.max_measure_seconds
    if seconds > limit:
        rounds = range(MIN_ROUNDS, spec.rounds + 1)
        fits = bisect_right(rounds, limit, key=lambda n: known.seconds(replace(spec, rounds=n)))
        raise TooLong(seconds, limit, rounds[fits - 1] if fits else None)
    return seconds


def check_dtype(dtype: str, dtypes: list[str]) -> None:
    if dtype not in dtypes:
        hint = f"use {' or '.join(dtypes)}"
        raise SpecError(f"{dtype} does not run on this device", "dtype", hint)


def described_arms(spec: MeasureSpec) -> dict[str, Any]:
    """The groupings that are set beside each other, and why others are not."""
    arms, skipped = spec.legal_arms()
    convs = {name: spec.with_grouping(grouping) for name, grouping in arms.items()}
    return {
        "arms": [
            {
                "arm": name,
                "label": label_of(conv.grouping),
                "sizes": sizes_text(conv.grouping),
                "macs": count_layer(conv).macs,
                "promised": promised(conv),
            }
            for name, conv in convs.items()
        ],
        "skipped": skipped,
    }


def summary_of(asked: Asked, result: Mapping[str, Any]) -> str:
    """The point of a result in one sentence."""
    if asked.kind != "layer":
        return str(result["sentence"])
    assert isinstance(asked.spec, MeasureSpec)
    scheme = asked.spec.conv.grouping.scheme
    rows = {row["how"]: row for row in result["rows"] if row["arm"] == scheme}
    if not rows:  # the same sizes under another scheme's name
        return str(result["ranking"]["sentence"])
    best = rows.get("best") or rows["plain"]
    return f"{best['label']}: ×{best['measured']:.2f} at its best, ×{best['promised']:.2f} promised"
