"""What happens inside the engine's process: the only place of the server where torch is loaded.

Functions here are called by name from app.engine, one at a time, on one thread.
"""

import ctypes
import json
import os
import signal
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compute.maps import MapsSpec
    from compute.run import FeatureMaps, Runner

_runner: "Runner | None" = None  # a pool's worker can keep its state nowhere else


def start() -> None:
    """First thing in a new process: leave the keyboard to the server, die with it, keep big buffers mapped."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    _keep_buffers()


def open_device(device: str, threads: int) -> dict[str, Any]:
    """Load torch and compute something; returns compute.device.describe. Raises ValueError for a missing device."""
    global _runner
    from compute.run import Runner

    _runner = Runner(device, threads)
    _runner.warm_up()
    return _runner.describe()


def feature_maps(
    picture: Path, image_id: str, spec: "MapsSpec", channels: tuple[int, int] | None, tile: int | None, dtype: str
) -> bytes:
    """The body of GET /api/feature-maps: a safetensors file. Raises SpecError, FileNotFoundError."""
    from PIL import Image

    if _runner is None:
        raise RuntimeError("open_device comes first")
    made = _runner.feature_maps(lambda: Image.open(picture), image_id, spec, channels, tile, dtype)
    return _container(made, spec, _runner.describe())


def _container(made: "FeatureMaps", spec: "MapsSpec", device: dict[str, Any]) -> bytes:
    from safetensors.numpy import save

    from compute.counts import describe_groups

    metadata = {
        "groups": json.dumps(describe_groups(spec.conv)),
        "stats": json.dumps(made.stats),
        "channels": "{}:{}".format(*made.channels),
        "shape": json.dumps(made.shape),
        "averaged": str(made.averaged),
        "compute_dtype": device["compute_dtype"],
        "device": device["device"],
    }
    return save({"maps": made.maps, "scale": made.scale, "offset": made.offset}, metadata)


def _follow_parent() -> None:
    """A server that was killed can't stop its workers: they notice and leave."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)


def _keep_buffers() -> None:
    """glibc gives every large buffer back to the system on free and maps it anew on the next call; page faults then
    cost as much as a convolution. A high threshold keeps them."""
    if sys.platform != "linux":
        return
    mmap_threshold, trim_threshold = -3, -1  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(mmap_threshold, 1 << 30)
        libc.mallopt(trim_threshold, 512 << 20)
