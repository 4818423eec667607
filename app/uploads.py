"""The picture of a multipart form, read within limits: a megabyte of it in memory, the rest in a temporary file."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import Request

from app.errors import FORM_HINT, ApiError
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
        what = f"not {content_type[:60]}" if content_type else "and no Content-Type was given"
        super().__init__(f"The body must be multipart/form-data, {what}", "image", FORM_HINT)


class NoPicture(ApiError):
    code = "missing_field"

    def __init__(self) -> None:
        super().__init__("The form has no file named `image`", "image", FORM_HINT)


@asynccontextmanager
async def uploaded(request: Request, max_bytes: int) -> AsyncIterator[BinaryIO]:
    """The file `image` of the form in `request`. Raises ApiError or MultiPartException."""
    _check_headers(request, max_bytes)
    parser = MultiPartParser(request.headers, _counted(request, max_bytes), max_files=1, max_fields=MAX_FIELDS)
    form = await parser.parse()
    try:
        picture = form.get("image")
        if not isinstance(picture, UploadFile):
            raise NoPicture
        if picture.size is not None and picture.size > max_bytes:
            raise UploadTooLarge(max_bytes, picture.size)
        yield picture.file
    finally:
        await form.close()


def _check_headers(request: Request, max_bytes: int) -> None:
    """Refuse what can be refused before a byte of the body is read."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise NotAForm(content_type)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes + FORM_BYTES:
        raise UploadTooLarge(max_bytes, int(declared))


async def _counted(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body, until it turns out longer than a form around a picture of `max_bytes` can be."""
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > max_bytes + FORM_BYTES:
            raise UploadTooLarge(max_bytes)
        yield chunk
