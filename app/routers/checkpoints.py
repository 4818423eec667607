"""Trained networks to look through: the list, the files, and networks that people bring."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from app.bodies import read_whole
from app.checkpoints import Checkpoints, CheckpointTooLarge
from app.checkpointschemas import CheckpointEntry, CheckpointLayout, CheckpointList
from app.kinds import Text
from app.links import ID, Links, links
from app.params import Table
from app.query import Query, stack_spec_of
from app.routers.maps import OCTETS
from app.routing import JSON, WholeFile, answers_with, answers_with_bytes, failures
from app.settings import Settings
from app.stackparams import STACK_NUMBERS
from compute.trained import layout, stack_dict

NOW = {"Cache-Control": "no-store"}
FILE_BODY = "The network's file: what GET /api/checkpoints/layout lists, and one entry `groupscope` of metadata, JSON."
UPLOAD = {
    "required": True,
    "description": "A safetensors file of what GET /api/checkpoints/layout lists, float32 or float16; no pickle.",
    "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
}
CHECKPOINT_ID = {
    "name": "checkpoint_id",
    "in": "path",
    "required": True,
    "description": "Id of a trained network.",
    "schema": {"type": "string"},
}
BY_ID: dict[str, Any] = {"parameters": [CHECKPOINT_ID]}
NAME = Text("name", "Name", "What the network is called, where its file does not say.", most=120)
IMAGE_CHANNELS, CLASSES = "1 or 3", "classes"


def used_by(checkpoint_id: str) -> Links:
    """What a trained network is good for, by the place of its id in an answer."""
    return links(
        "checkpoint_id", checkpoint_id,
        "GET /api/checkpoints/{checkpoint_id}.safetensors", "DELETE /api/checkpoints/{checkpoint_id}",
    ) | links(
        "checkpoint", checkpoint_id,
        "GET /api/stack", "GET /api/stack/reach", "GET /api/stack/maps", "GET /api/feature-maps",
        "GET /api/checkpoints/layout", weights="trained",
    )  # fmt: skip


def add_checkpoint_routes(router: APIRouter, table: Table, checkpoints: Checkpoints, settings: Settings) -> None:
    numbers = Query(table, STACK_NUMBERS, settings.max_query_bytes, by_scheme=True)
    bringing = Query({**table, "name": NAME}, (*STACK_NUMBERS, "name"), settings.max_query_bytes, by_scheme=True)

    @router.get(
        "/api/checkpoints",
        tags=["trained"],
        responses=answers_with(CheckpointList, links=used_by("$response.body#/checkpoints/0/id")),
    )
    async def list_checkpoints(request: Request) -> Response:
        """Trained networks: those that ship, those that this server trained, and those that were brought."""
        return Response(orjson.dumps({"checkpoints": await checkpoints.entries()}), headers=NOW, media_type=JSON)

    @router.post(
        "/api/checkpoints",
        tags=["trained"],
        status_code=201,
        openapi_extra={**bringing.openapi(), "requestBody": UPLOAD},
        responses=answers_with(CheckpointEntry, 408, 413, 414, 422, 503, 507, status=201, links=used_by(ID)),
    )
    async def bring(request: Request) -> Response:
        """Keep a trained network: a safetensors file, checked name by name and shape by shape. A file that says itself
        what it is, as those of this server do, is that; any other is the stack that the query describes."""
        values = bringing.parse(request.scope["query_string"])
        raw = await read_whole(request, settings.max_checkpoint_bytes, CheckpointTooLarge, settings.slow_seconds)
        entry = await checkpoints.add(raw, stack_spec_of(values), values["name"])
        headers = {**NOW, "Location": f"/api/checkpoints/{entry['id']}.safetensors"}
        return Response(orjson.dumps(entry), 201, headers, media_type=JSON)

    @router.get(
        "/api/checkpoints/layout",
        tags=["trained"],
        openapi_extra=numbers.openapi(),
        responses=answers_with(CheckpointLayout, 414, 422),
    )
    async def checkpoint_layout(request: Request) -> Response:
        """Names and shapes of the tensors that a file for this stack must hold."""
        stack = stack_dict(stack_spec_of(numbers.parse(request.scope["query_string"])))
        return Response(orjson.dumps(told_layout(stack)), media_type=JSON)

    @router.get(
        "/api/checkpoints/{checkpoint_id}.safetensors",
        tags=["trained"],
        response_class=Response,
        openapi_extra=BY_ID,
        responses=answers_with_bytes((OCTETS,), FILE_BODY, 404),
    )
    async def checkpoint_file(request: Request) -> Response:
        """The file of a trained network."""
        checkpoint_id = request.path_params["checkpoint_id"]
        path = checkpoints.library.path(checkpoint_id)
        name = f"{checkpoint_id}.safetensors"
        return WholeFile(path, headers={"Cache-Control": "no-cache"}, media_type=OCTETS, filename=name)

    @router.delete(
        "/api/checkpoints/{checkpoint_id}",
        tags=["trained"],
        status_code=204,
        response_class=Response,
        openapi_extra=BY_ID,
        responses=failures(404, 409),
    )
    async def forget(request: Request) -> Response:
        """Delete a network that was brought."""
        checkpoints.delete(request.path_params["checkpoint_id"])
        return Response(status_code=204, headers=NOW)


def told_layout(stack: dict[str, object]) -> dict[str, object]:
    tensors = []
    for name, shape in layout(stack, 1, 1).items():
        told: list[int | str] = list(shape)
        if name == "stem.weight":
            told[1] = IMAGE_CHANNELS
        if name.startswith("head."):
            told[0] = CLASSES
        tensors.append({"name": name, "shape": told, "optional": name.startswith("head.")})
    return {"tensors": tensors, "dtypes": ["float32", "float16"]}
