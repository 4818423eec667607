"""The members of a JSON object, read one by one: unknown names are refused, and each value is what its reader says.

`place` is where the object stands in the body, such as `policy` or `series[2]`; errors name their field from there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from app.errors import ApiError, shown
from compute.errors import SpecError, integer


class BadField(ApiError):
    """A member of a JSON body that is not what it should be."""

    code = "invalid_field"


class UnknownField(ApiError):
    code = "unknown_field"

    def __init__(self, name: str, what: str, known: tuple[str, ...]) -> None:
        near = get_close_matches(name[:40], known, n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        super().__init__(f"{shown(name)} is no part of {what}", shown(name)[1:-1], f"{guess}known: {', '.join(known)}")


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Errors from within name their field from the body's root."""
    try:
        yield
    except (ApiError, SpecError) as error:
        error.field = f"{place}.{error.field}" if error.field else place
        raise


class Fields:
    """The members of one object."""

    def __init__(self, value: Any, what: str, known: tuple[str, ...]) -> None:
        if not isinstance(value, dict):
            raise BadField(f"{what} must be an object, not {described(value)}", None, "write {...}")
        for name in value:
            if name not in known:
                raise UnknownField(name, what, known)
        self.given: dict[str, Any] = value
        self.what = what

    def any(self, name: str, example: str) -> Any:
        if name not in self.given:
            raise BadField(f"{self.what} needs {name}", name, f"add {example}")
        return self.given[name]

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        return integer(name, self.given.get(name, default), low, high)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.given.get(name, default)
        if value not in choices:
            *head, last = choices
            rule = f"{name} must be one of {', '.join(choices)}, not {described(value)}"
            raise BadField(rule, name, f"use {', '.join(head)} or {last}")
        return str(value)

    def switch(self, name: str, default: bool) -> bool:
        value = self.given.get(name, default)
        if not isinstance(value, bool):
            raise BadField(f"{name} must be true or false, not {described(value)}", name, "write true or false")
        return value

    def text(self, name: str, default: str, most: int) -> str:
        value = self.given.get(name, default)
        if not isinstance(value, str) or len(value) > most:
            raise BadField(
                f"{name} must be text of at most {most} characters, not {described(value)}", name, "shorten it"
            )
        return value


def described(value: Any) -> str:
    """What a client sent, fit to be repeated in a sentence."""
    match value:
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"an object of {len(value)}"
        case str():
            return shown(value)
        case None | bool():
            return "null" if value is None else str(value).lower()
    return f"{value}"
