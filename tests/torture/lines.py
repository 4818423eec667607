"""Lines that no client library would send: a small generator of bytes that are nearly HTTP, and what must come back.

Whatever is sent, nothing but a file of static/ goes out, nothing answers 5xx, and what is a request is answered.
"""

import json
import posixpath
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

import httpx2

from app.settings import PROJECT

SECONDS, PATIENCE = 60, 1  # until the answer to a request counts as none, and to what may be none
MOST = 4_000_000  # bytes of an answer that are read
SHOWN = 160
INVALID = b"Invalid HTTP request received."  # uvicorn's own answer to what is no HTTP
BUSY = ("busy", "starting", "connections")

NASTY = (
    b"", b".", b"..", b"%2e%2e", b"..%2f..%2fapp%2fmain.py", b"%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"..%5c..%5cetc",
    b"..\\..\\etc\\passwd", b"%00", b"a%00b", b"%", b"%zz", b"%ff%fe", b"\xff\xfe", b"%c0%ae%c0%ae%2f", b"%252e%252e",
    b"nothing%0d%0aSet-Cookie:%20a=b", b"%F0%9F%A6%84", b"0" * 64, b"f" * 64, b"0" * 5000, b"{id}", b"$(id)", b"';--",
    b"con", b"nul", b"~root", b"file:%2f%2f%2fetc%2fpasswd", b"%e2%80%ae", b"fashion-standard", b"..%00.safetensors",
)  # fmt: skip
OUTSIDE = (
    b"app/main.py", b"pyproject.toml", b"templates/base.html", b"etc/passwd", b"README.md", b".git/config",
    b"js/main.js",
)  # fmt: skip
UP = (
    b"../",
    b"..%2f",
    b"%2e%2e/",
    b"%2e%2e%2f",
    b"..\\",
    b"..%5c",
    b"....//",
    b".%00./",
    b"%252e%252e%252f",
    b"..;/",
    b"/",
)
TEXTS = (
    b"", b"1", b"-1", b"0", b"9" * 400, b"1e309", b"NaN", b"%D9%A3", b"%ff", b"\xff\xfe", b"%00", b"%0d%0a", b"+",
    b"%2B3", b"true", b"null", b"[]", b"<script>", b"'\"", b"3,3,3,3", b"1x1," * 3000, b"0:99999", b"%", b"%u0041",
    b"a" * 3000,
)  # fmt: skip
NAMES = (
    b"groups",
    b"in_channels",
    b"scheme",
    b"sizes",
    b"image",
    b"size",
    b"x",
    b"",
    b"%00",
    b"groups[]",
    b"\xff",
    b"limit",
)
METHODS = (
    b"PATCH",
    b"TRACE",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"HEAD",
    b"CONNECT",
    b"PROPFIND",
    b"QUERY",
    b"MADEUP",
    b"get",
    b"G\0T",
)
HEADERS: dict[bytes, tuple[bytes, ...]] = {
    b"Accept": (b"", b"*/*;q=x", b"text/html", b"\xff", b"a" * 9000, b"application/json;q=0", b"text/html\0"),
    b"Accept-Encoding": (b"zstd;q=nan", b"br, gzip, zstd, identity;q=0", b"\xff", b"*" * 900),
    b"If-None-Match": (b"*", b'"', b'W/"', b"," * 4000, b"\xff", b'"\0"', b'"' + b"0" * 64 + b'"'),
    b"If-Modified-Since": (b"never", b"Thu, 99 Foo 0000 25:61:61 GMT", b"\xff"),
    b"Range": (b"bytes=5-1", b"bytes=-", b"lines=1-2", b"bytes=999999999-", b"bytes=0-0,-1", b"bytes=" + b"0-," * 999),
    b"Last-Event-ID": (b"last", b"-1", b"\xff", b"9" * 5000),
    b"Content-Type": (b"", b"application/json; charset=\xff", b"multipart/form-data; boundary=" + b"b" * 99, b"a/b"),
    b"Content-Length": (b"-1", b"+3", b"0x10", b"1e3", b"99999999999999999999", b"3, 3", b"", b"\xd9\xa3"),
    b"Transfer-Encoding": (b"chunked", b"gzip", b"chunked, chunked", b"identity", b"\xff", b" chunked"),
    b"Content-Encoding": (b"gzip", b"zstd", b"br", b"\xff"),
    b"Expect": (b"100-continue", b"200-ok"),
    b"Groupscope-Errors": (b"inline", b"\xff"),
    b"Groupscope-Client": (b"\xff", b"a" * 9000, b"12345678"),
    b"Upgrade": (b"websocket", b"h2c", b"\xff"),
    b"Cookie": (b"\xff", b"=" * 4000, b"a=b; a=b"),
    b"X-Forwarded-For": (b"\xff", b"999.999.999.999", b"::1" * 400),
}  # fmt: skip
GARBAGE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,  # TLS
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n" * 50, b"\0" * 200, b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET  /  HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\nHost: localhost\n\n", b"/ GET\r\n\r\n",
    b"GET / HTTP/1.1\r\n folded: yes\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"GET / HTTP/1.1\r\nA\0B: c\r\n\r\n",
    b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """raw: everything that is sent. request: it is whole, and so must be answered. path: where it is known."""

    raw: bytes
    request: bool = True
    path: bytes = b""


@dataclass
class Sent:
    count: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def sent(port: int, seed: int, seconds: float | None = None, count: int | None = None) -> Sent:
    """As many as `seconds` allow, or `count`."""
    paths = list(httpx2.get(f"http://127.0.0.1:{port}/openapi.json", timeout=SECONDS).json()["paths"])
    end, seen = time.monotonic() + (seconds or 1e9), Sent()
    for line in generated(random.Random(seed), [path.encode() for path in paths]):
        if time.monotonic() > end or seen.count == count:
            return seen
        answer = asked(port, line.raw, SECONDS if line.request else PATIENCE)
        seen.count += 1
        seen.statuses[_status(answer)] += 1
        if wrong := held(line, answer):
            seen.failures.append(f"{wrong}: {line.raw[:SHOWN]!r}")
    return seen


def generated(chance: random.Random, paths: list[bytes]) -> Iterator[Line]:
    """Without end, one kind after the other."""
    kinds: list[Callable[[random.Random, list[bytes]], Line]] = [
        _path,
        _static,
        _query,
        _header,
        _method,
        _body,
        _garbage,
    ]
    while True:
        for kind in kinds:
            yield kind(chance, paths)


def asked(port: int, raw: bytes, seconds: float) -> bytes:
    """Everything that comes back until the server closes, or `seconds` are over."""
    answer = bytearray()
    try:
        with socket.create_connection(("127.0.0.1", port), seconds) as wire:
            wire.sendall(raw)
            end = time.monotonic() + seconds
            while len(answer) < MOST and time.monotonic() < end and (part := wire.recv(65_536)):
                answer += part
    except OSError:  # a reset after the answer is no other answer
        pass
    return bytes(answer)


def held(line: Line, answer: bytes) -> str | None:
    """What is wrong with an answer."""
    status, (head, _, body) = _status(answer), _final(answer).partition(b"\r\n\r\n")
    if not status:
        return "no answer" if line.request else None
    if status >= 500 and _code(body) not in BUSY:
        return f"{status}"
    headed = line.raw.startswith(b"HEAD ")
    if status == 200 and b"static" in line.path and not headed and not _is_static(line.path, body):
        return "a file from elsewhere"
    if status >= 400 and body and b"application/json" in head and _code(body) is None:
        return f"{status} in another shape"
    if status >= 400 and body and b"json" not in head and b"text/html" not in head and body != INVALID:
        return f"{status} in another shape"
    return None


def _is_static(path: bytes, body: bytes) -> bool:
    """The file that the path names by its letters, and no other."""
    name = posixpath.normpath(unquote_to_bytes(path.partition(b"?")[0]).decode("utf-8", "surrogateescape"))
    file = PROJECT / name.lstrip("/")
    return name.startswith("/static/") and "\0" not in name and file.is_file() and file.read_bytes() == body


def _status(answer: bytes) -> int:
    """0 where there is none."""
    found = re.match(rb"HTTP/1\.1 (\d{3})", _final(answer))
    return int(found[1]) if found else 0


def _final(answer: bytes) -> bytes:
    """Without the `100 Continue` before it."""
    return answer.partition(b"\r\n\r\n")[2] if answer.startswith(b"HTTP/1.1 100") else answer


def _code(body: bytes) -> str | None:
    """Of the one shape of errors; None where it is not in it."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(error["code"]) if set(error) == {"code", "message", "field", "hint"} else None


def _request(
    target: bytes, method: bytes = b"GET", headers: bytes = b"", body: bytes = b"", whole: bool = True
) -> Line:
    head = method + b" " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + b"\r\n"
    clean = not re.search(rb"[\x00-\x20\x7f-\xff\\]", target + method)
    return Line(head + body, whole and clean, target)


def _filled(chance: random.Random, paths: list[bytes]) -> bytes:
    return re.sub(rb"\{\w+\}", lambda _: chance.choice(NASTY), chance.choice(paths))


def _path(chance: random.Random, paths: list[bytes]) -> Line:
    path = re.sub(rb"\{\w+\}", lambda _: chance.choice(NASTY), chance.choice([p for p in paths if b"{" in p]))
    return _request(path, chance.choice((b"GET", b"GET", b"POST", b"DELETE")), b"Content-Length: 0\r\n")


def _static(chance: random.Random, paths: list[bytes]) -> Line:
    start = chance.choice((b"/static/", b"/static", b"//static/", b"/./static/", b"/static/js/", b"/%73tatic/"))
    return _request(start + chance.choice(UP) * chance.randint(1, 9) + chance.choice(OUTSIDE))


def _query(chance: random.Random, paths: list[bytes]) -> Line:
    several = [chance.choice(NAMES) + b"=" + chance.choice(TEXTS) for _ in range(chance.choice((1, 1, 2, 5)))]
    raw = chance.choice((b"&", b"&", b";", b"&&", b"&=&")).join(several)
    if chance.random() < 0.05:
        raw = chance.choice((b"groups=" + b"1" * 59_900, b"&" * 60_000, b"a=b&" * 15_000, b"%41" * 20_000))
    return _request(chance.choice([path for path in paths if b"{" not in path]) + b"?" + raw)


def _header(chance: random.Random, paths: list[bytes]) -> Line:
    names = chance.sample(list(HEADERS), chance.choice((1, 1, 2, 4)))
    lines = b"".join(name + b": " + chance.choice(HEADERS[name]) + b"\r\n" for name in names)
    framed = {b"Content-Length", b"Transfer-Encoding", b"Upgrade", b"Expect"} & set(names)  # perhaps a body is awaited
    whole = not framed and not re.search(rb"[\x00]", lines)
    return _request(_filled(chance, paths), chance.choice((b"GET", b"POST")), lines, whole=whole)


def _method(chance: random.Random, paths: list[bytes]) -> Line:
    target = chance.choice(
        (_filled(chance, paths), b"/", b"/static/js/main.js", b"*", b"http://localhost/api/layer", b"a:1")
    )
    plain = target.startswith(b"/")
    return _request(target, chance.choice(METHODS), b"Content-Length: 0\r\n", whole=plain)


def _body(chance: random.Random, paths: list[bytes]) -> Line:
    body = chance.choice(
        (b"{}", b"[" * 2000, b"\xff\xfe{", b'{"a":' * 500, b"\0" * 100, b'{"layers":[{"kind":"\\ud800"}]}', b"NaN")
    )
    kind = chance.choice(
        (b"application/json", b"application/json", b"multipart/form-data; boundary=b", b"text/plain", b"")
    )
    chunked = chance.random() < 0.3
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    frame = b"Transfer-Encoding: chunked\r\n" if chunked else b"Content-Length: %d\r\n" % len(body)
    return _request(_filled(chance, paths), b"POST", frame + b"Content-Type: " + kind + b"\r\n", framed)


def _garbage(chance: random.Random, paths: list[bytes]) -> Line:
    raw = bytearray(chance.choice((*GARBAGE, _query(chance, paths).raw[:2000], _body(chance, paths).raw)))
    for _ in range(chance.randint(0, 4)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    return Line(bytes(raw), request=False)
