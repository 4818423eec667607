"""The pages."""

from fastapi import APIRouter, Request, Response

from app.pages import Pages


def add_page_routes(router: APIRouter, pages: Pages) -> None:
    @router.get("/", include_in_schema=False)
    async def index(request: Request) -> Response:
        return pages.index()

    @router.get("/stack", include_in_schema=False)
    async def stack(request: Request) -> Response:
        return pages.stack()

    @router.get("/measure", include_in_schema=False)
    async def measure(request: Request) -> Response:
        return pages.measure()

    @router.get("/train", include_in_schema=False)
    async def train(request: Request) -> Response:
        return pages.train()

    @router.get("/networks", include_in_schema=False)
    async def networks(request: Request) -> Response:
        return pages.networks()
