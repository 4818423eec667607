"""What the server writes to its log: lines for people, or one JSON object each for programs.

A line says when, how bad, who says it, and what; of a request also which (its id), from where, what it asked and how it
ended. Queries and bodies are never written: they may hold what somebody would rather keep.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

from app.errors import shown
from app.middleware import Seen
from app.settings import Settings

FACTS = "facts"  # what a record knows beside its message
log = logging.getLogger("groupscope.requests")


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FACTS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = "".join(f" {name}={value}" for name, value in getattr(record, FACTS, {}).items())
        line = f"{_time(record)} {record.levelname} {record.name}: {_one_line(record.getMessage())}{facts}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def set_up(settings: Settings) -> None:
    """For this process: everything at WARNING and above, and each request at INFO where that is wanted."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.raiseExceptions = False  # a log that can't be written, its disk full, is no reason to write about it
    if settings.log_requests:
        log.setLevel(logging.INFO)


def tell(seen: Seen) -> None:
    """Of a request that has ended: failures of the server as errors, all others for whoever wants every request."""
    level = logging.ERROR if seen.error or seen.status == 500 else logging.INFO
    if not log.isEnabledFor(level):
        return
    facts = {
        "request_id": seen.request_id,
        "client": seen.address,
        "method": seen.method,
        "path": shown(seen.path, 200)[1:-1],
        "status": seen.status,
        "ms": round(seen.seconds * 1000, 1),
    }
    failed = level == logging.ERROR
    log.log(level, "failed" if failed else "answered", exc_info=seen.error if failed else None, extra={FACTS: facts})


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_line(message: str) -> str:
    return message.replace("\r", "\\r").replace("\n", "\\n")
