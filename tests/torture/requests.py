"""Requests made from what the server says of itself: schemathesis over every address of its OpenAPI document.

Legal ones and illegal ones, alone and one after another along the document's links; every answer is held against the
document. What no client library would send is in tests/torture/lines.py.
"""

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import Interaction, ScenarioRecorder

from app.library import SHIPPED
from tests.app.measured import TINY
from tests.app.trained import QUICK, images
from tests.torture import lines
from tests.torture.report import Row
from tests.torture.served import served

PART = "requests"
LEAST = 5000
LINES_SHARE = 0.15  # of the time is for lines that are no requests
PHASES = ("examples", "coverage", "fuzzing", "stateful")
# Nothing that is asked for takes long: what is tried is how it is asked.
FLAGS = (
    "--max-measure-seconds", "2", "--measure-queue", "4", "--max-train-seconds", "2", "--train-queue", "4",
    "--max-macs", "1000000000", "--max-upload-bytes", "300000",
)  # fmt: skip
# Where what is asked goes on for a while, something that takes less: (its place in a case, what stands there).
LITTLE: dict[str, tuple[str, Any]] = {
    "POST /api/measurements": ("query", TINY),
    "POST /api/trainings": ("query", {**QUICK, "epochs": 1, "width": 4}),
    "POST /api/measurements/network": (
        "body",
        {"network": {"input_shape": [4, 8, 8], "layers": [{"kind": "Conv2d", "out_channels": 4, "kernel_size": 3}]},
         "policy": {"kind": "uniform", "groups": 2}, "rounds": 5},
    ),
}  # fmt: skip
BUSY = ("busy", "starting", "connections")  # codes of a 503 that is the client's fault, or nobody's
EVENTS, SECONDS = 3, 30  # of a stream, and of any answer: what is read at most
SHOWN = 300  # characters of what was found


@dataclass
class Seen:
    """phases, statuses: cases. good: addresses that were answered 2xx. failures: what did not hold, each told once."""

    phases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    addresses: set[str] = field(default_factory=set)
    good: set[str] = field(default_factory=set)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return self.phases.total()


def run(seconds: float, seed: int) -> list[Row]:
    """As many cases as `seconds` allow."""
    with TemporaryDirectory() as folder, served(*FLAGS, "--data", images(Path(folder))) as server:
        seen = fuzzed(server.url, seed, seconds=seconds * (1 - LINES_SHARE))
        sent = lines.sent(server.port, seed, seconds=seconds * LINES_SHARE)
        crashes = [line for line in server.log.read_text().splitlines() if "Traceback" in line]
    answered = ", ".join(f"{status}: {count}" for status, count in sorted(seen.statuses.items()))
    return [
        _row("cases made from the OpenAPI document", str(seen.cases), f"{LEAST} or more", seen.cases >= LEAST),
        *(Row(PART, f"of these in the phase {phase}", str(seen.phases[phase])) for phase in PHASES),
        Row(PART, "addresses with a method, and those answered 2xx", f"{len(seen.addresses)}, {len(seen.good)}"),
        Row(PART, "cases by status", answered),
        _none("answers that are not as documented, or 5xx but busy", seen.failures.values()),
        Row(PART, "lines no client would send", str(sent.count)),
        _none("of these answered by a 5xx, by a file, or not at all", sent.failures),
        _none("crashes in the log", crashes),
    ]


def fuzzed(
    url: str, seed: int, seconds: float | None = None, examples: int | None = None, phases: Iterable[str] = PHASES
) -> Seen:
    """examples: cases of each address and way in the last two phases; None: until `seconds` are over."""
    _send_real_files()
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", config=_config(seed, seconds, examples, set(phases)))
    schema.hook("map_case")(_with_little_work)
    seen = Seen()
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                seen.phases[event.phase.value] += len(event.recorder.interactions)
                _look(seen, event.recorder)
            case events.NonFatalError():
                seen.failures[event.label, event.info.title] = event.info.message[:SHOWN]
            case events.FatalError():
                raise event.exception
    return seen


def _with_little_work(context: schemathesis.HookContext, case: schemathesis.Case) -> schemathesis.Case:
    """Hardly any legal measurement or training by chance is short enough to be taken: every second one is."""
    little = LITTLE.get(case.operation.label)
    legal = case.meta is not None and case.meta.generation.mode.is_positive
    if little and legal and len(repr(case.query) + repr(case.body)) % 2:
        place, value = little
        setattr(case, place, value)
    return case


def _config(seed: int, seconds: float | None, examples: int | None, phases: set[str]) -> schemathesis.Config:
    generation: dict[str, Any] = {"database": "none", "no-shrink": True, "deterministic": examples is not None}
    if examples:
        generation["max-examples"] = examples
    told: dict[str, Any] = {
        "seed": seed,
        "workers": 1,
        "request-timeout": SECONDS,
        "max-stream-events": EVENTS,
        "continue-on-failure": True,
        "cache": {"enabled": False},
        "generation": generation,
        "phases": {phase: {"enabled": phase in phases} for phase in PHASES},
        "checks": {
            "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", 503, 507]},  # see _overdone
            "negative_data_rejection": {"expected-statuses": ["4xx", 503, 507]},
            # Rules between two parameters (groups divide channels) and what a request costs are in no JSON schema.
            "positive_data_acceptance": {"enabled": False},
        },
    }
    if seconds is not None:
        told["max-time"] = max(1, int(seconds))
    return schemathesis.Config.from_dict(told)


def _look(seen: Seen, recorder: ScenarioRecorder) -> None:
    for case_id, interaction in recorder.interactions.items():
        label = recorder.cases[case_id].value.operation.label
        seen.addresses.add(label)
        if interaction.response is None:
            seen.failures[label, "no answer"] = str(interaction.request.uri)[:SHOWN]
            continue
        status = interaction.response.status_code
        seen.statuses[status] += 1
        if status < 300:
            seen.good.add(label)
        if wrong := _overdone(interaction):
            seen.failures[label, wrong] = str(interaction.request.uri)[:SHOWN]
    for label, title, sample in _failed(recorder):
        seen.failures.setdefault((label, title), sample[:SHOWN])


def _overdone(interaction: Interaction) -> str | None:
    """A 503 or 507 of a server that is not busy."""
    answer = interaction.response
    if answer is None or answer.status_code < 500:
        return None
    code = json.loads(answer.content or b"{}").get("error", {}).get("code")
    return None if code in BUSY else f"{answer.status_code} {code}"


def _failed(recorder: ScenarioRecorder) -> Iterator[tuple[str, str, str]]:
    """(address, what, how to see it) of each check that failed."""
    for nodes in recorder.checks.values():
        for node in nodes:
            if node.failure_info is not None:
                failure = node.failure_info.failure
                yield failure.operation, f"{failure.title}: {failure.message}", node.failure_info.code_sample


def _send_real_files() -> None:
    """Beside random bytes: a picture that can be decoded, a network that can be looked through, and halves of them."""
    png, network = io.BytesIO(), (SHIPPED / "fashion-standard.safetensors").read_bytes()
    Image.effect_noise((40, 30), 64).convert("RGB").save(png, "PNG")
    real = st.sampled_from([png.getvalue(), network, png.getvalue()[:900], network[:20_000], network + b"\0"])
    schemathesis.openapi.format("binary", real | st.binary(max_size=500))
    schemathesis.openapi.media_type("application/octet-stream", real | st.binary(max_size=500))


def _row(what: str, seen: str, limit: str, held: bool) -> Row:
    return Row(PART, what, seen, limit, held)


def _none(what: str, found: Iterable[str]) -> Row:
    several = list(found)
    figure = "; ".join([str(len(several)), *several[:3]])
    return _row(what, figure, "0", not several)
