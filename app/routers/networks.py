"""Whole networks: bills, what-ifs, memory, placement, code. Worked out in the calculator's thread; answers are kept."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from app.bodies import read_body
from app.calculator import Calculator
from app.documentschema import DOCUMENT, DOCUMENT_SAMPLE
from app.links import links
from app.networkanswers import NetworkAnswers
from app.networkschemas import (
    Analysis,
    Comparison,
    Document,
    Memory,
    Placement,
    PolicyLine,
    PublishedAnalysis,
    Summary,
)
from app.routing import JSON, PYTHON, answers_with, answers_with_bytes
from app.schemas import PlotlyFigure
from app.settings import Settings
from app.subjectschema import (
    CURVES_SAMPLE,
    SUBJECT_SAMPLE,
    comparison_schema,
    curves_schema,
    json_body,
    memory_schema,
    overview_schema,
    placement_schema,
    subject_schema,
)

NETWORK_ID = {
    "name": "network_id",
    "in": "path",
    "required": True,
    "description": "Id of a published network, as /api/networks lists them.",
    "schema": {"type": "string"},
}
ONE = links("network_id", "$response.body#/0/id", "GET /api/networks/{network_id}")
REFUSALS = (408, 413, 415, 422, 503)
REFUSALS_BY_ID = (404, *REFUSALS)


def add_network_routes(router: APIRouter, make: NetworkAnswers, calculator: Calculator, settings: Settings) -> None:
    listed = calculator.answers(make.listed)
    published = calculator.answers(make.published)
    subject = {"requestBody": json_body(subject_schema(settings), SUBJECT_SAMPLE)}

    def posted(answer: Callable[[bytes], bytes]) -> Callable[[Request], Awaitable[bytes]]:
        answers = calculator.answers(answer)

        async def respond(request: Request) -> bytes:
            return await answers(request, await read_body(request, settings.max_document_bytes, settings.slow_seconds))

        return respond

    analyzed, compared, surveyed = posted(make.analyzed), posted(make.compared), posted(make.surveyed)
    remembered = posted(make.remembered)
    placed, written, documented = posted(make.placed), posted(make.written), posted(make.documented)
    drawn = posted(make.drawn)

    @router.get("/api/networks", tags=["networks"], responses=answers_with(list[Summary], 503, links=ONE))
    async def networks(request: Request) -> Response:
        """The published networks, with the totals of their rows."""
        return Response(await listed(request, b""), media_type=JSON)

    @router.post(
        "/api/networks/analyze",
        tags=["networks"],
        openapi_extra={"requestBody": json_body(DOCUMENT, DOCUMENT_SAMPLE)},
        responses=answers_with(Analysis, *REFUSALS),
    )
    async def analyze(request: Request) -> Response:
        """What a network of one's own costs, layer by layer: rows, and totals that are their sums."""
        return Response(await analyzed(request), media_type=JSON)

    @router.post(
        "/api/networks/whatif",
        tags=["networks"],
        openapi_extra={"requestBody": json_body(comparison_schema(settings), SUBJECT_SAMPLE)},
        responses=answers_with(Comparison, *REFUSALS_BY_ID),
    )
    async def whatif(request: Request) -> Response:
        """A network and its variant side by side: under a policy, edited by hand, on an equal budget."""
        return Response(await compared(request), media_type=JSON)

    @router.post(
        "/api/networks/policies",
        tags=["networks"],
        openapi_extra={"requestBody": json_body(overview_schema(settings), {"network": "resnet-50", "groups": 8})},
        responses=answers_with(list[PolicyLine], *REFUSALS_BY_ID),
    )
    async def policies(request: Request) -> Response:
        """What a network would cost under every policy, a line apiece."""
        return Response(await surveyed(request), media_type=JSON)

    @router.post(
        "/api/networks/memory",
        tags=["networks"],
        openapi_extra={"requestBody": json_body(memory_schema(settings), {**SUBJECT_SAMPLE, "batch": 128})},
        responses=answers_with(Memory, *REFUSALS_BY_ID),
    )
    async def memory(request: Request) -> Response:
        """What training both keeps in memory, and the largest batch that fits a budget."""
        return Response(await remembered(request), media_type=JSON)

    @router.post(
        "/api/networks/placement",
        tags=["networks"],
        openapi_extra={"requestBody": json_body(placement_schema(settings), {"network": "alexnet-2012", "devices": 2})},
        responses=answers_with(Placement, *REFUSALS_BY_ID),
    )
    async def placement(request: Request) -> Response:
        """The variant's groups spread over devices: what each holds and does, and what crosses between them."""
        return Response(await placed(request), media_type=JSON)

    @router.post(
        "/api/networks/code",
        tags=["networks"],
        response_class=Response,
        openapi_extra=subject,
        responses=answers_with_bytes((PYTHON,), "The variant as runnable PyTorch source.", *REFUSALS_BY_ID),
    )
    async def code(request: Request) -> Response:
        """The variant as PyTorch source that needs torch and nothing else."""
        return Response(await written(request), media_type=PYTHON)

    @router.post(
        "/api/networks/document",
        tags=["networks"],
        openapi_extra=subject,
        responses=answers_with(Document, *REFUSALS_BY_ID),
    )
    async def document(request: Request) -> Response:
        """The variant as a document that the other addresses read."""
        return Response(await documented(request), media_type=JSON)

    @router.post(
        "/api/figures/network",
        tags=["figures"],
        openapi_extra={"requestBody": json_body(curves_schema(settings), CURVES_SAMPLE)},
        responses=answers_with(PlotlyFigure, *REFUSALS_BY_ID),
    )
    async def network_curves(request: Request) -> Response:
        """Cost against depth as a Plotly figure: one line a network or variant, a point a layer."""
        return Response(await drawn(request), media_type=JSON)

    posts = {route.path for route in router.routes if isinstance(route, APIRoute) and "POST" in (route.methods or ())}

    @router.get(  # last of the paths it would match
        "/api/networks/{network_id}",
        tags=["networks"],
        openapi_extra={"parameters": [NETWORK_ID]},
        responses=answers_with(PublishedAnalysis, 404, 503),
    )
    async def network(request: Request) -> Response:
        """One published network: its rows, its totals, where they are from, and its document."""
        if request.scope["path"] in posts:
            raise HTTPException(405, headers={"Allow": "POST"})
        return Response(await published(request, request.path_params["network_id"].encode()), media_type=JSON)
