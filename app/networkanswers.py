"""Bodies of requests about networks in, finished bytes out: what the calculator's thread runs for each route."""

from typing import Any

import orjson

from app.bodies import parsed
from app.documents import Documents
from app.fields import BadField, Fields, described, placed
from app.figures import NETWORK_UNITS, network_figure
from app.subjects import OVERVIEW, SUBJECT, Subject, Subjects
from app.travel import travelling
from compute.network import analyze, write
from compute.network.code import network_code
from compute.network.memory import DTYPES, OPTIMIZERS, budget, largest_batch, training_memory
from compute.network.placement import MAX_DEVICES, place
from compute.network.whatif import describe
from compute.networks import catalogue, load

NETWORK_METRICS = tuple(NETWORK_UNITS)
COMPARISON = (*SUBJECT, "changed_only")
MEMORY = (*SUBJECT, "batch", "dtype", "optimizer", "budget_gb")
PLACEMENT = (*SUBJECT, "devices")
CURVES = ("series", "metric", "cumulative", "log")
MAX_BATCH, MAX_SERIES, MAX_LABEL = 1_000_000, 8, 200
DEFAULT_BATCH, DEFAULT_BUDGET_GB, DEFAULT_DEVICES = 1, 3, 2  # the memory and the number of AlexNet's cards
EXAMPLE = '"series": [{"network": "alexnet-2012"}]'


class NetworkAnswers:
    """Each method takes what its route was sent and returns the answer's body; raises ApiError and SpecError."""

    def __init__(self, documents: Documents) -> None:
        self._documents, self.subjects = documents, Subjects(documents)

    def listed(self, _: bytes) -> bytes:
        return travelling(catalogue())

    def published(self, name: bytes) -> bytes:
        network = load(name.decode())
        return travelling({"id": name.decode(), **analyze(network), "document": write(network)})

    def analyzed(self, raw: bytes) -> bytes:
        return travelling(analyze(self._documents.read(parsed(raw))))

    def compared(self, raw: bytes) -> bytes:
        fields = Fields(parsed(raw), "a subject", COMPARISON)
        thin = fields.switch("changed_only", False)
        return travelling(describe(self.subjects.of(fields).changed, thin))

    def surveyed(self, raw: bytes) -> bytes:
        return travelling(self.subjects.overview(Fields(parsed(raw), "a request for every policy", OVERVIEW)))

    def remembered(self, raw: bytes) -> bytes:
        fields = Fields(parsed(raw), "a request about memory", MEMORY)
        batch = fields.whole("batch", DEFAULT_BATCH, 1, MAX_BATCH)
        dtype = fields.choice("dtype", DTYPES[0], DTYPES)
        optimizer = fields.choice("optimizer", OPTIMIZERS[0], OPTIMIZERS)
        available = budget(fields.given.get("budget_gb", DEFAULT_BUDGET_GB))
        subject = self.subjects.of(fields)
        sides = {
            side: {
                **training_memory(network, batch, dtype, optimizer),
                "largest_batch": largest_batch(network, available, dtype, optimizer),
            }
            for side, network in (("original", subject.original), ("variant", subject.variant))
        }
        return travelling({"budget_bytes": available, **sides})

    def placed(self, raw: bytes) -> bytes:
        fields = Fields(parsed(raw), "a request about devices", PLACEMENT)
        devices = fields.whole("devices", DEFAULT_DEVICES, 1, MAX_DEVICES)
        return travelling(place(self.subjects.of(fields).variant, devices))

    def written(self, raw: bytes) -> bytes:
        return network_code(self._subject(raw).variant).encode()

    def documented(self, raw: bytes) -> bytes:
        return orjson.dumps(write(self._subject(raw).variant))

    def drawn(self, raw: bytes) -> bytes:
        fields = Fields(parsed(raw), "a request for curves", CURVES)
        metric = fields.choice("metric", "macs", NETWORK_METRICS)
        cumulative, log = fields.switch("cumulative", False), fields.switch("log", True)
        return travelling(network_figure(self._series(fields.any("series", EXAMPLE)), metric, cumulative, log))

    def _subject(self, raw: bytes) -> Subject:
        return self.subjects.of(Fields(parsed(raw), "a subject", SUBJECT))

    def _series(self, value: Any) -> list[dict[str, Any]]:
        """A network as it is, beside a change of it, is drawn as the reference of that change."""
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_SERIES:
            rule = f"series must be a list of 1 to {MAX_SERIES} subjects, not {described(value)}"
            raise BadField(rule, "series", f"such as {EXAMPLE}")
        lines = []
        for index, entry in enumerate(value):
            with placed(f"series[{index}]"):
                fields = Fields(entry, "a series", (*SUBJECT, "label"))
                subject = self.subjects.of(fields)
                lines.append((subject, fields.text("label", subject.label, MAX_LABEL)))
        changed = [subject.original for subject, _ in lines if subject.is_changed]
        return [
            {
                "label": label,
                "rows": subject.changed.rows,
                "reference": not subject.is_changed and subject.original in changed,
            }
            for subject, label in lines
        ]
