"""The picture of a multipart form, read within limits: a megabyte of it in memory, the rest in a temporary file."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import BinaryIO

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import Request

from app.bodies import check_length, moving
from app.errors import FORM_HINT, ApiError, shown
from app.settings import Settings
from app.store import not_kept
from compute.formulas import digits

FORM_BYTES = 65_536  # boundaries, part headers and small fields around the file
MAX_FIELDS = 8
FORM_SCHEMA = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {"image": {"type": "string", "format": "binary", "description": "The picture's file."}},
            }
        }
    },
}


class UploadTooLarge(ApiError):
    status = 413
    code = "upload_too_large"

    def __init__(self, limit: int, size: int | None = None) -> None:
        what = f"not {digits(size)}" if size is not None else "and this one goes on"
        super().__init__(f"A picture may have at most {digits(limit)} bytes, {what}", "image", "send a smaller copy")


class NotAForm(ApiError):
    status = 415
    code = "not_a_form"

    def __init__(self, content_type: str) -> None:
        what = f"not {shown(content_type, 60)}" if content_type else "and no Content-Type was given"
        super().__init__(f"The body must be multipart/form-data, {what}", "image", FORM_HINT)


class NoPicture(ApiError):
    code = "missing_field"

    def __init__(self) -> None:
        super().__init__("The form has no file named `image`", "image", FORM_HINT)


@asynccontextmanager
async def uploaded(request: Request, settings: Settings) -> AsyncIterator[BinaryIO]:
    """The file `image` of the form in `request`. What else the form says, and what it calls the file, is not looked
    at. Raises ApiError or MultiPartException."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise NotAForm(content_type)
    max_bytes = settings.max_upload_bytes
    check_length(request, max_bytes + FORM_BYTES, max_bytes, UploadTooLarge)
    most = max_bytes + FORM_BYTES
    async with aclosing(moving(request, most, lambda: UploadTooLarge(max_bytes), settings.slow_seconds)) as chunks:
        form = await _form(request, chunks)
    try:
        picture = form.get("image")
        if not isinstance(picture, UploadFile):
            raise NoPicture
        if picture.size is not None and picture.size > max_bytes:
            raise UploadTooLarge(max_bytes, picture.size)
        yield picture.file
    finally:
        await form.close()


async def _form(request: Request, chunks: AsyncGenerator[bytes, None]) -> FormData:
    parser = MultiPartParser(request.headers, chunks, max_files=1, max_fields=MAX_FIELDS, max_part_size=FORM_BYTES)
    try:
        return await parser.parse()
    except OSError as error:  # of its temporary file
        raise not_kept(error) from error
