"""Pictures on disk: bounded in bytes and age, written whole or not at all."""

import errno
import os
from pathlib import Path

import pytest
from PIL import Image

from app.store import BLOCK_BYTES, Store, StoreFull, StoreUnwritable

IDS = [digit * 64 for digit in "abcd"]


class Clock:
    seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


def noise(seed: int) -> Image.Image:
    """A picture that PNG cannot make smaller: about 3 kB."""
    return Image.effect_noise((32, 32), 90 + seed).convert("RGB")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Store:
    return Store(tmp_path / "deep" / "images", max_bytes=10_000_000, max_hours=1, now=clock)


def test_a_picture_comes_back_pixel_by_pixel(store: Store) -> None:
    picture = noise(1)
    store.put(IDS[0], picture)
    path = store.find(IDS[0])
    assert path is not None
    assert Image.open(path).tobytes() == picture.tobytes()
    assert store.find(IDS[1]) is None


def test_pictures_go_an_hour_after_their_last_use(store: Store, clock: Clock) -> None:
    store.put(IDS[0], noise(1))
    store.put(IDS[1], noise(2))
    clock.seconds += 3000
    assert store.find(IDS[0])
    clock.seconds += 3000
    assert store.find(IDS[1]) is None
    store.sweep()
    assert [path.stem for path in store.root.iterdir()] == [IDS[0]]


def test_the_longest_unused_goes_first(store: Store, clock: Clock) -> None:
    for number, image_id in enumerate(IDS[:3]):
        clock.seconds += 1
        store.put(image_id, noise(number))
    clock.seconds += 1
    store.find(IDS[0])
    store.max_bytes = 3 * BLOCK_BYTES
    clock.seconds += 1
    store.put(IDS[3], noise(3))
    left = {path.stem for path in store.root.iterdir()}
    assert {IDS[0], IDS[3]} <= left
    assert IDS[1] not in left
    assert sum(path.stat().st_size for path in store.root.iterdir()) <= store.max_bytes


def test_small_pictures_count_as_the_disk_counts_them(tmp_path: Path) -> None:
    store = Store(tmp_path, 20 * BLOCK_BYTES, 1)
    for number in range(200):
        path = store.put(f"{number:064x}", Image.new("RGB", (1, 1)))
        assert path.exists(), "the latest stays"
        assert len(list(tmp_path.iterdir())) <= 20
    assert len(list(tmp_path.iterdir())) >= 17, "and it lets go of no more than one in eight"


def test_a_picture_larger_than_the_store(store: Store) -> None:
    store.max_bytes = 100
    with pytest.raises(StoreFull):
        store.put(IDS[0], noise(1))
    assert list(store.root.iterdir()) == []


def test_a_crashed_write_is_cleared_away_once_it_is_old(store: Store, clock: Clock) -> None:
    store.root.mkdir(parents=True)
    part = store.root / "groupscope-left.part"
    part.write_bytes(b"half a picture")
    os.utime(part, (clock.seconds, clock.seconds))
    store.sweep()
    assert part.exists(), "it might still be being written"
    clock.seconds += 4000
    store.sweep()
    assert not part.exists()


def test_somebody_elses_files_stay(store: Store, clock: Clock) -> None:
    store.root.mkdir(parents=True)
    foreign = [store.root / name for name in ("holiday.png", "notes.part", "0" * 64, f"{'0' * 63}.png")]
    for file in foreign:
        file.write_bytes(b"not ours")
        os.utime(file, (0, 0))
    clock.seconds += 10**6
    store.sweep()
    assert all(file.exists() for file in foreign)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnwritable):
        Store(tmp_path / "file" / "images", 1000, 1).put(IDS[0], noise(1))


def test_a_full_disk_is_said_and_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)  # the disk of a test cannot be filled
    with pytest.raises(StoreFull):
        store.put(IDS[0], noise(1))
    assert list(store.root.iterdir()) == []
