"""Who may come in at all: requests for this server and no other, from its own pages, and not too many of them.

A page of another site can make a visitor's browser send requests here: through a name that leads to this machine
(DNS rebinding: the Host header tells), or straight to its address (Origin and Sec-Fetch-Site tell). Programs send
neither and pass.
"""

import re
import socket
import time
from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import ip_address
from math import ceil

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.asker import CLIENT, address_of, client_of
from app.errors import ApiError, Refuse, shown
from app.settings import Settings

SAFE = ("GET", "HEAD", "OPTIONS")
HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
HOSTS_SEEN = 100
REMEMBERED = 10_000  # clients whose requests are counted; who has rested longest is forgotten


class UnknownHost(ApiError):
    status = 421
    code = "unknown_host"

    def __init__(self, host: str) -> None:
        rule = f"This server does not answer to the name {shown(host, 80)}"
        super().__init__(rule, None, "use its address, or start it with GROUPSCOPE_HOSTS set to the names it has")


class AnotherSite(ApiError):
    status = 403
    code = "another_site"

    def __init__(self) -> None:
        super().__init__("A page of another site may not ask this server", None, "open its own page")


class TooFast(ApiError):
    status = 429
    code = "too_fast"

    def __init__(self, rate: float, whose: str, retry_after: int) -> None:
        rule = f"{whose} may send {rate:g} requests a second in the long run, and this is one more"
        super().__init__(rule, None, f"try again in {retry_after} s")
        self.retry_after = retry_after


class Doors:
    """Lets pass to `app` what may come in; `refuse` answers the rest."""

    def __init__(self, app: ASGIApp, refuse: Refuse, settings: Settings) -> None:
        self.app, self._refuse = app, refuse
        self._names = Names(settings.hosts)
        self._pages = Rate(settings.rate, settings.burst, "One page")
        self._addresses = Rate(settings.address_rate, settings.burst, "One address")
        self._limited = bool(settings.rate or settings.address_rate)
        self._seen: set[str] = set()  # Host headers that were found to be ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self.check(scope)
            except ApiError as error:
                answer = await self._refuse(Request(scope), error)
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def check(self, scope: Scope) -> None:
        """Raises UnknownHost, AnotherSite, TooFast."""
        headers = dict(scope["headers"])  # Starlette's Headers looks each one up in the list
        host = headers.get(b"host", b"").decode("latin-1")
        if host not in self._seen:
            if not self._names.has(host):
                raise UnknownHost(host)
            if len(self._seen) < HOSTS_SEEN:
                self._seen.add(host)
        if scope["path"].startswith("/static/"):
            return
        check_site(scope["method"], host, headers)
        if self._limited:
            address, client = address_of(scope), headers.get(CLIENT.encode(), b"").decode("latin-1")
            self._addresses.count(address)
            self._pages.count(f"{address} {client_of(client)}")


class Names:
    """By which a server may be addressed: any address, localhost, the machine's own name, and those in `more`."""

    def __init__(self, more: str) -> None:
        own = socket.gethostname().lower()
        self._any = "*" in more.split(",")
        self._known = {"localhost", own, f"{own.partition('.')[0]}.local"}
        self._known |= {name.strip().lower() for name in more.split(",") if name.strip()}

    def has(self, host: str) -> bool:
        """Whether a Host header is one of them. An address can't be rebound: no name led here."""
        match = HOST.fullmatch(host)
        if self._any or not match:
            return self._any
        name = match["name"].lower().rstrip(".")
        return name in self._known or name.endswith(".localhost") or _is_address(name.strip("[]"))


def check_site(method: str, host: str, headers: Mapping[bytes, bytes]) -> None:
    """Raises AnotherSite for what changes something or computes on behalf of another site's page; links may lead
    here."""
    changes, origin = method not in SAFE, headers.get(b"origin")
    if headers.get(b"sec-fetch-site") == b"cross-site" and (changes or headers.get(b"sec-fetch-mode") != b"navigate"):
        raise AnotherSite
    if changes and origin is not None and _host_in(origin.decode("latin-1")) != host.lower():
        raise AnotherSite


class Rate:
    """Requests by who sends them: `rate` a second in the long run, `burst` at once. rate: 0 counts nothing."""

    def __init__(self, rate: float, burst: int, whose: str) -> None:
        self._rate, self._burst, self._whose = rate, burst, whose
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # and when that was

    def count(self, who: str) -> None:
        """Raises TooFast."""
        if not self._rate:
            return
        now = time.monotonic()
        left, at = self._left.pop(who, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._rate)
        if len(self._left) >= REMEMBERED:
            self._left.popitem(last=False)
        self._left[who] = (left - 1 if left >= 1 else left), now
        if left < 1:
            raise TooFast(self._rate, self._whose, max(1, ceil((1 - left) / self._rate)))


def _host_in(origin: str) -> str:
    """ "" where there is none, as in the Origin "null"."""
    return origin.partition("://")[2].lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
