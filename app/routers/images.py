"""Pictures: upload, samples, and the picture itself or the square of it that a layer sees."""

from dataclasses import replace

import orjson
from fastapi import APIRouter, Request, Response

from app.asker import asking
from app.images import Images
from app.links import ID, Links, links
from app.params import CROP, Table
from app.query import Query
from app.routing import JSON, WholeFile, answers_with, answers_with_bytes, unchanged
from app.schemas import Picture, Sample
from app.settings import Settings
from app.uploads import FORM_SCHEMA, uploaded

FOREVER = "private, max-age=31536000, immutable"  # an id names its bytes
PATH_ID = {
    "name": "image_id",
    "in": "path",
    "required": True,
    "description": "Id of the picture, its SHA-256.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}


def shown_by(image_id: str) -> Links:
    """Where a picture is seen, by the place of its id in an answer."""
    return links(
        "image_id", image_id, "GET /api/images/{image_id}"
    ) | links(
        "image", image_id,
        "GET /api/feature-maps", "GET /api/stack/maps", "GET /api/stack/maps.npy", "GET /api/stack/energy",
        "GET /api/stack/scale", "GET /api/stack/pixel", "GET /api/stack/redundancy", "GET /api/stack/ink",
        "GET /api/figures/stack-scale",
    )  # fmt: skip


def add_image_routes(router: APIRouter, table: Table, images: Images, settings: Settings) -> None:
    size = replace(table["size"], default=None, help="Side of the square the layer sees; left out, the whole picture.")
    query = Query({"size": size}, CROP, settings.max_query_bytes)
    samples = orjson.dumps(images.samples)

    @router.post(
        "/api/images",
        tags=["images"],
        status_code=201,
        openapi_extra={"requestBody": FORM_SCHEMA},
        responses=answers_with(Picture, 408, 413, 415, 422, 503, 507, status=201, links=shown_by(ID)),
    )
    async def upload(request: Request) -> Response:
        """Keep a picture for some hours: JPEG, PNG, WebP, GIF, BMP or TIFF. The same file again is the same id."""
        async with uploaded(request, settings) as file, asking(request) as asker:
            picture = await images.add(file, asker)
        return Response(orjson.dumps(picture), 201, {"Location": f"/api/images/{picture['id']}"}, media_type=JSON)

    @router.get(
        "/api/images/samples",
        tags=["images"],
        responses=answers_with(list[Sample], links=shown_by("$response.body#/0/id")),
    )
    async def list_samples(request: Request) -> Response:
        """The photographs that ship with the server, with credits."""
        return Response(samples, media_type=JSON)

    @router.get(
        "/api/images/{image_id}",
        tags=["images"],
        response_class=Response,
        openapi_extra={"parameters": [PATH_ID, *query.openapi()["parameters"]]},
        responses={
            **answers_with_bytes(("image/png", "image/jpeg"), "The picture, upright and in RGB.", 404, 414, 422, 503),
            304: {"description": "The client has it already."},
        },
    )
    async def picture(request: Request) -> Response:
        """The picture; with `size` exactly the size x size pixels that the network sees, as PNG."""
        size, image_id = query.parse(request.scope["query_string"])["size"], request.path_params["image_id"]
        path = images.path(image_id)
        headers = {"Cache-Control": FOREVER, "ETag": f'"{image_id}-{size}"' if size else f'"{image_id}"'}
        if unchanged(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        if size is None:
            return WholeFile(path, headers=headers)
        async with asking(request) as asker:
            square = await images.crop(image_id, size, asker)
        return Response(square, headers=headers, media_type="image/png")
