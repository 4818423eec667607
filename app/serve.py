"""Serves, and says where and on what device: what `python -m app` runs."""

import argparse
import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from app import logs
from app.acceptor import Acceptor
from app.connections import Connections, allow_files, files_for
from app.engine import EngineFailed
from app.main import create_app
from app.settings import Settings

GRACE_SECONDS = 1  # for answers under way, once asked to stop


class AnnouncingServer(uvicorn.Server):
    """Prints its address once it listens, and the device once it is known."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, connections: Connections) -> None:
        super().__init__(config)
        self._app, self._connections = app, connections
        self._telling: asyncio.Task[None] | None = None

    async def startup(self, sockets: Any = None) -> None:
        accepts = sys.platform != "win32"  # whose loop tells nobody that a socket has something
        await super().startup([] if accepts else sockets)
        if self.started:
            if accepts:
                self.servers = [Acceptor(sockets[0], self._make_connection)]  # type: ignore[list-item]
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            say(f"Groupscope on {address(host, port)}")
            self._telling = asyncio.create_task(self._tell_device())

    def _make_connection(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=asyncio.get_running_loop(),
        )
        return made

    async def shutdown(self, sockets: Any = None) -> None:
        for leaver in self._app.state.leavers:
            leaver.leave()  # first: streams of events would be waited for
        asyncio.get_running_loop().call_later(GRACE_SECONDS, self._connections.abort)
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


def listen(settings: Settings) -> socket.socket:
    """A socket on the address of the settings, or a sentence and the end."""
    host = settings.host
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, settings.port), family=family)
    except OSError as error:
        sys.exit(f"Cannot listen: {error.strerror}; choose another with --port or --host")
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # what is sent to a machine that has vanished is given up, and all of it
        milliseconds = int(2000 * settings.slow_seconds)  # what was handed to the system already among it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    return listener


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
        parser.error("; ".join(complaint(found) for found in error.errors()))


def complaint(found: Mapping[str, Any]) -> str:
    """One thing that is wrong with the settings. What was given is repeated, but where it is a secret."""
    told = f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
    return told if found["loc"][0] == "token" else f"{told}, not {found['input']!r}"


def main() -> None:
    settings = parse_flags()
    logs.set_up(settings)
    listener = listen(settings)  # first: a port in use is said before anything is loaded
    app = create_app(settings)
    gc.freeze()  # what is imported stays: a full collection, for which every thread waits, need not visit it
    connections = Connections(settings, allow_files(files_for(settings)), lambda: app.state.engine.waiting)
    if connections.most < settings.connections:
        say(f"Only {connections.most} connections may be open: the system allows no more files; see ulimit -n")
    config = uvicorn.Config(
        app,
        settings.host,
        settings.port,
        http=connections.protocol,
        ws="none",
        log_config=None,  # uvicorn's own lines go where ours do
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),  # else nobody is believed what they say of others
        forwarded_allow_ips=settings.proxies,
        timeout_graceful_shutdown=3,
    )
    signal.signal(signal.SIGTERM, _end)
    with suppress(KeyboardInterrupt):  # Ctrl-C is how a server is meant to end; uvicorn raises it again when done
        AnnouncingServer(config, app, connections).run([listener])


def _end(number: int, frame: Any) -> None:
    """Asked to stop, it has done so: uvicorn raises the signal again once everything is closed."""
    sys.exit(0)
