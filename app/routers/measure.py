"""Measurements of layers and networks on this server's device: planned, queued, followed, kept."""

from dataclasses import replace
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from app.asker import asker_of, asking
from app.bodies import parsed, read_body
from app.calculator import Calculator
from app.errors import ApiError
from app.feed import LAST, server_sent
from app.fields import Fields
from app.figures import MEASURE_FIGURES
from app.kinds import Choice, Text, Whole
from app.limits import check_measurement
from app.links import ID, Links, links
from app.measurecsv import csv_of
from app.measureparams import CONDITIONS, MEASURE
from app.measureplans import NETWORK, Asked, asked_layer, asked_network, described_arms
from app.measureschemas import Accepted, AnyResult, Export, KeptMeasurements, MeasurePlan, MeasureQueue
from app.measuring import Measuring
from app.params import LAYER, Table
from app.query import Query, pairs
from app.resultdatabase import Kept, Wanted
from app.routing import EVENTS, JSON, answers_with, answers_with_bytes, answers_with_events, failures
from app.schemas import PlotlyFigure
from app.settings import Settings
from app.subjects import Subjects
from app.subjectschema import SUBJECT_SAMPLE, json_body, measurement_schema
from compute.measure import KINDS, MEMORY_FORMATS, MeasureSpec

CSV = "text/csv"
NOW = {"Cache-Control": "no-store"}
MEASUREMENT_ID = {
    "name": "measurement_id",
    "in": "path",
    "required": True,
    "description": "Id of a measurement.",
    "schema": {"type": "string"},
}
FIGURE_NAMES = tuple(dict.fromkeys(name for names in MEASURE_FIGURES.values() for name in names))
FIGURE = {
    "name": "figure",
    "in": "path",
    "required": True,
    "description": "Which figure.",
    "schema": {"type": "string", "enum": list(FIGURE_NAMES)},
}
BY_ID: dict[str, Any] = {"parameters": [MEASUREMENT_ID]}
STREAM = (
    "Server-sent events, the last one first: `queued` {position, ahead_seconds}, `progress` {stage, done, total,"
    " seconds_left}, then one of `result` (as of /api/measurements/{measurement_id}, with `stored` and"
    " `stored_reason`), `cancelled` {id} and `failed` {id, error}. A comment each 10 s. After the end a browser that"
    " asks again is answered 204."
)


def followed(measurement_id: str) -> Links:
    """What can be done with a measurement, by the place of its id in an answer."""
    one = "/api/measurements/{measurement_id}"
    return links(
        "measurement_id", measurement_id,
        f"GET {one}", f"GET {one}/events", f"POST {one}/cancel", f"GET {one}/csv", f"GET {one}/figures/{{figure}}",
        f"DELETE {one}",
    )  # fmt: skip


class NoSuchFigure(ApiError):
    status = 404
    code = "unknown_figure"

    def __init__(self, kind: str) -> None:
        names = " and ".join(MEASURE_FIGURES.get(kind, ()))
        super().__init__(f"a measurement of kind {kind} has no such figure", "figure", f"it has {names or 'none'}")


def add_measure_routes(
    router: APIRouter,
    table: Table,
    measuring: Measuring,
    subjects: Subjects,
    calculator: Calculator,
    settings: Settings,
) -> None:
    """Planned, queued, followed, cancelled."""
    query = Query(table, MEASURE, settings.max_query_bytes, by_scheme=True)

    def asked(request: Request) -> Asked:
        found = asked_layer(query.table, query.parse(request.scope["query_string"]))
        check_measurement(found.spec, settings)
        return found

    def read_network(raw: bytes) -> Asked:
        found = asked_network(Fields(parsed(raw), "a network to measure", NETWORK), subjects)
        check_measurement(found.spec, settings)
        return found

    async def accepted(found: Asked, request: Request) -> Response:
        measurement = await measuring.add(found, asker_of(request))
        position = measuring.position(measurement)
        facts = {"id": measurement.id, "position": position, "estimate_seconds": measurement.estimate}
        headers = {**NOW, "Location": f"/api/measurements/{measurement.id}"}
        return Response(orjson.dumps(facts), 202, headers, media_type=JSON)

    @router.get(
        "/api/measurements/plan",
        tags=["measurements"],
        openapi_extra=query.openapi(),
        responses=answers_with(MeasurePlan, 414, 422, 503, 507),
    )
    async def measure_plan(request: Request) -> Response:
        """What a measurement would run, how long it would take, and what this device can do."""
        spec = asked(request).spec
        assert isinstance(spec, MeasureSpec)
        known = await measuring.standing(spec.dtype)
        seconds, limit = known.seconds(spec), settings.max_measure_seconds
        told = {
            "estimate_seconds": seconds,
            "limit_seconds": limit,
            "allowed": seconds <= limit,
            **described_arms(spec),
            "dtypes": await measuring.dtypes(),
            "memory_formats": MEMORY_FORMATS,
            "waiting": measuring.ahead,
            "assumed_gflops": known.gflops,
            "measured_ceiling": known.known,
        }
        return Response(orjson.dumps(told), headers=NOW, media_type=JSON)

    @router.get("/api/measurements/queue", tags=["measurements"], responses=answers_with(MeasureQueue))
    async def measure_queue(request: Request) -> Response:
        """What runs and what waits."""
        return Response(orjson.dumps(measuring.queue()), headers=NOW, media_type=JSON)

    @router.post(
        "/api/measurements",
        tags=["measurements"],
        status_code=202,
        openapi_extra=query.openapi(),
        responses=answers_with(Accepted, 414, 422, 503, status=202, links=followed(ID)),
    )
    async def measure(request: Request) -> Response:
        """Put a measurement of a layer into the queue; it goes on when the client leaves, and its result is kept."""
        return await accepted(asked(request), request)

    @router.post(
        "/api/measurements/network",
        tags=["measurements"],
        status_code=202,
        openapi_extra={"requestBody": json_body(measurement_schema(settings), {**SUBJECT_SAMPLE, "rounds": 5})},
        responses=answers_with(Accepted, 404, 408, 413, 415, 422, 503, status=202, links=followed(ID)),
    )
    async def measure_network(request: Request) -> Response:
        """The same for every convolution of a network beside its variant; those of one shape are measured once."""
        raw = await read_body(request, settings.max_document_bytes, settings.slow_seconds)
        async with asking(request) as asker:
            found = await calculator.run(asker, read_network, raw)
        return await accepted(found, request)

    @router.get(
        "/api/measurements/{measurement_id}/events",
        tags=["measurements"],
        response_class=Response,
        openapi_extra=BY_ID,
        responses=answers_with_events(STREAM),
    )
    async def measure_events(request: Request) -> Response:
        """Follow a measurement, from wherever it is to its end."""
        feed = await measuring.feed(request.path_params["measurement_id"])
        if feed.ended and request.headers.get("last-event-id", "").encode() == LAST:
            return Response(status_code=204, headers=NOW)
        return StreamingResponse(server_sent(feed), headers={**NOW, "X-Accel-Buffering": "no"}, media_type=EVENTS)

    @router.post(
        "/api/measurements/{measurement_id}/cancel",
        tags=["measurements"],
        status_code=204,
        response_class=Response,
        openapi_extra=BY_ID,
        responses=failures(404),
    )
    async def measure_cancel(request: Request) -> Response:
        """End a measurement that waits or runs; one that has ended stays as it is."""
        measurement_id = request.path_params["measurement_id"]
        if not measuring.cancel(measurement_id):
            await measuring.results.get(measurement_id)
        return Response(status_code=204, headers=NOW)


def add_result_routes(router: APIRouter, table: Table, measuring: Measuring, settings: Settings) -> None:
    """What was measured: listed, read, drawn, taken away, deleted."""
    listing = _listing(table, settings)

    async def kept(request: Request) -> Kept:
        return await measuring.result(request.path_params["measurement_id"])

    @router.get("/api/measurements/export", tags=["measurements"], responses=answers_with(Export))
    async def measure_export(request: Request) -> Response:
        """Everything that is kept, as one JSON document."""
        headers = {**NOW, "Content-Disposition": 'attachment; filename="groupscope-measurements.json"'}
        return StreamingResponse(measuring.results.export(), headers=headers, media_type=JSON)

    @router.get(
        "/api/measurements",
        tags=["measurements"],
        openapi_extra=listing.openapi(),
        responses=answers_with(KeptMeasurements, 414, 422, 503, links=followed("$response.body#/measurements/0/id")),
    )
    async def measurements(request: Request) -> Response:
        """What is kept, the latest first. With a layer or conditions given: of that layer under these conditions on
        this device, whatever `rounds` says, and whether it is being measured now."""
        raw = request.scope["query_string"]
        values = listing.parse(raw)
        kind, wanted = values["kind"], Wanted(values["kind"], values["device"], None, values["limit"])
        active = None
        if {name for name, _ in pairs(raw)} & {*LAYER, *CONDITIONS}:
            layer = asked_layer(table, {**values, "kind": kind if kind in KINDS else KINDS[0]}).layer
            wanted = replace(wanted, layer=layer, device=wanted.device or await measuring.device())
            active = measuring.active(kind, layer) if kind else None
        found = [entry.listed() for entry in await measuring.results.find(wanted)]
        place = active and {"id": active.id, "kind": active.asked.kind, "position": measuring.position(active)}
        return Response(orjson.dumps({"measurements": found, "active": place}), headers=NOW, media_type=JSON)

    @router.get(
        "/api/measurements/{measurement_id}/csv",
        tags=["measurements"],
        response_class=Response,
        openapi_extra=BY_ID,
        responses=answers_with_bytes((CSV,), "A line for each run, the conditions in every line.", 404, 409),
    )
    async def measure_csv(request: Request) -> Response:
        """What was measured as comma-separated values."""
        entry = await kept(request)
        name = f"measurement-{entry.kind}-{entry.id[:8]}.csv"
        headers = {**NOW, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(csv_of(orjson.loads(entry.result)), headers=headers, media_type=CSV)

    @router.get(
        "/api/measurements/{measurement_id}/figures/{figure}",
        tags=["figures"],
        openapi_extra={"parameters": [MEASUREMENT_ID, FIGURE]},
        responses=answers_with(PlotlyFigure, 404, 409),
    )
    async def measure_figure(request: Request) -> Response:
        """What was measured as a Plotly figure."""
        entry = await kept(request)
        draw = MEASURE_FIGURES.get(entry.kind, {}).get(request.path_params["figure"])
        if draw is None:
            raise NoSuchFigure(entry.kind)
        return Response(orjson.dumps(draw(orjson.loads(entry.result))), headers=NOW, media_type=JSON)

    @router.get(
        "/api/measurements/{measurement_id}",
        tags=["measurements"],
        openapi_extra=BY_ID,
        responses=answers_with(AnyResult, 404, 409),
    )
    async def measurement(request: Request) -> Response:
        """What was measured."""
        return Response((await kept(request)).result, headers=NOW, media_type=JSON)

    @router.delete(
        "/api/measurements/{measurement_id}",
        tags=["measurements"],
        status_code=204,
        response_class=Response,
        openapi_extra=BY_ID,
        responses=failures(404, 409),
    )
    async def measure_delete(request: Request) -> Response:
        """Forget a result for good."""
        await measuring.delete(request.path_params["measurement_id"])
        return Response(status_code=204, headers=NOW)


def _listing(table: Table, settings: Settings) -> Query:
    """A layer's parameters narrow the list, and so does the rest."""
    more = {
        "kind": Choice("kind", "Kind", "Only this kind.", choices=(*KINDS, "network")),
        "device": Text("device", "Device", "Only of this device, as the list calls it.", most=400),
        "limit": Whole("limit", "Limit", "At most so many.", 100, low=1, high=1000),
    }
    return Query({**table, **more}, (*MEASURE, "device", "limit"), settings.max_query_bytes, by_scheme=True)
