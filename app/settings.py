"""Every setting of the server: one typed table, read once, loud on a bad value.

Each field is an environment variable, GROUPSCOPE_ and its name in capitals, and a flag of `python -m app`.
"""

import os
import sys
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent


def default_store() -> Path:
    """The user's cache folder, by each system's own rule."""
    return _users_folder("Caches", "XDG_CACHE_HOME", ".cache") / "images"


def default_results() -> Path:
    """In the user's data folder: what was measured takes minutes to make again."""
    return _users_folder("Application Support", "XDG_DATA_HOME", ".local/share") / "measurements.sqlite"


def default_runs() -> Path:
    """Beside what was measured: a training takes minutes too."""
    return default_results().parent / "runs"


def _users_folder(mac: str, variable: str, otherwise: str) -> Path:
    if sys.platform == "darwin":
        base = Path.home() / "Library" / mac
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        base = Path(os.environ.get(variable) or Path.home() / otherwise)
    return base / "groupscope"


class Settings(BaseSettings):
    """The settings of one server."""

    model_config = SettingsConfigDict(env_prefix="GROUPSCOPE_", frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    hosts: str = Field(
        default="",
        description="Names of this server, separated by commas; addresses, localhost and the machine's name are.",
    )
    proxies: str = Field(
        default="", description="Addresses of reverse proxies, separated by commas, whose X-Forwarded-For is believed."
    )
    token: SecretStr | None = Field(
        default=None, min_length=16, description="Access token that everyone has to give; None: whoever reaches it may."
    )
    session_hours: float = Field(default=168, gt=0, description="Hours until someone has to sign in again.")

    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto", description="Where feature maps are computed; auto takes CUDA, else MPS, else the CPU."
    )
    threads: int = Field(default=0, ge=0, le=1024, description="Threads for computing; 0 takes every core it may use.")
    queue_size: int = Field(
        default=64, ge=1, description="Requests that may wait, for maps and for networks each; more are answered 503."
    )
    address_queue: int = Field(default=48, ge=1, description="Of these, most from one address.")
    client_queue: int = Field(default=8, ge=1, description="Of these, most from one page that somebody has open.")
    rate: float = Field(
        default=0, ge=0, description="Requests a second that one page may make in the long run; 0: any number."
    )
    address_rate: float = Field(default=0, ge=0, description="The same for everyone at one address together.")
    burst: int = Field(default=200, ge=1, description="Requests that may come at once before a rate counts.")
    connections: int = Field(default=1000, ge=1, description="Connections that may be open.")
    address_connections: int = Field(default=500, ge=1, description="Of these, most from one address.")
    slow_seconds: float = Field(
        default=15, gt=0, description="Seconds until a connection is closed over which hardly anything moves."
    )

    store: Path = Field(default_factory=default_store, description="Folder for uploaded pictures.")
    store_bytes: int = Field(default=1_000_000_000, ge=0, description="Bytes of pictures kept, the latest used first.")
    store_hours: float = Field(default=72, gt=0, description="Hours after its last use until a picture is deleted.")
    max_upload_bytes: int = Field(default=16_000_000, ge=1, description="Largest picture file, in bytes.")
    max_image_pixels: int = Field(default=64_000_000, ge=1, description="Most pixels of an uploaded picture.")
    max_decode_seconds: float = Field(default=10, gt=0, description="Longest time that decoding a picture may take.")
    decode_bytes: int = Field(
        default=1_000_000_000, ge=500_000_000, description="Most memory of the process that decodes pictures."
    )

    max_channels: int = Field(default=2048, ge=64, description="Most input and output channels of a layer.")
    max_kernel: int = Field(default=64, ge=3, description="Largest kernel size, stride, padding and dilation.")
    max_resolution: int = Field(default=4096, ge=224, description="Largest height and width that are counted.")
    max_size: int = Field(default=1024, ge=224, description="Largest side of the picture a layer sees.")
    max_macs: int = Field(default=100_000_000_000, ge=1, description="Most MACs of one feature-map request.")
    max_elements: int = Field(default=2**27, ge=1, description="Most elements of one tensor of a feature-map request.")

    max_document_bytes: int = Field(default=1_000_000, ge=1024, description="Largest network document, in bytes.")
    max_layers: int = Field(default=1000, ge=200, description="Most layers of a network.")
    max_network_channels: int = Field(
        default=65_536, ge=4096, description="Most channels of a layer in a network; features, but where flattened."
    )

    max_query_bytes: int = Field(default=60_000, ge=1024, le=65_000, description="Longest query string, in bytes.")
    max_seconds: float = Field(default=30, gt=0, description="Longest time one feature-map request may compute.")
    max_calculation_seconds: float = Field(
        default=2, gt=0, description="Longest time one request about networks may compute."
    )
    cache_bytes: int = Field(default=32_000_000, ge=0, description="Bytes of finished answers kept, for each kind.")
    stack_cache_bytes: int = Field(
        default=200_000_000,
        ge=0,
        description="Bytes of a stack's outputs kept on the device, so that depths are at hand.",
    )
    results: Path = Field(default_factory=default_results, description="SQLite file of what was measured.")
    runs: Path = Field(
        default_factory=default_runs, description="Folder for training runs and the networks they trained."
    )
    runs_kept: int = Field(default=100, ge=1, description="Training runs kept; the oldest that have ended go.")
    data: Path | None = Field(
        default=None,
        description="Images to train on: an .npz file, a folder of IDX files, or a folder of class folders.",
    )
    max_train_seconds: float = Field(
        default=3600, gt=0, description="Longest time a training run may take, by the estimate made beforehand."
    )
    train_queue: int = Field(default=8, ge=1, description="Training runs that may wait; more are answered 503.")
    max_checkpoint_bytes: int = Field(
        default=16_000_000, ge=1024, description="Largest file of a trained network, in bytes."
    )
    results_kept: int = Field(default=500, ge=1, description="Measurements kept; the oldest go.")
    max_measure_seconds: float = Field(
        default=300, gt=0, description="Longest time a measurement may take, by the estimate that is made beforehand."
    )
    measure_queue: int = Field(
        default=8, ge=1, description="Measurements that may wait for the one that runs; more are answered 503."
    )
    metrics: bool = Field(default=False, description="Tell Prometheus at /metrics what happens.")
    log_format: Literal["text", "json"] = Field(default="text", description="How a line of the log is written.")
    log_requests: bool = Field(default=False, description="Log every request, not only what goes wrong.")
    reload: bool = Field(default=False, description="Read templates anew each time, for development.")

    @field_validator("store", "results", "runs", "data")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        return path and path.expanduser()
