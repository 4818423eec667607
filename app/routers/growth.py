"""How cost grows with channels, and the law logarithmic splits are motivated by.

The law is answered on the loop; growth takes longer than the loop may be held.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from app.cache import Answers
from app.calculator import Calculator
from app.figures import growth_figure, weber_figure
from app.growthschemas import GrowthAnswer, WeberFechner
from app.params import GROWTH, GROWTH_FIGURE, WEBER, Table
from app.query import Query, growth_of
from app.routing import JSON, answers_with
from app.schemas import PlotlyFigure
from app.settings import Settings
from app.travel import travelling
from compute.growth import describe_growth
from compute.weber import describe_weber


def add_growth_routes(router: APIRouter, table: Table, calculator: Calculator, settings: Settings) -> None:
    growth_query = Query(table, GROWTH, settings.max_query_bytes)
    figure_query = Query(table, GROWTH_FIGURE, settings.max_query_bytes)
    weber_query = Query(table, WEBER, settings.max_query_bytes)

    def described_weber(raw: bytes) -> dict[str, Any]:
        values = weber_query.parse(raw)
        return describe_weber(values["in_channels"], values["groups"], values["base"])

    def described_growth(raw: bytes) -> bytes:
        return travelling(describe_growth(growth_of(growth_query.parse(raw))))

    def drawn_growth(raw: bytes) -> bytes:
        values = figure_query.parse(raw)
        return travelling(growth_figure(describe_growth(growth_of(values)), values["growth"], values["halve"]))

    growths, growth_figures = calculator.answers(described_growth), calculator.answers(drawn_growth)
    laws = Answers(described_weber, settings.cache_bytes)
    law_figures = Answers(lambda raw: weber_figure(described_weber(raw)), settings.cache_bytes)

    @router.get(
        "/api/growth",
        tags=["numbers"],
        openapi_extra=growth_query.openapi(),
        responses=answers_with(GrowthAnswer, 414, 422, 503),
    )
    async def growth(request: Request) -> Response:
        """What a layer costs as its channels double, in four splits, with the exact factor per doubling."""
        return Response(await growths(request, request.scope["query_string"]), media_type=JSON)

    @router.get(
        "/api/figures/growth",
        tags=["figures"],
        openapi_extra=figure_query.openapi(),
        responses=answers_with(PlotlyFigure, 414, 422, 503),
    )
    async def growth_curves(request: Request) -> Response:
        """The lines of /api/growth as a Plotly figure, the factor per doubling written on each."""
        return Response(await growth_figures(request, request.scope["query_string"]), media_type=JSON)

    @router.get(
        "/api/weber-fechner",
        tags=["numbers"],
        openapi_extra=weber_query.openapi(),
        responses=answers_with(WeberFechner, 414, 422),
    )
    async def weber(request: Request) -> Response:
        """Group sizes of a logarithmic split beside the Weber-Fechner law: an analogy, not a derivation."""
        return Response(laws(request.scope["query_string"]), media_type=JSON)

    @router.get(
        "/api/figures/weber-fechner",
        tags=["figures"],
        openapi_extra=weber_query.openapi(),
        responses=answers_with(PlotlyFigure, 414, 422),
    )
    async def weber_curves(request: Request) -> Response:
        """/api/weber-fechner as a Plotly figure: sizes on a linear and on a logarithmic scale, and the law's curve."""
        return Response(law_figures(request.scope["query_string"]), media_type=JSON)
