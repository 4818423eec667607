"""HTML: the page with what its scripts need to know, and errors for people who came by a link."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from app import __version__
from app.errors import ApiError, Refusal
from app.images import Images
from app.params import Table, boot_parameters
from app.settings import PROJECT, Settings
from compute.networks import catalogue

LIMITS = (
    "max_upload_bytes", "max_image_pixels", "max_channels", "max_size", "max_macs", "max_elements",
    "max_document_bytes", "max_checkpoint_bytes", "max_layers", "max_network_channels",
)  # fmt: skip


class Pages:
    """The templates of this server."""

    def __init__(self, settings: Settings, tables: Mapping[str, Table], images: Images) -> None:
        """tables: of parameters, by page."""
        self._templates = Environment(
            loader=FileSystemLoader(PROJECT / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=settings.reload,
        )
        self._templates.policies["json.dumps_kwargs"] = {"sort_keys": False}  # parameters have an order
        self._templates.globals["signs_out"] = settings.token is not None
        self._parameters = {page: boot_parameters(table) for page, table in tables.items()}
        self._boot = {
            "version": __version__,
            "samples": images.samples,
            "limits": {name: getattr(settings, name) for name in LIMITS},
        }

    def index(self) -> Response:
        return self._with_parameters("layer", "index.html")

    def stack(self) -> Response:
        return self._with_parameters("stack", "stack.html")

    def measure(self) -> Response:
        return self._with_parameters("measure", "measure.html")

    def train(self) -> Response:
        answer = orjson.loads((PROJECT / "compute/trained/files/answer.json").read_bytes())
        return self._with_parameters("train", "train.html", answer=answer)

    def networks(self) -> Response:
        """The published networks are read when somebody first asks for them."""
        entries = [{"id": entry["id"], "name": entry["name"]} for entry in catalogue()]
        families: dict[str, list[dict[str, str]]] = {}
        for entry in entries:
            families.setdefault(entry["name"].split()[0], []).append(entry)
        boot = {"version": __version__, "networks": entries, "limits": self._boot["limits"]}
        return self._html("networks.html", boot=boot, families=families)

    def login(self, goal: str, session_seconds: int, error: ApiError | None = None) -> Response:
        """goal: address of a page of this server, where signing in leads. error: why it did not."""
        status, headers = (error.status, error.headers) if error else (HTTPStatus.OK, None)
        values = {"goal": goal, "lasting": lasting(session_seconds), "error": error}
        return self._html("login.html", status, {"Cache-Control": "no-store", **(headers or {})}, **values)

    def error(self, refusal: Refusal) -> Response:
        return self._html("error.html", refusal.status, status=refusal.status, error=refusal.as_dict())

    def _with_parameters(self, page: str, template: str, **values: Any) -> Response:
        return self._html(template, boot={**self._boot, "params": self._parameters[page]}, **values)

    def _html(
        self, template: str, status_code: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        body = self._templates.get_template(template).render(values)
        return HTMLResponse(body, status_code, {"Cache-Control": "no-cache", **(headers or {})})


def lasting(seconds: int) -> str:
    """A time as people say it: in the largest unit of which there are at least two."""
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}s"
    return f"{seconds} seconds"
