"""What a request about networks speaks of: a network, published or the client's own, and what is changed in it.

{"network": id | document, "policy": {...} | null, "hold": "channels" | "params" | "macs", "edits": {layer: {...}}}
"""

from typing import Any

from app.cache import Kept
from app.documents import KEPT_BYTES, Documents, mark, weight
from app.fields import BadField, Fields, described, placed
from compute.errors import printable
from compute.grouping import MAX_BASE, MIN_BASE
from compute.network import Network
from compute.network.overview import overview
from compute.network.policy import POLICIES, SCOPES, Policy
from compute.network.whatif import HOLDS, Edits, WhatIf, what_if
from compute.networks import load

SUBJECT = ("network", "policy", "hold", "edits")
NUMBERS = ("groups", "width", "base", "scope")
POLICY = ("kind", *NUMBERS)
OVERVIEW = ("network", "hold", "edits", *NUMBERS)
EXAMPLE = '"network": "alexnet-2012", or a document in its place'


class Subject:
    """A network and its variant, and what was asked for; their rows are kept with them."""

    def __init__(self, changed: WhatIf, policy: Policy | None) -> None:
        self.changed, self.policy = changed, policy
        self.original, self.variant = changed.original, changed.variant

    @property
    def is_changed(self) -> bool:
        return self.variant.layers != self.original.layers

    @property
    def label(self) -> str:
        """AlexNet (2012), logarithmic."""
        words = [self.original.name or "a network", *([self.policy.kind] if self.policy else [])]
        return ", ".join([*words, *(["edited"] if self.changed.edited else [])])


class Subjects:
    """Reads subjects and keeps the last few: the table and the chart of one view ask for the same."""

    def __init__(self, documents: Documents) -> None:
        self._documents, self._limits = documents, documents.limits
        self._subjects = Kept[Subject](KEPT_BYTES, lambda subject: weight(subject.original) + weight(subject.variant))

    def of(self, fields: Fields) -> Subject:
        """The subject that a body's members name; raises ApiError and SpecError."""
        key = mark([fields.given.get(name) for name in SUBJECT])
        return self._subjects.get(key, lambda: self._read(fields))

    def overview(self, fields: Fields) -> list[dict[str, Any]]:
        """Every policy at once, with the numbers that the body's members name; raises ApiError and SpecError."""
        hold = fields.choice("hold", "channels", HOLDS)
        edits = _edits(fields.given.get("edits"))
        network = self._network(fields.any("network", EXAMPLE))
        return overview(network, self._numbers(fields), hold, edits, self._limits)

    def _read(self, fields: Fields) -> Subject:
        network = self._network(fields.any("network", EXAMPLE))
        policy = self._policy(fields.given.get("policy"))
        hold = fields.choice("hold", "channels", HOLDS)
        edits = _edits(fields.given.get("edits"))
        return Subject(what_if(network, policy, hold, edits, self._limits), policy)

    def _network(self, value: Any) -> Network:
        if isinstance(value, str):
            return load(value)
        if isinstance(value, dict):
            return self._documents.read(value)
        rule = f"network must be the id of a published network or a document, not {described(value)}"
        raise BadField(rule, "network", f"such as {EXAMPLE}")

    def _policy(self, value: Any) -> Policy | None:
        if value is None:
            return None
        with placed("policy"):
            fields = Fields(value, "a policy", POLICY)
            fields.any("kind", '"kind": "uniform"')
            return Policy(fields.choice("kind", "none", POLICIES), **self._numbers(fields))

    def _numbers(self, fields: Fields) -> dict[str, Any]:
        """What any kind of policy may read."""
        most = self._limits.channels
        return {
            "groups": fields.whole("groups", Policy.groups, 1, most),
            "width": fields.whole("width", Policy.width, 1, most),
            "base": fields.whole("base", Policy.base, MIN_BASE, MAX_BASE),
            "scope": fields.choice("scope", Policy.scope, SCOPES),
        }


def _edits(value: Any) -> Edits:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadField(f"edits must be an object, not {described(value)}", "edits", 'such as {"conv2": {"groups": 4}}')
    for name, changes in value.items():
        if not isinstance(changes, dict):
            rule = f"the edit of a layer must be an object of its parameters, not {described(changes)}"
            raise BadField(rule, f"edits.{printable(name)}", 'such as {"groups": 4}')
    return value
