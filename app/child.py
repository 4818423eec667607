"""What every process that the server starts does first."""

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait


def follow() -> None:
    """Leave the keyboard to the server, and die with it: one that was killed can't stop its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)
