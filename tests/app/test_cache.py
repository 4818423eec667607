"""Finished answers and things made: kept within bounds, the longest unused let go."""

import pytest

from app.cache import ENTRY_BYTES, Answers, ByteCache, Kept


def test_the_longest_unused_goes_first() -> None:
    cache = ByteCache(3 * (ENTRY_BYTES + 11))
    for key in (b"1", b"2", b"3"):
        cache.put(key, bytes(10))
    cache.get(b"1")
    cache.put(b"4", bytes(10))
    assert [key for key in (b"1", b"2", b"3", b"4") if cache.get(key)] == [b"1", b"3", b"4"]
    assert cache.bytes == 3 * (ENTRY_BYTES + 11)


def test_what_never_fits_is_not_kept() -> None:
    cache = ByteCache(ENTRY_BYTES + 11)
    cache.put(b"1", bytes(10))
    cache.put(b"2", bytes(11))
    assert (cache.get(b"1"), cache.get(b"2"), len(cache)) == (bytes(10), None, 1)


def test_keys_count_too() -> None:
    cache = ByteCache(1000)
    cache.put(b"q" * 900, b"")
    assert len(cache) == 0


def test_an_answer_is_made_once_and_a_failure_is_not_kept() -> None:
    made: list[bytes] = []

    def make(raw: bytes) -> int:
        made.append(raw)
        return 1 // len(raw)

    answers = Answers(make, 1000)
    assert [answers(b"a"), answers(b"a")] == [b"1", b"1"]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            answers(b"")
    assert made == [b"a", b"", b""]


def test_things_are_kept_by_weight_the_longest_unused_going_first() -> None:
    made: list[str] = []

    def get(word: str) -> str:
        return kept.get(word, lambda: made.append(word) or word)

    kept = Kept[str](6, len)
    for word in ("aa", "bb", "cc", "aa", "dd", "aa", "bb"):
        assert get(word) == word
    assert made == ["aa", "bb", "cc", "dd", "bb"]
    assert get("too long") == "too long"
    assert (kept.weight, get("too long")) == (0, "too long")
    assert made[-2:] == ["too long", "too long"]
