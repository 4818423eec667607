"""Networks trained on this server's device: planned, queued, followed, kept, taken away."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from app.asker import asker_of, asking
from app.errors import ApiError, shown
from app.feed import LAST, server_sent
from app.figures.training import accuracy_figure, confusion_figure, curves_figure, energy_figure
from app.kinds import Choice, Text, Whole
from app.links import ID, Links, links
from app.query import Query
from app.routing import EVENTS, JSON, WholeFile, answers_with, answers_with_bytes, answers_with_events, failures
from app.schemas import PlotlyFigure
from app.settings import Settings
from app.training import Training
from app.trainingcsv import training_csv
from app.trainingschemas import AcceptedRun, RunRecord, Runs, TrainingPlan
from compute.training import ARMS

CSV, SAFETENSORS = "text/csv", "application/octet-stream"
NOW = {"Cache-Control": "no-store"}
TRAINING_ID = {
    "name": "training_id",
    "in": "path",
    "required": True,
    "description": "Id of a training run.",
    "schema": {"type": "string"},
}
BY_ID: dict[str, Any] = {"parameters": [TRAINING_ID]}
ARM = Choice("arm", "Arm", "Whose.", "standard", choices=ARMS)
STREAM = (
    "Server-sent events, the last one first: `queued` {position}, `progress` {state, stage, done, total, seconds_left,"
    " seed, version, looks_version, arms}, then one of `result` {id, state}, `cancelled` {id, state} and `failed` {id,"
    " state, error}. `version` grows with the curves, `looks_version` with what is seen of the networks. A comment each"
    " 10 s. After the end a browser that asks again is answered 204."
)
FIGURES = ("curves", "accuracy", "confusion", "energy")


def steered(training_id: str) -> Links:
    """What can be done with a run, by the place of its id in an answer."""
    one = "/api/trainings/{training_id}"
    return links(
        "training_id", training_id,
        f"GET {one}", f"GET {one}/events", f"POST {one}/pause", f"POST {one}/resume", f"POST {one}/cancel",
        f"GET {one}/csv", f"GET {one}/figures/{{figure}}", f"GET {one}/probe", f"DELETE {one}",
    )  # fmt: skip


class NoSuchArm(ApiError):
    status = 404
    code = "unknown_arm"

    def __init__(self, arm: str, record: Mapping[str, Any]) -> None:
        names = ", ".join(one["arm"] for one in record["arms"])
        super().__init__(f"this run has no arm {shown(arm)}", "arm", f"it has {names}")


class NotLookedYet(ApiError):
    status = 404
    code = "not_looked_yet"

    def __init__(self) -> None:
        super().__init__("nothing was seen of this run's networks yet", None, "try again once it trains")


def add_training_routes(router: APIRouter, training: Training) -> None:
    """Planned, queued, followed, paused, cancelled."""

    @router.get(
        "/api/trainings/plan",
        tags=["training"],
        openapi_extra=training.openapi(),
        responses=answers_with(TrainingPlan, 414, 422, 503, 507),
    )
    async def training_plan(request: Request) -> Response:
        """What a run would train, how wide each network would be, and how long it would take here."""
        async with asking(request) as asker:
            told = await training.plan(training.asked(request.scope["query_string"]), asker)
        return Response(orjson.dumps(told), headers=NOW, media_type=JSON)

    @router.post(
        "/api/trainings",
        tags=["training"],
        status_code=202,
        openapi_extra=training.openapi(),
        responses=answers_with(AcceptedRun, 414, 422, 503, 507, status=202, links=steered(ID)),
    )
    async def train(request: Request) -> Response:
        """Put a run into the queue; it goes on when the client leaves, and survives the server."""
        async with asking(request) as asker:
            run = await training.add(training.asked(request.scope["query_string"]), asker)
        facts = {"id": run.id, "position": training.position(run), "estimate_seconds": run.seconds_left}
        return Response(orjson.dumps(facts), 202, {**NOW, "Location": f"/api/trainings/{run.id}"}, media_type=JSON)

    @router.get(
        "/api/trainings/{training_id}/events",
        tags=["training"],
        response_class=Response,
        openapi_extra=BY_ID,
        responses=answers_with_events(STREAM),
    )
    async def training_events(request: Request) -> Response:
        """Follow a run, from wherever it is to its end."""
        feed = await training.feed(request.path_params["training_id"])
        if feed.ended and request.headers.get("last-event-id", "").encode() == LAST:
            return Response(status_code=204, headers=NOW)
        return StreamingResponse(server_sent(feed), headers={**NOW, "X-Accel-Buffering": "no"}, media_type=EVENTS)

    @router.post(
        "/api/trainings/{training_id}/pause",
        tags=["training"],
        status_code=204,
        response_class=Response,
        openapi_extra=BY_ID,
        responses=failures(404),
    )
    async def training_pause(request: Request) -> Response:
        """Stop a run where it stands; it is saved and makes room for the next."""
        await training.pause(request.path_params["training_id"])
        return Response(status_code=204, headers=NOW)

    @router.post(
        "/api/trainings/{training_id}/resume",
        tags=["training"],
        status_code=204,
        response_class=Response,
        openapi_extra=BY_ID,
        responses=failures(404, 503),
    )
    async def training_resume(request: Request) -> Response:
        """Go on with a run that was paused, cancelled or failed, from where it was saved last, to the same numbers."""
        await training.resume(request.path_params["training_id"], asker_of(request))
        return Response(status_code=204, headers=NOW)

    @router.post(
        "/api/trainings/{training_id}/cancel",
        tags=["training"],
        status_code=204,
        response_class=Response,
        openapi_extra=BY_ID,
        responses=failures(404),
    )
    async def training_cancel(request: Request) -> Response:
        """End a run; what it has learned is kept."""
        await training.cancel(request.path_params["training_id"])
        return Response(status_code=204, headers=NOW)


def add_run_routes(router: APIRouter, training: Training, settings: Settings) -> None:
    """What was trained: listed, read, drawn, taken away, deleted."""
    limit = {"limit": Whole("limit", "Limit", "At most so many.", 100, low=1, high=1000)}
    listing = Query(limit, ("limit",), settings.max_query_bytes)
    drawing = _drawing(settings)

    @router.get(
        "/api/trainings",
        tags=["training"],
        openapi_extra=listing.openapi(),
        responses=answers_with(Runs, 414, 422, links=steered("$response.body#/trainings/0/id")),
    )
    async def trainings(request: Request) -> Response:
        """What waits, trains and is kept, the latest first."""
        values = listing.parse(request.scope["query_string"])
        return Response(orjson.dumps({"trainings": await training.find(values["limit"])}), headers=NOW, media_type=JSON)

    @router.get("/api/trainings/export", tags=["training"], responses=answers_with(None))
    async def training_export(request: Request) -> Response:
        """Every record as one JSON document, the latest first."""
        records = [await training.record(run["id"]) for run in await training.find(settings.runs_kept)]
        headers = {**NOW, "Content-Disposition": 'attachment; filename="groupscope-trainings.json"'}
        return Response(orjson.dumps({"trainings": records}), headers=headers, media_type=JSON)

    @router.get(
        "/api/trainings/{training_id}/csv",
        tags=["training"],
        response_class=Response,
        openapi_extra=BY_ID,
        responses=answers_with_bytes((CSV,), "A line for each stretch of steps and each evaluation.", 404),
    )
    async def training_table(request: Request) -> Response:
        """The curves as comma-separated values."""
        record = await training.record(request.path_params["training_id"])
        headers = {**NOW, "Content-Disposition": f'attachment; filename="training-{record["id"][:8]}.csv"'}
        return Response(training_csv(record), headers=headers, media_type=CSV)

    @router.get(
        "/api/trainings/{training_id}/figures/{figure}",
        tags=["figures"],
        openapi_extra={"parameters": [TRAINING_ID, _figure(), *drawing.openapi()["parameters"]]},
        responses=answers_with(PlotlyFigure, 404, 414, 422),
    )
    async def training_figure(request: Request) -> Response:
        """The run as a Plotly figure: learning curves, accuracy against params, confusion, energy by group."""
        figure, values = request.path_params["figure"], drawing.parse(request.scope["query_string"])
        record = await training.record(request.path_params["training_id"])
        if figure not in FIGURES:
            raise NoSuchRunFigure(figure)
        if figure == "curves":
            other = await training.record(values["compare"]) if values["compare"] else None
            drawn = curves_figure(record, values["x"], values["y"], other)
        elif figure == "accuracy":
            drawn = accuracy_figure(record)
        else:
            _check_arm(record, values["arm"])
            drawn = (confusion_figure if figure == "confusion" else energy_figure)(record, values["arm"])
        return Response(orjson.dumps(drawn), headers=NOW, media_type=JSON)

    @router.get(
        "/api/trainings/{training_id}/probe",
        tags=["training"],
        response_class=Response,
        openapi_extra={"parameters": [TRAINING_ID, ARM.openapi()]},
        responses=answers_with_bytes(
            (SAFETENSORS,),
            "A safetensors file of the latest look: `stem` (C, image channels, 3, 3), `covariance.m` and"
            " `correlation.m` (C, C) of each module, rows the channels before it; metadata `looks` as in the record.",
            404, 414, 422,
        ),
    )  # fmt: skip
    async def training_probe(request: Request) -> Response:
        """What was seen of one arm lately, as arrays."""
        arm = Query({"arm": ARM}, ("arm",), settings.max_query_bytes).parse(request.scope["query_string"])["arm"]
        record = await training.record(request.path_params["training_id"])
        _check_arm(record, arm)
        path: Path = training.store.folder(record["id"]) / f"probe-{arm}.safetensors"
        if not path.exists():
            raise NotLookedYet
        return WholeFile(path, headers=NOW, media_type=SAFETENSORS)

    @router.get(
        "/api/trainings/{training_id}",
        tags=["training"],
        openapi_extra=BY_ID,
        responses=answers_with(RunRecord, 404),
    )
    async def training_record(request: Request) -> Response:
        """Everything there is to say about a run."""
        record = await training.record(request.path_params["training_id"])
        return Response(orjson.dumps(record), headers=NOW, media_type=JSON)

    @router.delete(
        "/api/trainings/{training_id}",
        tags=["training"],
        status_code=204,
        response_class=Response,
        openapi_extra=BY_ID,
        responses=failures(404, 409),
    )
    async def training_delete(request: Request) -> Response:
        """Forget a run and its networks for good."""
        await training.delete(request.path_params["training_id"])
        return Response(status_code=204, headers=NOW)


class NoSuchRunFigure(ApiError):
    status = 404
    code = "unknown_figure"

    def __init__(self, figure: str) -> None:
        super().__init__(f"a training run has no figure {shown(figure)}", "figure", f"it has {', '.join(FIGURES)}")


def _check_arm(record: Mapping[str, Any], arm: str) -> None:
    if arm not in [one["arm"] for one in record["arms"]]:
        raise NoSuchArm(arm, record)


def _drawing(settings: Settings) -> Query:
    table = {
        "x": Choice("x", "Against", "What curves are drawn against.", "steps", choices=("steps", "seconds", "macs")),
        "y": Choice("y", "Curve", "Held-out accuracy, or the loss.", "accuracy", choices=("accuracy", "loss")),
        "compare": Text("compare", "Compare", "Id of another run, drawn pale beneath.", most=40),
        "arm": ARM,
    }
    return Query(table, tuple(table), settings.max_query_bytes)


def _figure() -> dict[str, Any]:
    return {
        "name": "figure",
        "in": "path",
        "required": True,
        "description": "Which figure.",
        "schema": {"type": "string", "enum": list(FIGURES)},
    }
