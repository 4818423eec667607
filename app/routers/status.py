"""Is it alive, is it ready, what does it compute on, and what happens there."""

import orjson
from fastapi import APIRouter, Request, Response

from app import __version__
from app.engine import Engine
from app.errors import EngineNotReady
from app.metrics import Metrics
from app.routing import JSON, answers_with, answers_with_bytes
from app.schemas import Device, Health, Readiness

NOW = {"Cache-Control": "no-store"}
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def add_status_routes(router: APIRouter, engine: Engine) -> None:
    @router.get("/healthz", tags=["status"], responses=answers_with(Health))
    async def healthz(request: Request) -> Response:
        """The server answers; torch need not be loaded."""
        return Response(orjson.dumps({"status": "ok", "version": __version__}), headers=NOW, media_type=JSON)

    @router.get("/readyz", tags=["status"], responses=answers_with(Readiness, 503))
    async def readyz(request: Request) -> Response:
        """The device answers; 503 while torch loads, while one job holds it for ten seconds, and where its process
        hangs."""
        if trouble := await engine.trouble():
            raise EngineNotReady("not_ready" if engine.ready else "starting", trouble)
        return Response(orjson.dumps({"status": "ready"}), headers=NOW, media_type=JSON)

    @router.get("/api/device", tags=["status"], responses=answers_with(Device, 503))
    async def device(request: Request) -> Response:
        """Device, type of arithmetic and threads; waits until they are known."""
        return Response(orjson.dumps(await engine.device()), headers=NOW, media_type=JSON)


def add_metrics_route(router: APIRouter, metrics: Metrics) -> None:
    described = answers_with_bytes((PROMETHEUS,), "In Prometheus' text format.")

    @router.get("/metrics", tags=["status"], response_class=Response, responses=described)
    async def told(request: Request) -> Response:
        """Requests, queues, caches, the device's time and memory, in Prometheus' text format."""
        return Response(await metrics.text(), headers={**NOW, "Content-Type": PROMETHEUS})
