"""Networks drawn at random, legal ones and nearly legal ones, through every address that takes one.

Each is answered with counts that agree with themselves, or refused with a field that is there; source that is written
out holds what a client wrote as literals alone.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from app.main import create_app
from app.networkschemas import Analysis, Comparison, Document, Memory, Placement, PolicyLine
from app.schemas import Failure, PlotlyFigure
from app.settings import PROJECT, Settings
from compute.errors import SpecError
from compute.network import read
from compute.network.document import STATED, TOP
from compute.network.kinds import KINDS
from compute.network.policy import POLICIES, SCOPES
from compute.network.whatif import HOLDS
from tests.app.asgi import Answer, post
from tests.app.networkbodies import strict
from tests.app.networksource import strange
from tests.app.test_networks_bad import mutated
from tests.compute.test_code import HOSTILE

APP = create_app(Settings(store=PROJECT / "never-written"))
COUNTS = ("params", "weights", "bias", "macs", "flops", "activations", "weight_bytes", "memory_access_bytes")
MOST_LAYERS = 9

side = st.sampled_from([1, 1, 2, 3, 3, 5])
pairs = side | st.tuples(side, side).map(list)
channels = st.sampled_from([1, 2, 3, 4, 6, 8, 12, 64])
splits = st.one_of(
    st.builds(lambda groups: {"groups": groups}, channels),
    st.builds(
        lambda scheme, groups, base: {"grouping": {"scheme": scheme, "groups": groups, "base": base}},
        st.sampled_from(["standard", "uniform", "logarithmic", "depthwise"]), channels, st.integers(2, 4),
    ),
    st.lists(st.tuples(channels, channels).map(list), min_size=1, max_size=3).map(
        lambda sizes: {"grouping": {"scheme": "custom", "sizes": sizes}}
    ),
)  # fmt: skip
PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    "out_channels": channels, "out_features": channels, "kernel_size": pairs, "stride": pairs,
    "padding": st.integers(0, 3), "dilation": pairs, "bias": st.booleans(), "ceil_mode": st.booleans(),
    "affine": st.booleans(), "output_size": pairs,
    "num_groups": channels, "groups": channels, "size": side, "p": st.sampled_from([0, 0.5, 1e-300, 0.1 + 0.2]),
}  # fmt: skip
MARKUP = ("<script>alert(1)</script>", "__import__('os').system('id')", "{{7*7}}", "=cmd|' /C calc'!A0", "');--")
names = st.sampled_from(
    [name for name in (*HOSTILE, *MARKUP) if name.isprintable() and 0 < len(name) <= 64 and name.strip()]
) | st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20).filter(str.isprintable)


@st.composite
def layers(draw: st.DrawFn, earlier: list[str]) -> dict[str, Any]:
    """One that may fit after those called `earlier`."""
    kind = draw(st.sampled_from([*KINDS, *["Conv2d"] * 6]))
    fields = KINDS[kind].__dataclass_fields__
    needed = {name for name, field in fields.items() if name in PARAMETERS and field.default is field.default_factory}
    own = {
        name: draw(PARAMETERS[name])
        for name in fields
        if name in PARAMETERS and (name in needed or draw(st.booleans()))
    }
    if kind == "Conv2d" and draw(st.booleans()):
        own |= draw(splits)
    if draw(st.booleans()):
        own["name"] = draw(names)
    if KINDS[kind].many:
        own["inputs"] = draw(st.lists(st.sampled_from(["input", *earlier]), min_size=2, max_size=4))
    elif draw(st.integers(0, 3)) == 0:
        own["inputs"] = [draw(st.sampled_from(["input", *earlier]))]
    return {"kind": kind, **own}


@st.composite
def networks(draw: st.DrawFn) -> dict[str, Any]:
    """A legal document: what does not fit is left out as it is drawn."""
    shape = draw(st.sampled_from([[3, 16, 16], [8, 9, 7], [64, 4, 4], [12], [1, 1, 1]]))
    words = draw(
        st.dictionaries(st.sampled_from(["name", "source", "convention"]), st.sampled_from([*HOSTILE, *MARKUP]))
    )
    document: dict[str, Any] = {**words, "input_shape": shape, "layers": []}
    for _ in range(draw(st.integers(1, MOST_LAYERS))):
        earlier = [layer.get("name", f"layer{number}") for number, layer in enumerate(document["layers"], 1)]
        trial = {**document, "layers": [*document["layers"], draw(layers(earlier))]}
        try:
            read(trial)
        except SpecError:
            continue
        document = trial
    return document if document["layers"] else {**document, "layers": [{"kind": "Sigmoid"}]}


policies = st.fixed_dictionaries(
    {"kind": st.sampled_from(POLICIES)},
    optional={"groups": channels, "width": channels, "base": st.integers(2, 64), "scope": st.sampled_from(SCOPES)},
)
utf8 = networks().filter(lambda document: _sendable(document))


@settings(deadline=None, max_examples=60)
@given(utf8)
def test_a_legal_network_is_billed_written_and_read_again(document: dict[str, Any]) -> None:
    bill = strict(Analysis, asked("analyze", document).body)
    for count in COUNTS:
        assert int(bill["totals"][count]) == sum(int(row[count]) for row in bill["rows"])
    written = strict(Document, asked("document", {"network": document}).body)
    assert asked("analyze", written).body == asked("analyze", document).body
    assert strict(Document, asked("document", {"network": written}).body) == written
    source = asked("code", {"network": document}).body.decode()
    compile(source, "network.py", "exec", dont_inherit=True)
    assert strange(source) == []


@settings(deadline=None, max_examples=40)
@given(utf8, st.none() | policies, st.sampled_from(HOLDS))
def test_a_variant_differs_from_its_network_by_what_is_said(
    document: dict[str, Any], policy: dict[str, Any] | None, hold: str
) -> None:
    subject = {"network": document, "policy": policy, "hold": hold}
    answer = post(APP, "/api/networks/whatif", orjson.dumps(subject))
    if answer.status == 422:
        refused(answer, subject)
        return
    told = strict(Comparison, answer.body)
    before, after = told["original"]["totals"], told["variant"]["totals"]
    assert told["original"]["totals"] == orjson.loads(asked("analyze", document).body)["totals"]
    for count in ("params", "macs", "flops", "activations", "memory_access_bytes", "weight_bytes"):
        assert int(told["deltas"][count]) == int(after[count]) - int(before[count])
    variant = strict(Document, asked("document", subject).body)
    assert orjson.loads(asked("analyze", variant).body)["totals"] == after
    assert strange(asked("code", subject).body.decode()) == []


MODELS = {
    "networks/analyze": Analysis, "networks/whatif": Comparison, "networks/policies": list[PolicyLine],
    "networks/memory": Memory, "networks/placement": Placement, "networks/document": Document, "networks/code": None,
    "figures/network": PlotlyFigure,
}  # fmt: skip


@settings(deadline=None, max_examples=120)
@given(utf8.flatmap(mutated), st.sampled_from(list(MODELS)), policies)
def test_what_is_nearly_legal_is_answered_or_refused_by_field(
    document: Any, route: str, policy: dict[str, Any]
) -> None:
    subject: dict[str, Any] = {"network": document}
    if route == "networks/analyze":
        subject = document
    elif route == "networks/policies":
        subject |= {name: value for name, value in policy.items() if name != "kind"}
    elif route == "figures/network":
        subject = {"series": [{**subject, "policy": policy}, subject], "cumulative": True}
    else:
        subject["policy"] = policy
    answer = post(APP, f"/api/{route}", orjson.dumps(subject))
    if answer.status != 200:
        refused(answer, subject)
    elif model := MODELS[route]:
        strict(model, answer.body)
    else:
        assert strange(answer.body.decode()) == []


def test_what_is_strange_in_source_is_noticed() -> None:
    assert strange("import os") == ["Import os"]
    assert strange("self.a(x)\ntorch.save(x)\neval(x)") == ["call torch.save", "call eval", "name eval"]
    assert strange("lambda: x") == ["Lambda"]
    assert strange("x = nn.ReLU('a')") == ["a string in Assign"]
    assert strange("__import__('os')") == ["call __import__", "name __import__", "a string in Expr"]


def asked(route: str, body: Any) -> Answer:
    answer = post(APP, f"/api/networks/{route}", orjson.dumps(body))
    assert answer.status == 200, (route, answer.body[:400])
    return answer


def refused(answer: Answer, body: Any) -> None:
    """In the one shape, and by a field that is there or could be."""
    assert answer.status in (404, 422), answer.body[:400]
    error = Failure.model_validate_json(answer.body).error
    if error.field is not None:
        known = {
            *TOP,
            *STATED.values(),
            *PARAMETERS,
            *said(body),
            "grouping",
            "sizes",
            "base",
            "scheme",
            "edits",
            "policy",
        }
        known |= {"hold", "series", "kind", "inputs", "network", *(f"layer{n}" for n in range(1, 80))}
        field = re.sub(r"^series\[\d\]\.", "", error.field)
        assert any(field.startswith(_printed(name)) for name in known if name), error.field


def said(value: Any) -> Iterator[str]:
    """Every text within, names of members among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from said(part)
    elif isinstance(value, list):
        for part in value:
            yield from said(part)


def _printed(name: str) -> str:
    """As far as an error repeats it."""
    return "".join(c if c.isprintable() else "�" for c in name[:40])


def _sendable(document: Any) -> bool:
    """JSON has no lone surrogates."""
    try:
        return bool(orjson.dumps(document))
    except TypeError:
        return False
