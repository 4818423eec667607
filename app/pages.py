"""HTML: the page with what its scripts need to know, and errors for people who came by a link."""

from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from app import __version__
from app.errors import Refusal
from app.images import Images
from app.params import Table, boot_parameters
from app.settings import PROJECT, Settings

LIMITS = ("max_upload_bytes", "max_image_pixels", "max_channels", "max_size", "max_macs", "max_elements")


class Pages:
    """The templates of this server."""

    def __init__(self, settings: Settings, table: Table, images: Images) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(PROJECT / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=settings.reload,
        )
        self._templates.policies["json.dumps_kwargs"] = {"sort_keys": False}  # parameters have an order
        self._boot = {
            "version": __version__,
            "params": boot_parameters(table),
            "samples": images.samples,
            "limits": {name: getattr(settings, name) for name in LIMITS},
        }

    def index(self) -> Response:
        return self._html("index.html", boot=self._boot)

    def error(self, refusal: Refusal) -> Response:
        return self._html("error.html", refusal.status, status=refusal.status, error=refusal.as_dict())

    def _html(self, template: str, status_code: int = 200, **values: Any) -> Response:
        body = self._templates.get_template(template).render(values)
        return HTMLResponse(body, status_code, {"Cache-Control": "no-cache"})
