"""Finished answers by the request that asked for them, bounded by bytes; things made, bounded by weight.

The longest unused goes first.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from app.travel import travelling

T = TypeVar("T")
ENTRY_BYTES = 200  # what Python adds to a key and a body, about


class ByteCache:
    """Bytes by bytes: a key whose size nobody knows could not count. At most `max_bytes` of both together."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = self.hits = self.misses = 0
        self._bodies: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()

    def get(self, key: bytes) -> bytes | None:
        found = self._bodies.get(key)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._bodies.move_to_end(key)
        return found[0]

    def put(self, key: bytes, body: bytes) -> None:
        weight = ENTRY_BYTES + len(key) + len(body)
        if weight > self.max_bytes or key in self._bodies:
            return
        self._bodies[key] = body, weight
        self.bytes += weight
        while self.bytes > self.max_bytes:
            _, (_, dropped) = self._bodies.popitem(last=False)
            self.bytes -= dropped

    def __len__(self) -> int:
        return len(self._bodies)


class Answers:
    """JSON answers that depend on nothing but the raw query: `make` turns a query into what is said."""

    def __init__(self, make: Callable[[bytes], Any], max_bytes: int) -> None:
        self.make = make
        self.cache = ByteCache(max_bytes)

    def __call__(self, raw: bytes) -> bytes:
        """Raises whatever `make` raises; failures are not kept."""
        body = self.cache.get(raw)
        if body is None:
            body = travelling(self.make(raw))
            self.cache.put(raw, body)
        return body


class Kept(Generic[T]):
    """The last things that were made, by key, as many as weigh `most` together; failures are not kept."""

    def __init__(self, most: int, weigh: Callable[[T], int]) -> None:
        self.most, self.weigh = most, weigh
        self.weight = 0
        self._things: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Raises whatever `make` raises."""
        if key in self._things:
            self._things.move_to_end(key)
            return self._things[key]
        thing = self._things[key] = make()
        self.weight += self.weigh(thing)
        while self.weight > self.most and self._things:
            self.weight -= self.weigh(self._things.popitem(last=False)[1])
        return thing
