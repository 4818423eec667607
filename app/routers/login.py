"""Signing in and out, where the server has an access token. The page works without scripts.

Where it leads afterwards stands in the address, not in the form: the state of a page may be longer than any form.
"""

from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response

from app.access import COOKIE, LOGIN, Access, see_other, within
from app.asker import address_of
from app.bodies import read_whole
from app.errors import ApiError
from app.pages import Pages

FORM_BYTES = 4096
FORM_SECONDS = 15  # for so few bytes


class FormTooLarge(ApiError):
    status = 413
    code = "form_too_large"

    def __init__(self, limit: int, size: int | None = None) -> None:
        what = f"not {size}" if size is not None else "and this one goes on"
        super().__init__(f"The form may have at most {limit} bytes, {what}", None, "send the access token alone")


def add_login_routes(router: APIRouter, access: Access, pages: Pages) -> None:
    @router.get(LOGIN, include_in_schema=False)
    async def login(request: Request) -> Response:
        goal = _goal(request)
        if not access.needed or access.signed_in(request.scope):
            return see_other(goal)
        return pages.login(goal, access.session_seconds)

    if not access.needed:
        return

    @router.post(LOGIN, include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        form = await read_whole(request, FORM_BYTES, FormTooLarge, FORM_SECONDS)
        token = dict(parse_qsl(form.decode("latin-1"))).get("token", "")
        outcome = access.sign_in(token, address_of(request.scope))
        if isinstance(outcome, ApiError):
            return pages.login(_goal(request), access.session_seconds, outcome)
        answer = see_other(_goal(request))
        answer.set_cookie(COOKIE, outcome, access.session_seconds, **_fence(request))
        return answer

    @router.post("/logout", include_in_schema=False)
    async def sign_out(request: Request) -> Response:
        answer = see_other(LOGIN)
        answer.delete_cookie(COOKIE, **_fence(request))
        return answer


def _goal(request: Request) -> str:
    return within(request.query_params.get("next", ""))


def _fence(request: Request) -> dict[str, Any]:
    """No script reads the cookie, no other site's form sends it, and what came over TLS goes back over TLS only."""
    return {"httponly": True, "samesite": "lax", "secure": request.url.scheme == "https"}
