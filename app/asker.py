"""Who asks: so that those who wait are served in turn, and whoever leaves is forgotten."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from typing import Any

from fastapi import Request

CLIENT = "groupscope-client"  # header: an id that a page drew by chance, for as long as it is open
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
# Keys of an ASGI scope: what the request is called, and the status of its refusal, which may travel inside a 200.
REQUEST_ID, REFUSED = "groupscope.request_id", "groupscope.refused"


@dataclass(frozen=True, eq=False)
class Asker:
    """One request's client. address: of the machine it came from. client: the id that its page sent, else "".
    gone: done once it has left."""

    address: str
    client: str
    request_id: str
    gone: "asyncio.Future[None] | None" = None

    @property
    def who(self) -> tuple[str, str]:
        return self.address, self.client


SERVER = Asker("", "", "-")  # asks itself, and never leaves


@asynccontextmanager
async def asking(request: Request) -> AsyncIterator[Asker]:
    """Whoever sent `request`, whose departure is noticed meanwhile."""
    leaving = asyncio.create_task(_left(request))
    try:
        yield replace(asker_of(request), gone=leaving)
    finally:
        leaving.cancel()


def asker_of(request: Request) -> Asker:
    """Whoever sent `request`, for what goes on when they leave."""
    client = client_of(request.headers.get(CLIENT, ""))
    return Asker(address_of(request.scope), client, request.scope.get(REQUEST_ID, "-"))


def client_of(sent: str) -> str:
    """The id in a header, "" where it is none."""
    return sent if ID.fullmatch(sent) else ""


def address_of(scope: "Any") -> str:
    """The machine a request came from; of IPv6 its network, for one machine has 2^64 addresses."""
    client = scope.get("client")
    host = client[0] if client else ""
    if ":" not in host:
        return str(host)
    try:
        address = IPv6Address(host.partition("%")[0])
    except ValueError:
        return str(host)
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
