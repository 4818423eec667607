"""How long one calculation may take: whoever computes asks between two steps, whoever waits for it says when to stop.

Seconds of the thread itself, so that a busy machine refuses nothing that an idle one answers.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class TookTooLong(Exception):
    """No fault of the network's, and so no SpecError: what leaves out illegal layers must not leave out this."""

    code = "took_too_long"
    hint = "use fewer layers, fewer inputs of a layer, fewer devices or fewer series"

    def __init__(self, seconds: float) -> None:
        self.message = f"a calculation may take at most {seconds:g} s, and this one is not done"
        super().__init__(f"{self.message}; {self.hint}")


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class _Patience:
    seconds: float
    end: float
    left: Callable[[], bool]


_patience: ContextVar[_Patience | None] = ContextVar("patience", default=None)


@contextmanager
def within(seconds: float, left: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """What is called from here may take `seconds`, and ends once `left` says that nobody waits."""
    token = _patience.set(_Patience(seconds, time.thread_time() + seconds, left))
    try:
        yield
    finally:
        _patience.reset(token)


def check() -> None:
    """Raises TookTooLong and Abandoned, inside `within` alone."""
    patience = _patience.get()
    if patience is None:
        return
    if patience.left():
        raise Abandoned
    if time.thread_time() > patience.end:
        raise TookTooLong(patience.seconds)
