"""Which device computes, and what it is called."""

import os
import platform
from pathlib import Path
from typing import Any

import torch


def choose(wanted: str = "auto") -> torch.device:
    """CUDA when there is one, else MPS, else the CPU; or what `wanted` names. Raises ValueError if that is missing."""
    if wanted != "auto":
        device = torch.device(wanted)
        try:
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(f"device {wanted!r} can't be used here: {str(error).splitlines()[0]}") from error
        return device
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def describe(device: torch.device) -> dict[str, Any]:
    """What the page says of it. TF32 is off, so that float32 means float32 on every device."""
    return {
        "device": str(device),
        "name": _name(device),
        "compute_dtype": "float32",
        "threads": torch.get_num_threads(),
        "tf32": bool(torch.backends.cudnn.allow_tf32) and device.type == "cuda",
        "torch": str(torch.__version__),  # it is a class of torch's: reading it would load torch in the server
    }


def prepare(threads: int = 0) -> None:
    """Settings of this process and thread (torch counts threads per calling thread); 0: every core it may use."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_num_threads(threads or usable_cores())


def usable_cores() -> int:
    """The cores this process may use, which in a container are often fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if device.type == "cpu" and cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
