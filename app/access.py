"""Who may come in where the server has an access token: whoever brings it, and whoever has signed in with it.

A session is stateless: the second it ends, and an HMAC of that under the token. A restart therefore ends none, and
another token ends all. There are no people here, only one door and one key.
"""

import hmac
import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from hashlib import sha256
from math import ceil
from types import MappingProxyType
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.asker import address_of
from app.errors import ApiError, Refuse
from app.settings import Settings

COOKIE = "groupscope"
LOGIN = "/login"
OPEN = (LOGIN, "/healthz", "/readyz")  # and whatever lies under /static/
SESSION = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})")
LONGEST_SESSION = 400 * 86_400  # seconds; browsers keep no cookie for longer
TRIES, TRY_SECONDS = 5, 60
REMEMBERED = 10_000  # addresses that gave wrong tokens; the one that did so longest ago is forgotten
NONE_BROUGHT = "This server asks for its access token, and this request brings none"
BOTH_WAYS = "sign in at /login, or send the header Authorization: Bearer TOKEN"


class TokenNeeded(ApiError):
    status = 401
    code = "token_needed"
    headers: Mapping[str, str] = MappingProxyType({"WWW-Authenticate": "Bearer"})

    def __init__(self, message: str = NONE_BROUGHT, hint: str = BOTH_WAYS) -> None:
        super().__init__(message, None, hint)


class SessionEnded(TokenNeeded):
    def __init__(self) -> None:
        super().__init__("The session has ended, and this server asks for its access token again")


class WrongToken(TokenNeeded):
    def __init__(self) -> None:
        super().__init__("This is not the access token of this server", "ask whoever runs it")


class TooManyTries(ApiError):
    status = 429
    code = "too_many_tries"

    def __init__(self, retry_after: int) -> None:
        rule = f"{TRIES} wrong access tokens came from this address within {TRY_SECONDS} s"
        super().__init__(rule, None, f"try again in {retry_after} s")
        self.headers = {"Retry-After": str(retry_after)}


class Tries:
    """Wrong tokens by the address they came from. now: seconds that never go back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._wrong: OrderedDict[str, deque[tuple[float, bytes]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._wrong)

    def wait(self, address: str) -> int:
        """Whole seconds until `address` may try again; 0: it may."""
        wrong = self._recent(address)
        return max(1, ceil(wrong[0][0] + TRY_SECONDS - self._now())) if len(wrong) == TRIES else 0

    def count(self, address: str, guess: bytes) -> None:
        """One more wrong token; the same `guess` again is no further one."""
        wrong = self._recent(address)
        if guess in (known for _, known in wrong):
            return
        wrong.append((self._now(), guess))
        self._wrong[address] = wrong
        self._wrong.move_to_end(address)
        if len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)

    def _recent(self, address: str) -> deque[tuple[float, bytes]]:
        wrong = self._wrong.get(address, deque(maxlen=TRIES))
        while wrong and wrong[0][0] + TRY_SECONDS <= self._now():
            wrong.popleft()
        return wrong


class Access:
    """The door of one server. now: seconds since 1970."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self.needed = settings.token is not None
        self.session_seconds = ceil(min(settings.session_hours * 3600, LONGEST_SESSION))
        self._token = settings.token.get_secret_value().encode() if settings.token else b""
        self._digest = sha256(self._token).digest()
        self._now = now
        self._tries = Tries()

    def refusal(self, scope: Scope) -> ApiError | None:
        """Why this request may not come in; None: it may."""
        if not self.needed or scope["path"] in OPEN or scope["path"].startswith("/static/") or self.signed_in(scope):
            return None
        headers = Headers(scope=scope)
        given = _bearer(headers)
        if given is not None:
            return self._tried(given, address_of(scope), sha256(given).digest())  # programs repeat themselves
        return SessionEnded() if _sessions(headers) else TokenNeeded()

    def signed_in(self, scope: Scope) -> bool:
        return any(self._holds(session) for session in _sessions(Headers(scope=scope)))

    def sign_in(self, token: str, address: str) -> str | ApiError:
        """A session, or why there is none."""
        if not token:
            return TokenNeeded("The access token is missing", "type it, or paste it")
        return self._tried(token.encode(), address, str(self._now()).encode()) or self._session()

    def _tried(self, token: bytes, address: str, guess: bytes) -> ApiError | None:
        """Why `token` opens nothing. Digests are compared, in constant time: not even a length can be measured."""
        if seconds := self._tries.wait(address):
            return TooManyTries(seconds)
        if hmac.compare_digest(sha256(token).digest(), self._digest):
            return None
        self._tries.count(address, guess)
        return WrongToken()

    def _session(self) -> str:
        end = str(int(self._now()) + self.session_seconds)
        return f"{end}.{self._seal(end)}"

    def _holds(self, session: str) -> bool:
        match = SESSION.fullmatch(session)
        return match is not None and hmac.compare_digest(match[2], self._seal(match[1])) and self._now() < int(match[1])

    def _seal(self, end: str) -> str:
        return hmac.new(self._token, f"groupscope session until {end}".encode(), "sha256").hexdigest()


class Guarded:
    """Lets pass to `app` whoever may come in. A person whose browser asks for a page is led to where they sign in;
    `refuse` answers everyone else."""

    def __init__(self, app: ASGIApp, access: Access, refuse: Refuse) -> None:
        self.app, self._access, self._refuse = app, access, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = self._access.refusal(scope) if scope["type"] == "http" else None
        if error is None:
            await self.app(scope, receive, send)
            return
        page = login_page(scope) if isinstance(error, TokenNeeded) else None
        answer = see_other(page) if page else await self._refuse(Request(scope), error)
        await answer(scope, receive, send)


def login_page(scope: Scope) -> str | None:
    """Where a person's browser that asks for a page signs in, to come back to that page; None for everyone else."""
    if scope["path"].startswith("/api/") or "text/html" not in Headers(scope=scope).get("accept", ""):
        return None
    wanted = scope.get("raw_path") or b"/"
    if scope["query_string"]:
        wanted += b"?" + scope["query_string"]
    goal = within(wanted.decode("latin-1")) if scope["method"] == "GET" else "/"
    return LOGIN if goal == "/" else f"{LOGIN}?{urlencode({'next': goal})}"


def within(address: str) -> str:
    """`address` where it leads to a page of this server, else "/"."""
    ours = address.startswith("/") and address.isprintable() and not any(bad in address for bad in ("//", "\\"))
    return address if ours else "/"


def see_other(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})


def _sessions(headers: Headers) -> list[str]:
    """Every cookie of that name: another server of this machine may have set one for a folder."""
    parts = (part.strip().partition("=") for line in headers.getlist("cookie") for part in line.split(";"))
    return [value for name, _, value in parts if name == COOKIE]


def _bearer(headers: Headers) -> bytes | None:
    """The token that a program sends, as its bytes; None without one."""
    lines = headers.getlist("authorization")
    scheme, _, token = lines[0].partition(" ") if len(lines) == 1 else ("", "", "")
    return token.strip().encode("latin-1") if scheme.lower() == "bearer" else None
