"""Assembles the server: the one place where its parts meet."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any
from wsgiref.headers import Headers

from fastapi import APIRouter, FastAPI
from servestatic import ServeStaticASGI  # type: ignore[import-untyped]  # it ships no types
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_compress import CompressMiddleware, remove_compress_type

from app import __version__
from app.access import Access, Guarded
from app.calculator import Calculator
from app.checkpoints import Checkpoints
from app.documents import Documents
from app.documentschema import document_schema
from app.doors import Doors
from app.engine import Engine
from app.errors import add_error_handlers
from app.images import Images
from app.logs import tell
from app.measureparams import measure_parameters
from app.measuring import Measuring
from app.metrics import Metrics, Queue
from app.middleware import Around, Seen
from app.networkanswers import NetworkAnswers
from app.pages import Pages
from app.params import parameters
from app.results import Results
from app.routers.checkpoints import add_checkpoint_routes
from app.routers.growth import add_growth_routes
from app.routers.images import add_image_routes
from app.routers.login import add_login_routes
from app.routers.maps import add_map_routes
from app.routers.measure import add_measure_routes, add_result_routes
from app.routers.networks import add_network_routes
from app.routers.numbers import add_number_routes
from app.routers.page import add_page_routes
from app.routers.stack import add_stack_routes
from app.routers.status import add_metrics_route, add_status_routes
from app.routers.training import add_run_routes, add_training_routes
from app.routing import DirectRoute, refusals_of
from app.runstore import RunStore
from app.settings import PROJECT, Settings
from app.stackparams import stack_parameters
from app.store import Store
from app.training import Training
from app.trainingparams import training_parameters

COMPRESS_FROM = 4096  # bytes; below it the round trip decides, not the size
SWEEP_SECONDS = 600


class Server(FastAPI):
    """FastAPI with the headers, and who sees every request, around everything, the answer to a crash included.

    `components`: schemas of its documentation that are made, not modelled. `refusals`: what every route may answer.
    `ended` is told of every request.
    """

    components: Mapping[str, Any] = MappingProxyType({})
    refusals: Mapping[str, Any] = MappingProxyType({})
    ended: tuple[Callable[[Seen], None], ...] = (tell,)

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            described = super().openapi()
            described["components"]["schemas"].update(self.components)
            for operation in (operation for path in described["paths"].values() for operation in path.values()):
                operation["responses"] |= {
                    status: refusal for status, refusal in self.refusals.items() if status not in operation["responses"]
                }
        return self.openapi_schema or {}

    def build_middleware_stack(self) -> ASGIApp:
        return Around(super().build_middleware_stack(), self._tell)

    def _tell(self, seen: Seen) -> None:
        for told in self.ended:
            told(seen)


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    images = Images(settings, Store(settings.store, settings.store_bytes, settings.store_hours))
    engine, calculator = Engine(settings), Calculator(settings)
    measuring = Measuring(engine, Results(settings.results, settings.results_kept), settings)
    networks = NetworkAnswers(Documents(settings))
    checkpoints = Checkpoints(settings)
    table, stack_table = (make(settings, images.samples[0]["id"]) for make in (parameters, stack_parameters))
    measure_table, training_table = measure_parameters(settings), training_parameters(settings)
    training = Training(engine, RunStore(settings.runs, settings.runs_kept), training_table, settings)
    tables = {"layer": table, "stack": stack_table, "measure": measure_table, "train": training_table}
    pages, access = Pages(settings, tables, images), Access(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await engine.start()
        images.start()
        await measuring.start()
        await training.start()
        sweeping = asyncio.create_task(_sweep(images))
        yield
        sweeping.cancel()
        await training.stop()
        await measuring.stop()
        await engine.stop()
        calculator.stop()
        images.close()

    app = Server(
        title="Groupscope",
        version=__version__,
        summary="Counts, channel splits, feature maps, whole networks and measured times of grouped convolutions.",
        lifespan=lifespan,
        docs_url=None,  # they load their scripts from another host
        redoc_url=None,
        redirect_slashes=False,
    )
    app.components = {"NetworkDocument": document_schema(settings)}
    app.refusals = refusals_of(settings)
    app.state.engine = engine  # for whoever started the server and wants to say what it computes on
    app.state.leavers = (measuring, training)  # and for whoever stops it
    api = APIRouter(route_class=DirectRoute)
    caches = add_number_routes(api, table, settings)  # first: the most frequent, and routes are tried in order
    add_map_routes(api, table, images, checkpoints, engine, settings)
    add_stack_routes(api, stack_table, images, checkpoints, engine, calculator, settings)
    add_checkpoint_routes(api, stack_table, checkpoints, settings)
    add_network_routes(api, networks, calculator, settings)
    add_measure_routes(api, measure_table, measuring, networks.subjects, calculator, settings)
    add_result_routes(api, measure_table, measuring, settings)
    add_training_routes(api, training)
    add_run_routes(api, training, settings)
    add_growth_routes(api, table, calculator, settings)
    add_image_routes(api, table, images, settings)
    add_status_routes(api, engine)
    if settings.metrics:
        queues: dict[str, Queue] = {"device": engine, "networks": calculator, "pictures": images.decoder}
        metrics = Metrics(engine, queues, {**caches, "networks": calculator.cache})
        add_metrics_route(api, metrics)
        app.ended = (tell, metrics.count)
    add_page_routes(api, pages)
    add_login_routes(api, access, pages)
    app.router.routes.extend(api.routes)  # include_router matches each request twice, once for the router
    refuse = add_error_handlers(app, pages.error)
    app.mount("/static", _read_only(_static_files()))
    remove_compress_type("text/event-stream")  # an event that waits in a compressor comes late
    app.add_middleware(CompressMiddleware, minimum_size=COMPRESS_FROM)
    if access.needed:
        app.add_middleware(Guarded, access=access, refuse=refuse)
    app.add_middleware(Doors, refuse=refuse, settings=settings)  # the last one added stands first
    return app


def _static_files() -> ASGIApp:
    """Looked up afresh each time (`autorefresh`): an upgrade below a running server must not break its page."""
    files: ASGIApp = ServeStaticASGI(
        _no_such_file,
        root=PROJECT / "static",
        prefix="static",
        max_age=None,
        allow_all_origins=False,
        autorefresh=True,
        add_headers_function=_revalidate,
    )
    return files


async def _no_such_file(scope: Scope, receive: Receive, send: Send) -> None:
    raise HTTPException(404)


def _read_only(app: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        await app(scope, receive, send)

    return serve


def _revalidate(headers: Headers, path: str, url: str) -> None:
    """Static files keep their names over versions: ask each time, the ETag answers 304."""
    headers["Cache-Control"] = "no-cache"


async def _sweep(images: Images) -> None:
    """Old pictures go on time, also where nobody uploads new ones."""
    while True:
        await images.sweep()
        await asyncio.sleep(SWEEP_SECONDS)
