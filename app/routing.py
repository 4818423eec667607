"""What the routes of this server have in common."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from app.links import Links
from app.schemas import Failure
from app.settings import Settings

JSON = "application/json"
PYTHON = "text/x-python"
EVENTS = "text/event-stream"
MADE = (201, 202)
Responses = dict[int | str, dict[str, Any]]


class DirectRoute(APIRoute):
    """A route that hands the request to its endpoint as it is: `async def endpoint(request) -> Response`.

    FastAPI documents it, but solves no dependencies for it; that costs more than counting a layer does.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A method that is not this route's may be another's at the same address: `Allow` tells of all."""
        if scope["method"] in (self.methods or ()):
            return await super().handle(scope, receive, send)
        routes = (route for route in scope["router"].routes if isinstance(route, DirectRoute))
        here = [route.methods or set() for route in routes if route.matches(scope)[0] is not Match.NONE]
        raise HTTPException(405, headers={"Allow": ", ".join(sorted(set[str]().union(*here)))})


class WholeFile(FileResponse):
    """A file on its way out, never a part of it: Range is passed over, as HTTP allows, for Starlette answers a range
    that makes no sense in a shape of its own. One that was deleted since it was found is not found."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers["Accept-Ranges"] = "none"
        try:
            found = await asyncio.to_thread(os.stat, self.path)
        except OSError:
            raise HTTPException(404) from None
        self.stat_result = found
        self.set_stat_headers(found)
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)


def answers_with(model: Any, *refusals: int, status: int = 200, links: Links | None = None) -> Responses:
    """`responses` of a route: the model of its answer, and the statuses of its failures. What is made (201) or taken
    in (202) has an address, and says so."""
    good: dict[str, Any] = {"model": model, **({"links": links} if links else {})}
    if status in MADE:
        good["headers"] = _header("Location", "Its address.", {"type": "string", "format": "uri-reference"})
    return {status: good, **failures(*refusals)}


def answers_with_bytes(media_types: tuple[str, ...], description: str, *refusals: int) -> Responses:
    """The same for an answer that is no JSON."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    good = {"description": description, "content": dict.fromkeys(media_types, binary)}
    return {200: good, **failures(*refusals)}


def answers_with_events(description: str) -> Responses:
    """Of a route that tells what happens to something as server-sent events."""
    text = {"type": "string"}
    event = {
        "type": "object",
        "required": ["id", "event", "data"],
        "properties": {"id": text, "event": text, "data": {**text, "contentMediaType": JSON}, "retry": {}},
    }
    return {
        200: {"description": description, "content": {EVENTS: {"itemSchema": event}}},
        204: {"description": "It has ended, and the client knows its last event."},
        **failures(404),
    }


def failures(*statuses: int) -> Responses:
    """Refusals in the one shape; what can be asked again says when."""
    found: Responses = {status: {"model": Failure} for status in statuses}
    if 503 in found:
        found[503]["headers"] = _header("Retry-After", "Seconds.", {"type": "integer", "minimum": 1})
    return found


def _header(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {name: {"description": text, "required": True, "schema": schema}}


def refusals_of(settings: Settings) -> dict[str, dict[str, Any]]:
    """What any route may answer before it is reached, as OpenAPI writes it."""
    why = {
        "403": "Asked on behalf of a page of another site.",
        "421": "The Host header names no name of this server.",
        "503": "More connections or requests than may wait.",
    }
    if settings.token:
        why["401"] = "Asked without the server's access token."
    if settings.rate or settings.address_rate:
        why["429"] = "Asked too often."
    shape = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    later = _header("Retry-After", "Seconds.", {"type": "integer", "minimum": 1})
    return {
        status: {"description": reason, "content": shape, **({"headers": later} if status in ("429", "503") else {})}
        for status, reason in why.items()
    }


def unchanged(request: Request, etag: str) -> bool:
    """Whether the client has this very answer already."""
    held = request.headers.get("if-none-match", "")
    return etag in (tag.strip().removeprefix("W/") for tag in held.split(","))
