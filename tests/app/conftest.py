"""A client of the real server, for tests that look at bytes and headers."""

from collections.abc import Iterator

import httpx2
import pytest


@pytest.fixture(scope="module")
def http(server: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server, timeout=60) as client:
        yield client
