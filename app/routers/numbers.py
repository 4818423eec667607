"""What a layer and a stack of layers cost, as numbers and as Plotly figures. Pure arithmetic, answered on the loop."""

from typing import Any

from fastapi import APIRouter, Request, Response

from app.cache import Answers, ByteCache
from app.figures import depth_figure, split_figure
from app.limits import bounded_layer, check_depth
from app.params import DEPTH, DEPTH_FIGURE, LAYER, Table
from app.query import Query, Values, layer_of, stack_of
from app.routing import JSON, PYTHON, answers_with, answers_with_bytes
from app.schemas import Depth, Layer, PlotlyFigure
from app.settings import Settings
from compute.depth import describe_depth
from compute.describe import describe_layer
from compute.network.code import layer_code


def add_number_routes(router: APIRouter, table: Table, settings: Settings) -> dict[str, ByteCache]:
    """Returns the caches of their answers, by name."""
    layer_query = Query(table, LAYER, settings.max_query_bytes, by_scheme=True)
    depth_query = Query(table, DEPTH, settings.max_query_bytes)
    figure_query = Query(table, DEPTH_FIGURE, settings.max_query_bytes)

    def described_layer(raw: bytes) -> dict[str, Any]:
        return bounded_layer(describe_layer(layer_of(layer_query.parse(raw))))

    def described_depth(values: Values) -> dict[str, Any]:
        return describe_depth(stack_of(values), check_depth)

    def drawn_depth(raw: bytes) -> dict[str, Any]:
        values = figure_query.parse(raw)
        rows = described_depth(values)["rows"]
        return depth_figure(rows, values["metric"], values["cumulative"], values["log"])

    layers = Answers(described_layer, settings.cache_bytes)
    depths = Answers(lambda raw: described_depth(depth_query.parse(raw)), settings.cache_bytes)
    splits = Answers(lambda raw: split_figure(described_layer(raw)), settings.cache_bytes)
    curves = Answers(drawn_depth, settings.cache_bytes)

    @router.get(
        "/api/layer", tags=["numbers"], openapi_extra=layer_query.openapi(), responses=answers_with(Layer, 414, 422)
    )
    async def layer(request: Request) -> Response:
        """Groups, counts, ratios and formulas of one grouped layer."""
        return Response(layers(request.scope["query_string"]), media_type=JSON)

    @router.get(
        "/api/layer/code",
        tags=["numbers"],
        response_class=Response,
        openapi_extra=layer_query.openapi(),
        responses=answers_with_bytes((PYTHON,), "The layer as runnable PyTorch source.", 414, 422),
    )
    async def code(request: Request) -> Response:
        """The layer of /api/layer as PyTorch source that needs torch and nothing else."""
        return Response(layer_code(layer_of(layer_query.parse(request.scope["query_string"]))), media_type=PYTHON)

    @router.get(
        "/api/depth", tags=["numbers"], openapi_extra=depth_query.openapi(), responses=answers_with(Depth, 414, 422)
    )
    async def depth(request: Request) -> Response:
        """Cost against depth: a stack whose channels double at each stage, in three schemes.

        out_channels, stride, padding, dilation, scheme and sizes are accepted, so that one query serves every
        address, and do not matter here: the stack sets its own.
        """
        return Response(depths(request.scope["query_string"]), media_type=JSON)

    @router.get(
        "/api/figures/split",
        tags=["figures"],
        openapi_extra=layer_query.openapi(),
        responses=answers_with(PlotlyFigure, 414, 422),
    )
    async def split(request: Request) -> Response:
        """The connectivity matrix of /api/layer as a Plotly figure, one colour a group."""
        return Response(splits(request.scope["query_string"]), media_type=JSON)

    @router.get(
        "/api/figures/depth",
        tags=["figures"],
        openapi_extra=figure_query.openapi(),
        responses=answers_with(PlotlyFigure, 414, 422),
    )
    async def depth_curves(request: Request) -> Response:
        """The curves of /api/depth as a Plotly figure, one line a scheme."""
        return Response(curves(request.scope["query_string"]), media_type=JSON)

    return {"layer": layers.cache, "depth": depths.cache, "split": splits.cache, "curves": curves.cache}
