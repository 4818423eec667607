"""Feature maps: the one route that computes on the device."""

import asyncio

from fastapi import APIRouter, Request, Response
from zstandard import ZstdCompressor

from app.asker import asking
from app.checkpoints import Checkpoints
from app.engine import Engine
from app.images import Images
from app.limits import check_work
from app.params import MAPS, Table
from app.query import Query, maps_of
from app.questions import LayerMaps, Sent
from app.routing import answers_with_bytes
from app.settings import Settings

OCTETS = "application/octet-stream"
BODY = (
    "A safetensors file: `maps` (C, H', W'), `scale` and `offset` float32 (C,); value = maps * scale + offset. Its"
    " metadata hold `groups`, `stats` (min, max, mean, std, zeros of each map at full resolution), `channels`, `shape`,"
    " `compute_dtype` and `device`."
)


def add_map_routes(
    router: APIRouter, table: Table, images: Images, checkpoints: Checkpoints, engine: Engine, settings: Settings
) -> None:
    query = Query(table, MAPS, settings.max_query_bytes, by_scheme=True)

    @router.get(
        "/api/feature-maps",
        tags=["maps"],
        response_class=Response,
        openapi_extra=query.openapi(),
        responses=answers_with_bytes((OCTETS,), BODY, 404, 414, 422, 503, 507),
    )
    async def feature_maps(request: Request) -> Response:
        """What the layer answers to a picture: stem (3 x 3, ReLU), grouped layer, ReLU if asked. With weights=trained
        the stem and the first module of a trained network, cut by the grouping."""
        values = query.parse(request.scope["query_string"])
        image_id, channels, tile, dtype = (values[name] for name in ("image", "channels", "tile", "dtype"))
        spec = maps_of(values)
        check_work(spec, channels, settings)
        checkpoints.known(spec)
        with images.held(image_id) as path:
            async with asking(request) as asker:
                body = await engine.ask(path, image_id, LayerMaps(spec, Sent(channels, tile, dtype)), asker)
        headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
        if dtype == "uint8" and takes_zstd(request):
            body, headers["Content-Encoding"] = await asyncio.to_thread(zstd, body), "zstd"
        return Response(body, headers=headers, media_type=OCTETS)


def takes_zstd(request: Request) -> bool:
    return "zstd" in (token.strip() for token in request.headers.get("accept-encoding", "").split(","))


def zstd(body: bytes) -> bytes:
    """A fifth smaller for half a millisecond; gzip and brotli take longer than they save."""
    return ZstdCompressor(level=1).compress(body)
