"""A bounded queue that is fair: addresses take turns, and at each address the pages that are open there do.

Whoever asks much waits for itself. Where the queue is full, a newcomer takes the place of the latest thing of whoever
fills it, so that nobody is kept out by one who asks without end.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.asker import Asker

T = TypeVar("T")


class QueueFull(Exception):
    """There is no place. waiting: how many things are before it; own: of this client or this address alone."""

    def __init__(self, waiting: int, own: str = "") -> None:
        super().__init__(waiting, own)
        self.waiting, self.own = waiting, own

    @property
    def who(self) -> str:
        """Who waits, for the beginning of a sentence."""
        of = {"client": " of this page", "address": " of this address"}.get(self.own, "")
        return f"{self.waiting} request{of} waits" if self.waiting == 1 else f"{self.waiting} requests{of} wait"


@dataclass(frozen=True)
class Bounds:
    """Most things that wait: altogether, of one address, and of one page there."""

    all: int
    address: int
    client: int


class Turns(Generic[T]):
    """Things by who asked for them; all work is constant in how many wait, but for finding the greediest."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._addresses: OrderedDict[str, OrderedDict[str, deque[T]]] = OrderedDict()
        self._counts: dict[str, int] = {}
        self._places: dict[int, tuple[str, str]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, thing: T) -> bool:
        return id(thing) in self._places

    def put(self, thing: T, asker: Asker) -> T | None:
        """Waits from now on. Returns what lost its place for it; raises QueueFull."""
        address, client = asker.address, asker.client
        clients: OrderedDict[str, deque[T]] = self._addresses.get(address, OrderedDict())
        if len(clients.get(client, ())) >= self._bounds.client:
            raise QueueFull(len(clients[client]), "client")
        displaced = None
        if self._counts.get(address, 0) >= self._bounds.address:
            displaced = self._displaced(address, asker, "address")
        elif len(self) >= self._bounds.all:
            greediest = max(self._counts, key=lambda name: (self._counts[name], name == address))
            displaced = self._displaced(greediest, asker)
        self._addresses.setdefault(address, OrderedDict()).setdefault(client, deque()).append(thing)
        self._counts[address] = self._counts.get(address, 0) + 1
        self._places[id(thing)] = address, client
        return displaced

    def take(self) -> T:
        """The next in turn; raises KeyError where none waits."""
        address = next(iter(self._addresses), None)
        if address is None:
            raise KeyError("nothing waits")
        client, things = next(iter(self._addresses[address].items()))
        thing = things[0]
        self._addresses.move_to_end(address)
        self._addresses[address].move_to_end(client)
        self.remove(thing)
        return thing

    def remove(self, thing: T) -> bool:
        """Whether it waited."""
        place = self._places.pop(id(thing), None)
        if place is None:
            return False
        address, client = place
        clients = self._addresses[address]
        clients[client].remove(thing)
        self._counts[address] -= 1
        if not clients[client]:
            del clients[client]
        if not clients:
            del self._addresses[address], self._counts[address]
        return True

    def drain(self) -> list[T]:
        """Everything that waits, in turn; nothing does afterwards."""
        return [self.take() for _ in range(len(self))]

    def _displaced(self, greedy: str, asker: Asker, own: str = "") -> T:
        """The latest thing of the page that has most at the address `greedy`, if that is more than `asker` would have;
        raises QueueFull."""
        pages = self._addresses[greedy]
        if greedy != asker.address:
            more = self._counts[greedy] > self._counts.get(asker.address, 0) + 1
        else:  # where all have one, as in a crowd, none needs to be looked for
            more = self._counts[greedy] > len(pages)
        page = max(pages, key=lambda name: len(pages[name])) if more else ""
        if not more or (greedy == asker.address and len(pages[page]) <= len(pages.get(asker.client, ())) + 1):
            raise QueueFull(self._counts[greedy] if own else len(self), own)
        latest = pages[page][-1]
        self.remove(latest)
        return latest


def in_turn(things: Iterable[T], who: Callable[[T], Hashable], served: Hashable = None) -> deque[T]:
    """`things` put so that everyone's first comes before anyone's second, else as they were. served: whose turn it is
    now."""
    turns = Counter([served])
    numbered = []
    for thing in things:
        numbered.append((turns[who(thing)], thing))
        turns[who(thing)] += 1
    return deque(thing for _, thing in sorted(numbered, key=lambda pair: pair[0]))


def last_place_is_for_others(waiting: Collection[Asker], size: int, asker: Asker) -> bool:
    """Whether one place is left of a short queue of `size`, and `asker`'s address waits there already."""
    return size > 2 and len(waiting) == size - 1 and asker.address in {other.address for other in waiting}
