"""Serves, and says where and on what device: what `python -m app` runs."""

import argparse
import asyncio
import gc
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from app.engine import EngineFailed
from app.main import create_app
from app.settings import Settings


class AnnouncingServer(uvicorn.Server):
    """Prints its address once it listens, and the device once it is known."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app
        self._telling: asyncio.Task[None] | None = None

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            say(f"Groupscope on {address(host, port)}")
            self._telling = asyncio.create_task(self._tell_device())

    async def shutdown(self, sockets: Any = None) -> None:
        for leaver in self._app.state.leavers:
            leaver.leave()  # first: streams of events would be waited for
        await super().shutdown(sockets)

    async def _tell_device(self) -> None:
        try:
            device = await self._app.state.engine.device()
        except EngineFailed as error:
            say(f"Feature maps cannot be computed: {error}")
            return
        say(
            f"Computing on {device['device']}: {device['name']}, {device['threads']} threads,"
            f" {device['compute_dtype']}, torch {device['torch']}"
        )


def say(line: str) -> None:
    """To whoever started the server, at once, also through a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def address(host: str, port: int) -> str:
    """A URL to open: every interface includes this machine's own."""
    if host in ("0.0.0.0", "::"):
        return f"http://127.0.0.1:{port} (and on every other address of this machine)"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """A socket on that address, or a sentence and the end."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        sys.exit(f"Cannot listen: {error.strerror}; choose another with --port or --host")


def parse_flags(arguments: list[str] | None = None) -> Settings:
    """One flag for each setting; what is not given comes from the environment, then from the table."""
    parser = argparse.ArgumentParser(prog="python -m app", description="Serve Groupscope.")
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        text = f"{field.description} Default {default}; also GROUPSCOPE_{name.upper()}."
        parser.add_argument(f"--{name.replace('_', '-')}", default=argparse.SUPPRESS, metavar="VALUE", help=text)
    try:
        return Settings(**vars(parser.parse_args(arguments)))
    except ValidationError as error:
        parser.error(
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}, not {e['input']!r}" for e in error.errors())
        )


def main() -> None:
    settings = parse_flags()
    listener = listen(settings.host, settings.port)  # first: a port in use is said before anything is loaded
    app = create_app(settings)
    gc.freeze()  # what is imported stays: a full collection, for which every thread waits, need not visit it
    config = uvicorn.Config(
        app,
        settings.host,
        settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    signal.signal(signal.SIGTERM, _end)
    with suppress(KeyboardInterrupt):  # Ctrl-C is how a server is meant to end; uvicorn raises it again when done
        AnnouncingServer(config, app).run([listener])


def _end(number: int, frame: Any) -> None:
    """Asked to stop, it has done so: uvicorn raises the signal again once everything is closed."""
    sys.exit(0)
