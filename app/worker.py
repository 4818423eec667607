"""What happens inside the engine's process: the only place of the server where torch is loaded.

Functions here are called by name from app.engine, one at a time, on one thread.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import child

if TYPE_CHECKING:
    from collections.abc import Generator

    import torch

    from app.answers import Answerer
    from app.questions import Question
    from compute.measure import AnySpec
    from compute.measurerun import Measurer

# How long an idle thread of torch's team burns its core before it sleeps (libgomp reads it when torch is loaded). Its
# default outlasts a time slice where a browser or another model wants the core too, and a 15 ms job then takes 300 ms.
SPIN_COUNT = "10000"

NO_MEMORY = (
    "not enough memory",
    "can't allocate memory",
    "could not create a memory object",
)  # torch's words, oneDNN's

# A pool's worker can keep its state nowhere else.
_answerer: "Answerer | None" = None
_device: "torch.device | None" = None
training = False  # app.trainworker has a run
_measurer: "Measurer | None" = None
_measurement: "tuple[int, Generator[dict[str, Any], bool | None, dict[str, Any]]] | None" = None  # by its token


class DeviceError(Exception):
    """Torch failed, in words alone: its own exceptions could only be read where torch is loaded. `fatal`: the
    process can't use the device any more. `out_of_memory`: less would do."""

    def __init__(self, message: str, fatal: bool, out_of_memory: bool = False) -> None:
        super().__init__(message, fatal, out_of_memory)
        self.message, self.fatal, self.out_of_memory = message, fatal, out_of_memory

    def __str__(self) -> str:
        return self.message


def start() -> None:
    """First thing in a new process: leave the keyboard to the server, die with it, keep big buffers mapped."""
    child.follow()
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    _heap.keep()


def open_device(name: str, threads: int, stack_cache_bytes: int, store: Path, runs: Path) -> dict[str, Any]:
    """Load torch and compute something; returns compute.device.describe. store, runs: folders where trained networks
    are found. Raises ValueError for a missing device."""
    global _answerer, _device
    from app.answers import Answerer
    from app.library import Library
    from compute.device import prepare
    from compute.run import Runner
    from compute.stackrun import StackRunner
    from compute.strategies import allocator

    prepare(threads)
    allocator("kept" if _heap.kept else "default")
    runner = Runner(name, checkpoints=Library.of(store, runs))
    try:
        runner.warm_up()
        _answerer, _device = Answerer(runner, StackRunner(runner, stack_cache_bytes)), runner.device
    except (RuntimeError, MemoryError) as error:
        raise in_words(error) from None
    return runner.describe()


def answer(picture: Path, image_id: str, question: "Question") -> bytes:
    """The body that answers `question` about a picture. Raises SpecError, FileNotFoundError, DeviceError."""
    from app.store import opened

    if _answerer is None:
        raise RuntimeError("open_device comes first")
    try:
        return _answerer(lambda: opened(picture), image_id, question)
    except (RuntimeError, MemoryError) as error:
        raise in_words(error) from None
    finally:
        if _measurement is None and not training:  # a heap that changes would be measured too, or asked for again
            _heap.trim()


def dtypes() -> list[str]:
    """Types of numbers that measurements may have here."""
    return list(_ready_measurer().dtypes())


def ping() -> None:
    """Answers: this process is alive, and does nothing else now."""


def memory() -> dict[str, int]:
    """Bytes that the device's tensors take, by the name of the count: of CUDA what is allocated, reserved and there, of
    others what this process keeps resident."""
    import torch

    if torch.cuda.is_available() and device().type == "cuda":
        free, total = torch.cuda.mem_get_info()
        return {
            "allocated": torch.cuda.memory_allocated(),
            "reserved": torch.cuda.memory_reserved(),
            "free": free,
            "total": total,
        }
    return {"resident": _resident_bytes()}


def measure_begin(token: int, spec: "AnySpec", ceilings: dict[str, Any] | None, disturbed: bool) -> dict[str, Any]:
    """The first event of a measurement. One that somebody left behind ends. Raises SpecError, DeviceError."""
    global _measurement
    measure_end()
    _measurement = token, _ready_measurer().begin(spec, ceilings)
    return _advance(None)


def measure_step(token: int, disturbed: bool) -> dict[str, Any]:
    """The next event, or {"result": ...}. disturbed: the device did something else since the last. Raises
    DeviceError."""
    if _measurement is None or _measurement[0] != token:
        raise DeviceError("the measurement was lost with the device's process", fatal=False)
    return _advance(disturbed)


def measure_end(token: int | None = None) -> None:
    """Drops the measurement `token`, or whichever there is."""
    global _measurement
    if _measurement is not None and token in (None, _measurement[0]):
        _, steps = _measurement
        _measurement = None
        steps.close()
        _heap.trim()


def device() -> "torch.device":
    """Which open_device has opened."""
    if _device is None:
        raise RuntimeError("open_device comes first")
    return _device


def _ready_measurer() -> "Measurer":
    """Made when somebody first measures."""
    global _measurer
    if _measurer is None:
        from compute.measurerun import Measurer

        _measurer = Measurer(device())
    return _measurer


def _advance(disturbed: bool | None) -> dict[str, Any]:
    """disturbed: None for the first time."""
    assert _measurement is not None
    try:
        return _measurement[1].send(disturbed)
    except StopIteration as end:
        return {"result": end.value}
    except (RuntimeError, MemoryError) as error:
        raise in_words(error) from None


def in_words(error: RuntimeError | MemoryError) -> DeviceError:
    """Out of memory passes once the buffers are freed; after any other error of CUDA the process is of no more use."""
    import torch

    lines = str(error).splitlines() or [type(error).__name__]
    cuda = torch.cuda.is_available()
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in lines[0] for words in NO_MEMORY):
        if cuda:
            torch.cuda.empty_cache()
        return DeviceError("the device has too little memory free for this", fatal=False, out_of_memory=True)
    return DeviceError(f"the device failed: {lines[0]}", fatal=cuda)


class _Heap:
    """glibc's heap of this process. It gives every large buffer back to the system on free and maps it anew on the
    next call, and page faults then cost as much as a convolution: kept instead, but only up to KEPT bytes."""

    KEPT = 64 << 20
    MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h

    def __init__(self) -> None:
        libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._libc = libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
        self._low = 0
        self.kept = False

    def keep(self) -> None:
        if self._libc:
            self._libc.mallopt(self.MMAP_THRESHOLD, 1 << 30)
            self._libc.mallopt(self.TRIM_THRESHOLD, self.KEPT)
            self.kept = True

    def trim(self) -> None:
        """After a job: give back what lies free beyond KEPT."""
        if self._libc and _resident_bytes() > self._low + self.KEPT:
            self._libc.malloc_trim(0)
            self._low = _resident_bytes()


_heap = _Heap()


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
