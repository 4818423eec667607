"""The fair queue: who asks much waits for itself, and keeps nobody out."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.asker import Asker, address_of
from app.turns import Bounds, QueueFull, Turns, in_turn, last_place_is_for_others

WIDE = Bounds(1000, 1000, 1000)


class Thing:
    """Equal to itself alone, as jobs are."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def asker(address: str, client: str = "") -> Asker:
    return Asker(address, client, "-")


def filled(bounds: Bounds, *names: str) -> Turns[Thing]:
    """Names such as "a1" and "b2": an address, and a page there."""
    turns = Turns[Thing](bounds)
    for name in names:
        turns.put(Thing(name), asker(name[0], name[1:]))
    return turns


def test_addresses_take_turns_and_so_do_the_pages_of_one() -> None:
    turns = filled(WIDE, "a1", "a1", "a1", "a2", "b1", "c1", "c1")
    assert [thing.name for thing in turns.drain()] == ["a1", "b1", "c1", "a2", "c1", "a1", "a1"]
    assert len(turns) == 0
    with pytest.raises(KeyError):
        turns.take()


@pytest.mark.parametrize(
    "names, more, own, waiting, words",
    [
        (("a1", "a1"), "a1", "client", 2, "2 requests of this page wait"),
        (("a1", "a2", "a3"), "a4", "address", 3, "3 requests of this address wait"),
    ],
)
def test_each_bound_is_told(names: tuple[str, ...], more: str, own: str, waiting: int, words: str) -> None:
    turns = filled(Bounds(4, 3, 2), *names)
    with pytest.raises(QueueFull) as full:
        turns.put(Thing(more), asker(more[0], more[1:]))
    assert (full.value.own, full.value.waiting, full.value.who) == (own, waiting, words)


def test_one_request_that_waits_is_said_in_the_singular() -> None:
    assert QueueFull(1).who == "1 request waits"


def test_whoever_fills_the_queue_makes_room_for_a_newcomer() -> None:
    turns = filled(Bounds(6, 6, 6), *["g1"] * 6)
    assert str(turns.put(Thing("n1"), asker("n", "1"))) == "g1"
    assert len(turns) == 6
    assert [str(thing) for thing in turns.drain()][:2] == ["g1", "n1"]


def test_no_page_at_an_address_keeps_another_there_out() -> None:
    turns = filled(Bounds(5, 5, 5), *["a1"] * 5)
    assert str(turns.put(Thing("a2"), asker("a", "2"))) == "a1"
    with pytest.raises(QueueFull) as full:
        turns.put(Thing("a1"), asker("a", "1"))
    assert (full.value.own, full.value.waiting) == ("address", 5)


def test_where_all_have_one_the_last_to_come_waits_outside() -> None:
    turns = filled(Bounds(3, 3, 3), "a1", "b1", "c1")
    with pytest.raises(QueueFull) as full:
        turns.put(Thing("d1"), asker("d", "1"))
    assert (full.value.own, full.value.who) == ("", "3 requests wait")


def test_what_is_taken_out_waits_no_more() -> None:
    turns = Turns[Thing](WIDE)
    first, second = Thing("first"), Thing("second")
    turns.put(first, asker("a"))
    turns.put(second, asker("a"))
    assert first in turns
    assert turns.remove(first)
    assert not turns.remove(first)
    assert first not in turns
    assert turns.take() is second


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("123"), st.sampled_from(["put", "put", "take", "remove"]))
    )
)
def test_nothing_is_lost_and_no_bound_is_passed(steps: list[tuple[str, str, str]]) -> None:
    bounds = Bounds(8, 5, 3)
    turns, inside = Turns[Thing](bounds), dict[Thing, str]()
    for address, client, step in steps:
        if step == "put":
            thing = Thing(address + client)
            try:
                displaced = turns.put(thing, asker(address, client))
            except QueueFull:
                continue
            inside[thing] = address + client
            if displaced:
                del inside[displaced]
        elif step == "take" and inside:
            del inside[turns.take()]
        elif step == "remove" and inside:
            thing = next(iter(inside))
            assert turns.remove(thing)
            del inside[thing]
        assert len(turns) == len(inside) <= bounds.all
        assert all(count <= bounds.client for count in Counter(inside.values()).values())
        assert all(count <= bounds.address for count in Counter(name[0] for name in inside.values()).values())
    assert set(turns.drain()) == set(inside)


@given(st.integers(1, 40), st.integers(1, 8))
def test_however_much_one_asks_the_others_are_served_within_a_round(greedy: int, others: int) -> None:
    turns = Turns[Thing](WIDE)
    for _ in range(greedy):
        turns.put(Thing("greedy"), asker("greedy"))
    for number in range(others):
        turns.put(Thing(f"other {number}"), asker(f"other {number}"))
    names = [thing.name for thing in turns.drain()]
    assert max(names.index(f"other {number}") for number in range(others)) <= others + 1


@pytest.mark.parametrize(
    "client, address",
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("fe80::1%eth0", 1), "fe80::"),
        (("a name", 1), "a name"),
        (None, ""),
    ],
)
def test_an_address_is_a_machine(client: tuple[str, int] | None, address: str) -> None:
    assert address_of({"client": client}) == address


def test_short_queues_put_everyones_first_before_anyones_second() -> None:
    names = ["a1", "a2", "a3", "b1", "c1", "c2"]
    assert list(in_turn(names, lambda name: name[0])) == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert list(in_turn(names, lambda name: name[0], served="a")) == ["b1", "c1", "a1", "c2", "a2", "a3"]
    later = in_turn([*in_turn(names, lambda name: name[0]), "d1"], lambda name: name[0])
    assert list(later) == ["a1", "b1", "c1", "d1", "a2", "c2", "a3"]


@pytest.mark.parametrize(
    "waiting, size, address, kept",
    [("aa", 3, "a", True), ("aa", 3, "b", False), ("a", 3, "a", False), ("a", 2, "a", False)],
)
def test_the_last_place_of_a_short_queue_is_kept_for_another(waiting: str, size: int, address: str, kept: bool) -> None:
    assert last_place_is_for_others([asker(name) for name in waiting], size, asker(address)) == kept
