"""Is it alive, is it ready, and what does it compute on."""

import orjson
from fastapi import APIRouter, Request, Response

from app import __version__
from app.engine import Engine
from app.errors import EngineStarting
from app.routing import JSON, answers_with
from app.schemas import Device, Health, Readiness

NOW = {"Cache-Control": "no-store"}


def add_status_routes(router: APIRouter, engine: Engine) -> None:
    @router.get("/healthz", tags=["status"], responses=answers_with(Health))
    async def healthz(request: Request) -> Response:
        """The server answers; torch need not be loaded."""
        return Response(orjson.dumps({"status": "ok", "version": __version__}), headers=NOW, media_type=JSON)

    @router.get("/readyz", tags=["status"], responses=answers_with(Readiness, 503))
    async def readyz(request: Request) -> Response:
        """Torch is loaded and has computed something on the device; 503 until then."""
        if not engine.ready:
            raise EngineStarting
        return Response(orjson.dumps({"status": "ready"}), headers=NOW, media_type=JSON)

    @router.get("/api/device", tags=["status"], responses=answers_with(Device, 503))
    async def device(request: Request) -> Response:
        """Device, type of arithmetic and threads; waits until they are known."""
        return Response(orjson.dumps(await engine.device()), headers=NOW, media_type=JSON)
