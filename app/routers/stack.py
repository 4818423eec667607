"""A stack of grouped modules: its numbers on the calculator's thread, its maps and what they tell on the device."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from app.asker import asking
from app.cache import ByteCache
from app.calculator import Calculator
from app.checkpoints import Checkpoints
from app.engine import Engine
from app.figures import stack_reach_figure, stack_scale_figure
from app.images import Images
from app.kinds import Choice, Parameter
from app.limits import ChannelsOutside, check_pairs, check_stack
from app.params import Table
from app.query import Query, Values, dye_of, other_of, stack_spec_of
from app.questions import (
    Sent,
    StackEnergy,
    StackInk,
    StackMaps,
    StackPixel,
    StackQuestion,
    StackRedundancy,
    StackScale,
)
from app.routers.maps import OCTETS, takes_zstd, zstd
from app.routing import JSON, answers_with, answers_with_bytes
from app.schemas import PlotlyFigure
from app.settings import Settings
from app.stackparams import (
    MAP_SIDES,
    STACK,
    STACK_FIGURE,
    STACK_INK,
    STACK_MAPS,
    STACK_NUMBERS,
    STACK_PIXEL,
    STACK_REACH,
    STACK_REDUNDANCY,
    STACK_SIDE,
)
from app.stackschemas import Energies, Ink, Reachability, Scales, StackAnswer
from app.travel import travelling
from compute.grouping import Grouping
from compute.stack import StackSpec, arm_of, arms, describe_stack, reach, reaches

MAP_BODY = (
    "A safetensors file as of /api/feature-maps. Its metadata hold `groups` (of the split, as it lies in the first"
    " module), `rotation` (channels by which this module's groups are moved), `module`, `side`, `point`, `stats`,"
    " `channels`, `shape`, `averaged`, `compute_dtype` and `device`."
)
NPY = "application/x-npy"
NPY_BODY = "The same maps as a NumPy array (C, H', W') of float32, C order."
PIXEL_BODY = (
    "A safetensors file: `patch` and `kernel`, float32 (n, k_h, k_w), of the n channels that the value's group reads."
    " Its metadata are JSON: `inputs`, `sums`, `bias`, `conv`, `normalised`, `identity`, `sum`, `output`, `mean`,"
    " `deviation`, `receptive_field`, `patch_at`, `shape`, `stem_channels`."
)
REDUNDANCY_BODY = (
    "A safetensors file: `correlation` (C, C) float32, absolute, between the maps of the module; `covariance` (C, C)"
    " float32, rows the channels before the module, columns those after it. Its metadata are JSON: `dead`,"
    " `dead_before`, `order_before`, `rank`, `samples`, `groups`, `rotation`."
)
REFUSALS = (404, 414, 422, 503, 507)
# How often the stack is walked for a side's maps; b follows a, and ink may be of b.
RUNS = {"a": 1, "b": 2, "difference": 2, "ink": 3}

Queries = Callable[..., Query]  # of names, and of parameters that differ from the table's
Ask = Callable[[Request, str, StackQuestion], Awaitable[bytes]]


def add_stack_routes(
    router: APIRouter,
    table: Table,
    images: Images,
    checkpoints: Checkpoints,
    engine: Engine,
    calculator: Calculator,
    settings: Settings,
) -> None:
    def query(names: tuple[str, ...], **differs: Parameter) -> Query:
        return Query({**table, **differs}, names, settings.max_query_bytes, by_scheme=True)

    async def ask(request: Request, image_id: str, question: StackQuestion) -> bytes:
        checkpoints.known(question.spec)
        with images.held(image_id) as path:
            async with asking(request) as asker:
                return await engine.ask(path, image_id, question, asker)

    _add_numbers(router, query, calculator)
    _add_maps(router, query, ask, settings)
    _add_findings(router, query, ask, settings, query(STACK_INK, dye=replace(table["dye"], default="channel")))
    _add_scales(router, query, ask, settings, images, checkpoints)


def _add_numbers(router: APIRouter, query: Queries, calculator: Calculator) -> None:
    numbers, reaching, figures = query(STACK_NUMBERS), query(STACK_REACH), query(STACK_FIGURE)

    def described_stack(raw: bytes) -> bytes:
        return travelling(describe_stack(stack_spec_of(numbers.parse(raw))))

    def reached_stack(raw: bytes) -> bytes:
        values = reaching.parse(raw)
        found = reach(stack_spec_of(values), values["module"])
        facts = {"module": values["module"], "connected": found.connected, "share": found.share}
        return travelling({**facts, "rows": found.texts()})

    def drawn_reach(raw: bytes) -> bytes:
        values = figures.parse(raw)
        spec, other = stack_spec_of(values), other_of(values)
        both = {"A": spec, **({"B": replace(spec, grouping=other)} if other else {})}
        return travelling(stack_reach_figure({name: [r.share for r in reaches(s)] for name, s in both.items()}))

    described, reached = calculator.answers(described_stack), calculator.answers(reached_stack)
    drawn = calculator.answers(drawn_reach)

    @router.get(
        "/api/stack",
        tags=["stack"],
        openapi_extra=numbers.openapi(),
        responses=answers_with(StackAnswer, 414, 422, 503),
    )
    async def stack(request: Request) -> Response:
        """What a stack of grouped modules costs, module by module, and how far its channels are connected."""
        return Response(await described(request, request.scope["query_string"]), media_type=JSON)

    @router.get(
        "/api/stack/reach",
        tags=["stack"],
        openapi_extra=reaching.openapi(),
        responses=answers_with(Reachability, 414, 422, 503),
    )
    async def stack_reach(request: Request) -> Response:
        """Which channels of the stem can influence which channels after a module: a boolean matrix, exact."""
        return Response(await reached(request, request.scope["query_string"]), media_type=JSON)

    @router.get(
        "/api/figures/stack-reach",
        tags=["figures"],
        openapi_extra=figures.openapi(),
        responses=answers_with(PlotlyFigure, 414, 422, 503),
    )
    async def reach_curves(request: Request) -> Response:
        """The share of connected pairs against depth as a Plotly figure, one line a side."""
        return Response(await drawn(request, request.scope["query_string"]), media_type=JSON)


def _add_maps(router: APIRouter, query: Queries, ask: Ask, settings: Settings) -> None:
    sides = "One grouping, a - b, or the ink: |dyed - clean|."
    mapping = query(STACK_MAPS, side=Choice("side", "Side", sides, "a", choices=MAP_SIDES))

    async def asked_maps(request: Request, npy: bool) -> tuple[bytes, Values]:
        values = mapping.parse(request.scope["query_string"])
        spec, other = stack_spec_of(values), other_of(values)
        module, channels, side = spec.module(values["module"]), values["channels"], values["side"]
        if channels is not None and channels[1] > spec.channels:
            raise ChannelsOutside(channels[1], spec.channels, "in_channels")
        check_stack(spec_to(spec, module), RUNS[side], settings, other)
        question = StackMaps(
            spec, other, side, module, values["point"], dye_of(values), values["dyed"],
            Sent(channels, values["tile"], values["dtype"]), npy,
        )  # fmt: skip
        return await ask(request, values["image"], question), values

    @router.get(
        "/api/stack/maps",
        tags=["stack"],
        response_class=Response,
        openapi_extra=mapping.openapi(),
        responses=answers_with_bytes((OCTETS,), MAP_BODY, *REFUSALS),
    )
    async def stack_maps(request: Request) -> Response:
        """Maps of one module of a stack: of either grouping, of their difference, or of the ink of a dye."""
        body, values = await asked_maps(request, npy=False)
        return await octets(request, body, squeeze=values["dtype"] == "uint8")

    @router.get(
        "/api/stack/maps.npy",
        tags=["stack"],
        response_class=Response,
        openapi_extra=mapping.openapi(),
        responses=answers_with_bytes((NPY,), NPY_BODY, *REFUSALS),
    )
    async def stack_array(request: Request) -> Response:
        """The maps of /api/stack/maps as a NumPy array of float32, whatever `dtype` says."""
        body, values = await asked_maps(request, npy=True)
        name = f"stack-module-{values['module']}-{values['side']}-{values['point']}.npy"
        headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body, headers=headers, media_type=NPY)


def _add_findings(router: APIRouter, query: Queries, ask: Ask, settings: Settings, inks: Query) -> None:
    """What the maps tell: their strength, single values, likeness, and where a dye flows."""
    one_side, value, pairs = query(STACK_SIDE), query(STACK_PIXEL), query(STACK_REDUNDANCY)

    @router.get(
        "/api/stack/energy",
        tags=["stack"],
        openapi_extra=one_side.openapi(),
        responses=answers_with(Energies, *REFUSALS),
    )
    async def stack_energy(request: Request) -> Response:
        """Mean squares module by module: identity + convolution + cross term = sum."""
        values, spec, other = parsed(one_side, request)
        check_stack(spec, 3, settings, other)
        question = StackEnergy(spec, other, values["side"])
        return Response(await ask(request, values["image"], question), media_type=JSON)

    @router.get(
        "/api/stack/pixel",
        tags=["stack"],
        response_class=Response,
        openapi_extra=value.openapi(),
        responses=answers_with_bytes((OCTETS,), PIXEL_BODY, *REFUSALS),
    )
    async def stack_pixel(request: Request) -> Response:
        """One value of one map taken apart: the patch it reads, the kernel, and what their products sum to."""
        values, spec, other = parsed(value, request)
        module, place = spec.module(values["module"], 1), (values["channel"], values["row"], values["column"])
        check_stack(spec_to(spec, module), 2, settings, other)
        question = StackPixel(spec, other, values["side"], module, *place)
        return await octets(request, await ask(request, values["image"], question))

    @router.get(
        "/api/stack/redundancy",
        tags=["stack"],
        response_class=Response,
        openapi_extra=pairs.openapi(),
        responses=answers_with_bytes((OCTETS,), REDUNDANCY_BODY, *REFUSALS),
    )
    async def stack_redundancy(request: Request) -> Response:
        """How alike the maps of a module are, how they go with those before it, and how many directions they use."""
        values, spec, other = parsed(pairs, request)
        module = spec.module(values["module"], 1)
        check_stack(spec_to(spec, module), 2, settings, other)
        check_pairs(spec, module, settings)
        question = StackRedundancy(spec, other, values["side"], module)
        return await octets(request, await ask(request, values["image"], question))

    @router.get(
        "/api/stack/ink",
        tags=["stack"],
        openapi_extra=inks.openapi(),
        responses=answers_with(Ink, *REFUSALS),
    )
    async def stack_ink(request: Request) -> Response:
        """Where a dye flows: |dyed - clean| of every channel, module by module."""
        values, spec, other = parsed(inks, request)
        dye = dye_of(values)
        assert dye is not None  # this address has a default
        dye.check(spec)
        check_stack(spec, 3, settings, other)
        question = StackInk(spec, other, values["side"], dye)
        return Response(await ask(request, values["image"], question), media_type=JSON)


def _add_scales(
    router: APIRouter, query: Queries, ask: Ask, settings: Settings, images: Images, checkpoints: Checkpoints
) -> None:
    plain = query(STACK)
    strengths = ByteCache(settings.cache_bytes)

    @router.get(
        "/api/stack/scale",
        tags=["stack"],
        openapi_extra=plain.openapi(),
        responses=answers_with(Scales, *REFUSALS),
    )
    async def stack_scale(request: Request) -> Response:
        """What keeps the scale: the root mean square against depth, for each gain and normalisation."""
        return Response(travelling({"arms": await scales(request)}), media_type=JSON)

    async def scales(request: Request) -> list[dict[str, Any]]:
        """One question an arm: what others ask for meanwhile goes between them. The figure finds them kept."""
        values, spec, _ = parsed(plain, request)
        check_stack(spec, 1, settings)
        images.path(values["image"])  # a picture or a network that is gone is told so, whatever is kept
        checkpoints.known(spec)
        found = []
        for arm in arms(spec):
            key = repr((values["image"], arm)).encode()
            body = strengths.get(key)
            if body is None:
                body = await ask(request, values["image"], StackScale(arm))
                strengths.put(key, body)
            found.append({**arm_of(spec, arm), "rms": orjson.loads(body)})
        return found

    @router.get(
        "/api/figures/stack-scale",
        tags=["figures"],
        openapi_extra=plain.openapi(),
        responses=answers_with(PlotlyFigure, *REFUSALS),
    )
    async def scale_curves(request: Request) -> Response:
        """/api/stack/scale as a Plotly figure, one line for each gain and normalisation."""
        return Response(travelling(stack_scale_figure(await scales(request))), media_type=JSON)


def parsed(query: Query, request: Request) -> tuple[Values, StackSpec, Grouping | None]:
    """Values, stack and the grouping of side b."""
    values = query.parse(request.scope["query_string"])
    return values, stack_spec_of(values), other_of(values) if "b_scheme" in values else None


def spec_to(spec: StackSpec, module: int) -> StackSpec:
    """The stack as far as it has to run."""
    return replace(spec, modules=max(module, 1))


async def octets(request: Request, body: bytes, squeeze: bool = True) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if squeeze and takes_zstd(request):
        body, headers["Content-Encoding"] = await asyncio.to_thread(zstd, body), "zstd"
    return Response(body, headers=headers, media_type=OCTETS)
