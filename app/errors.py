"""What can go wrong in a request, and the one shape in which every failure is answered.

{"error": {"code", "message", "field", "hint"}, "request_id"}: always all five; `message` is the rule and the value,
`hint` the way out, `field` the parameter to change, `request_id` what the log calls this request. Errors of `compute`
know nothing of HTTP; they become answers here.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.asker import REFUSED, REQUEST_ID
from app.engine import EngineBusy, EngineFailed, EngineGone, EngineOutOfMemory, EngineTimedOut
from compute.errors import SpecError
from compute.network.patience import TookTooLong

FORM_HINT = "send the picture as the file `image` of a multipart/form-data form"
# A browser writes every failed fetch on its console. Our page asks for failures inside a 200, and reads their status
# from a header; everyone else gets plain HTTP.
INLINE, STATUS = "groupscope-errors", "Groupscope-Status"
LONGEST = 600  # characters of a message: what it repeats of a body may be a megabyte
Refuse = Callable[[Request, Exception], Awaitable[Response]]
CLIENT_LEFT = 499  # nobody reads this answer; the number is nginx's


class ApiError(Exception):
    """A refusal with its HTTP status; subclasses compose their messages."""

    status = 422
    code = "invalid"
    headers: Mapping[str, str] | None = None  # that go with the answer

    def __init__(self, message: str, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.field, self.hint = message, field, hint


class BadParameter(ApiError):
    """A query parameter whose text is not what its kind says."""

    code = "invalid_parameter"


class EngineNotReady(ApiError):
    """It still loads torch, or hangs."""

    status = 503

    def __init__(self, code: str, trouble: str) -> None:
        super().__init__(trouble, hint="try again in a second")
        self.code = code


def shown(text: str, limit: int = 40) -> str:
    """What a client sent, fit to be repeated in a sentence: short, printable, in quotes."""
    cut = text if len(text) <= limit else f"{text[:limit]}…"
    return "'" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut) + "'"


@dataclass(frozen=True)
class Refusal:
    """A failure as it is answered."""

    status: int
    code: str
    message: str
    field: str | None = None
    hint: str | None = None
    headers: Mapping[str, str] | None = None

    def as_dict(self) -> dict[str, str | None]:
        return {"code": self.code, "message": self.message, "field": self.field, "hint": self.hint}


def refusal_of(request: Request, error: Exception) -> Refusal:
    """The one converter."""
    match error:
        case ApiError():
            return Refusal(error.status, error.code, error.message, error.field, error.hint, error.headers)
        case SpecError():
            return Refusal(_status(error), error.code, cut(error.message), error.field, error.hint and cut(error.hint))
        case TookTooLong():
            return Refusal(422, error.code, error.message, None, error.hint)
        case MultiPartException():
            return Refusal(422, "invalid_form", f"The form cannot be read: {error.message}", "image", FORM_HINT)
        case EngineBusy():
            return Refusal(503, "busy", str(error), None, "try again in a second")
        case EngineOutOfMemory():
            hint = "use a smaller size, fewer channels or fewer modules"
            return Refusal(507, "out_of_memory", str(error), "size", hint)
        case EngineTimedOut():
            hint = "use a smaller size, fewer channels or fewer modules: asked again it would take as long"
            return Refusal(503, "engine_failed", str(error), "size", hint)
        case EngineFailed():
            return Refusal(503, "engine_failed", str(error), None, "change the request, or try again in a second")
        case HTTPException():
            return _http(request, error)
    return Refusal(500, "internal", "The server failed on this request", None, "the server's log says why")


def _status(error: SpecError) -> int:
    return 404 if error.code in ("unknown_network", "unknown_checkpoint") else 422


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _http(request: Request, error: HTTPException) -> Refusal:
    """What the router itself refuses: unknown paths and wrong methods."""
    status, path = HTTPStatus(error.status_code), shown(request.scope["path"], 80)
    headers = dict(error.headers or {})
    message, hint = f"{status.phrase}: {path}", "/openapi.json lists every address"
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        message, hint = f"{path} does not take {request.method}", f"use {headers.get('Allow', 'another method')}"
    return Refusal(status, status.name.lower(), message, None, hint, headers)


def add_error_handlers(app: FastAPI, page: Callable[[Refusal], Response]) -> Refuse:
    """Answer every failure of `app` in one shape; `page` writes it for people who followed a link. Returns what does
    so, for what stands before the routes."""

    async def refuse(request: Request, error: Exception) -> Response:
        refusal = refusal_of(request, error)
        if not request.scope["path"].startswith("/api/") and "text/html" in request.headers.get("accept", ""):
            return page(refusal)
        headers = {**(refusal.headers or {}), "Cache-Control": "no-store"}
        if refusal.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
            headers.setdefault("Retry-After", str(getattr(error, "retry_after", 1)))
        status = request.scope[REFUSED] = refusal.status
        if request.headers.get(INLINE) == "inline":
            status, headers[STATUS] = HTTPStatus.OK, str(refusal.status)
        body = orjson.dumps({"error": refusal.as_dict(), "request_id": request.scope.get(REQUEST_ID, "-")})
        return Response(body, status, headers, media_type="application/json")

    async def leave(request: Request, error: Exception) -> Response:
        return Response(status_code=CLIENT_LEFT)

    for kind in (
        ApiError,
        SpecError,
        TookTooLong,
        MultiPartException,
        EngineBusy,
        EngineFailed,
        HTTPException,
        Exception,
    ):
        app.add_exception_handler(kind, refuse)
    for kind in (EngineGone, ClientDisconnect):
        app.add_exception_handler(kind, leave)
    return refuse
