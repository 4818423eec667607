"""What the routes of this server have in common."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.schemas import Failure

JSON = "application/json"
PYTHON = "text/x-python"
Responses = dict[int | str, dict[str, Any]]


class DirectRoute(APIRoute):
    """A route that hands the request to its endpoint as it is: `async def endpoint(request) -> Response`.

    FastAPI documents it, but solves no dependencies for it; that costs more than counting a layer does.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


def answers_with(model: Any, *refusals: int, status: int = 200) -> Responses:
    """`responses` of a route: the model of its answer, and the statuses of its failures."""
    return {status: {"model": model}, **_failures(refusals)}


def answers_with_bytes(media_types: tuple[str, ...], description: str, *refusals: int) -> Responses:
    """The same for an answer that is no JSON."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    good = {"description": description, "content": dict.fromkeys(media_types, binary)}
    return {200: good, **_failures(refusals)}


def _failures(statuses: tuple[int, ...]) -> Responses:
    return {status: {"model": Failure} for status in statuses}


def unchanged(request: Request, etag: str) -> bool:
    """Whether the client has this very answer already."""
    held = request.headers.get("if-none-match", "")
    return etag in (tag.strip().removeprefix("W/") for tag in held.split(","))
