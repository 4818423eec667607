"""Who may come in where the server has an access token, as bytes on the wire say it."""

import asyncio
import hmac
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from app.access import REMEMBERED, TRIES, TRY_SECONDS, Access, Tries, within
from app.main import create_app
from app.pages import lasting
from app.settings import PROJECT, Settings
from tests.app.asgi import Answer, request

TOKEN = "jülich-tulips-and-25-groups"  # with a character that bytes and latin-1 spell differently
OTHER = "another-token-of-another-server"
NOW = 1_700_000_000.0
HTML = (b"accept", b"text/html,application/xhtml+xml")


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def settings(folder: Path, **more: object) -> Settings:
    return Settings(
        store=folder / "images", results=folder / "m.sqlite", runs=folder / "runs", **{"token": TOKEN, **more}
    )


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return create_app(settings(tmp_path_factory.mktemp("guarded"), metrics=True))


@pytest.fixture
def fresh(tmp_path: Path) -> FastAPI:
    """The same, which nobody has tried yet."""
    return create_app(settings(tmp_path))


def ask(app: FastAPI, path: str, *headers: tuple[bytes, bytes], method: str = "GET", query: bytes = b"") -> Answer:
    return asyncio.run(request(app, path, query, method, headers=headers))


def bearer(token: str | bytes, scheme: bytes = b"Bearer ") -> tuple[bytes, bytes]:
    return b"authorization", scheme + (token.encode() if isinstance(token, str) else token)


def cookie(value: str) -> tuple[bytes, bytes]:
    return b"cookie", f"theme=dark; groupscope={value}".encode()


def sign_in(app: FastAPI, token: str, query: bytes = b"", *headers: tuple[bytes, bytes]) -> Answer:
    body = f"token={quote(token)}".encode()
    return asyncio.run(request(app, "/login", query, "POST", headers=headers, chunks=[body]))


def session_of(answer: Answer) -> str:
    found = re.match(r"groupscope=([^;]+);", answer.headers["set-cookie"])
    assert found
    return found[1]


def door(clock: Clock, **more: object) -> Access:
    return Access(Settings(**{"token": TOKEN, **more}), clock)


def scope(*headers: tuple[bytes, bytes], path: str = "/api/layer") -> dict[str, object]:
    return {"type": "http", "path": path, "headers": list(headers), "client": ("192.0.2.1", 1)}


def addresses(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every method and path there is, the parameters filled in."""
    for route in app.routes:
        if isinstance(route, Route):
            path = re.sub(r"\{[^}]*\}", "x", route.path)
            yield from ((method, path) for method in sorted({*(route.methods or ()), "HEAD", "OPTIONS"}))
        else:
            assert isinstance(route, Mount), route
            assert route.path == "/static"


OPEN = {"/login", "/healthz", "/readyz"}


def test_no_route_answers_without_the_token(guarded: FastAPI) -> None:
    tried = {
        (method, path): ask(guarded, path, method=method) for method, path in addresses(guarded) if path not in OPEN
    }
    assert {(answer.status, answer.headers.get("www-authenticate")) for answer in tried.values()} == {(401, "Bearer")}
    assert {answer.json()["error"]["code"] for answer in tried.values()} == {"token_needed"}
    paths = {path for _, path in tried}
    assert {"/", "/stack", "/networks", "/measure", "/train", "/metrics", "/openapi.json", "/logout"} <= paths
    assert len(paths) > 50


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PROPFIND"])
@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api/nothing", "/login/", "//login", "/login/../api/layer", "/LOGIN", "/healthz/", "/healthzz",
     "/static", "/staticx/js", "/%6cogin", "/api/layer/static/", "", "login", "*", "/login\n", "/readyz;/api/layer"],
)  # fmt: skip
def test_what_only_looks_like_an_open_address_is_none(guarded: FastAPI, method: str, path: str) -> None:
    assert ask(guarded, path, method=method).status == 401


@pytest.mark.parametrize("path, status", [("/healthz", 200), ("/readyz", 503), ("/login", 200)])
def test_what_tells_nothing_is_open(guarded: FastAPI, path: str, status: int) -> None:
    assert ask(guarded, path).status == status


@pytest.mark.parametrize(
    "path, status",
    [
        ("/static/js/main.js", 200),
        ("/static/../app/access.py", 404),
        ("/static/../api/layer", 404),
        ("/static/%2e%2e/api/layer", 404),
    ],
)
def test_static_files_are_open_and_nothing_behind_them_is(guarded: FastAPI, path: str, status: int) -> None:
    assert ask(guarded, path).status == status


@pytest.mark.parametrize(
    "header",
    [
        bearer(TOKEN),
        bearer(TOKEN, b"bearer "),
        bearer(TOKEN, b"BEARER   "),
        bearer(TOKEN.encode() + b" "),
    ],
)
def test_the_token_opens_everything(fresh: FastAPI, header: tuple[bytes, bytes]) -> None:
    assert ask(fresh, "/api/layer", header).status == 200
    assert ask(fresh, "/", header).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [bearer(OTHER)],
        [bearer(TOKEN[:-1])],
        [bearer(TOKEN + "x")],
        [bearer(TOKEN.upper())],
        [bearer(TOKEN.encode("latin-1"))],
        [bearer(b"\xff\xfe\x00")],
        [bearer("")],
        [bearer("", b"Bearer")],
        [bearer(TOKEN, b"Bearer")],
        [bearer(TOKEN, b"Bearer\t")],
        [bearer(TOKEN, b"Basic ")],
        [bearer(TOKEN, b"Token ")],
        [bearer(TOKEN, b"")],
        [bearer(f"{TOKEN}, Bearer {OTHER}")],
        [bearer(TOKEN), bearer(OTHER)],
        [bearer(OTHER), bearer(TOKEN)],
        [(b"x-authorization", b"Bearer " + TOKEN.encode())],
        [(b"cookie", b"groupscope=" + TOKEN.encode())],
        [(b"cookie", b"token=" + TOKEN.encode())],
    ],
)
def test_nothing_but_the_token_does(fresh: FastAPI, headers: list[tuple[bytes, bytes]]) -> None:
    assert ask(fresh, "/api/layer", *headers).status == 401


def test_a_token_in_the_address_is_no_token(fresh: FastAPI) -> None:
    assert ask(fresh, "/api/layer", query=f"token={quote(TOKEN)}&access_token={quote(TOKEN)}".encode()).status == 401


def test_a_refusal_tells_both_ways_and_not_the_token(fresh: FastAPI) -> None:
    told = [
        ask(fresh, "/api/layer"),
        ask(fresh, "/api/layer", cookie("1.2")),
        ask(fresh, "/api/layer", bearer(OTHER)),
        sign_in(fresh, OTHER),
        sign_in(fresh, ""),
    ]
    assert [answer.status for answer in told] == [401] * 5
    assert told[0].json()["error"] == {
        "code": "token_needed",
        "message": "This server asks for its access token, and this request brings none",
        "field": None,
        "hint": "sign in at /login, or send the header Authorization: Bearer TOKEN",
    }
    assert (
        told[1].json()["error"]["message"] == "The session has ended, and this server asks for its access token again"
    )
    assert told[2].json()["error"]["message"] == "This is not the access token of this server"
    assert "This is not the access token of this server; ask whoever runs it." in told[3].body.decode()
    assert "The access token is missing; type it, or paste it." in told[4].body.decode()
    assert not any(secret in answer.body for answer in told for secret in (TOKEN.encode(), OTHER.encode()))


def test_the_page_reads_a_refusal_inside_a_200(fresh: FastAPI) -> None:
    answer = ask(fresh, "/api/layer", (b"groupscope-errors", b"inline"))
    assert (answer.status, answer.headers["groupscope-status"]) == (200, "401")


def test_signing_in_gives_a_cookie_that_opens_everything(fresh: FastAPI) -> None:
    answer = sign_in(fresh, TOKEN)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("groupscope=")
    assert set(attributes) == {"HttpOnly", "Max-Age=604800", "Path=/", "SameSite=lax"}
    assert ask(fresh, "/api/layer", cookie(session_of(answer))).status == 200
    assert TOKEN not in answer.headers["set-cookie"]


def test_a_cookie_that_came_over_tls_goes_back_over_tls_only(fresh: FastAPI) -> None:
    with TestClient(fresh, "https://localhost", follow_redirects=False) as client:
        attributes = client.post("/login", data={"token": TOKEN}).headers["set-cookie"].split("; ")
        assert "Secure" in attributes
        ended = client.post("/logout").headers["set-cookie"].split("; ")
    assert {"Secure", "HttpOnly", "Path=/", "Max-Age=0"} <= set(ended)


def test_a_session_among_other_cookies_is_found(fresh: FastAPI) -> None:
    session = session_of(sign_in(fresh, TOKEN))
    for line in (f"groupscope={session}", f"a=b;groupscope={session};c", f"groupscope=1.2; groupscope={session}"):
        assert ask(fresh, "/api/layer", (b"cookie", line.encode())).status == 200
    assert ask(fresh, "/api/layer", (b"cookie", b"a=b"), cookie(session)).status == 200
    assert ask(fresh, "/api/layer", (b"cookie", f"Groupscope={session}".encode())).status == 401


def test_a_session_outlives_a_restart_and_no_change_of_the_token() -> None:
    clock = Clock()
    session = door(clock).sign_in(TOKEN, "192.0.2.1")
    assert isinstance(session, str)
    assert door(clock).refusal(scope(cookie(session))) is None
    assert door(clock, token=OTHER).refusal(scope(cookie(session))) is not None


def test_a_session_ends_when_it_should() -> None:
    clock = Clock()
    access = door(clock, session_hours=0.5)
    session = access.sign_in(TOKEN, "192.0.2.1")
    assert isinstance(session, str)
    clock.now += 1799
    assert access.refusal(scope(cookie(session))) is None
    clock.now += 1
    refused = access.refusal(scope(cookie(session)))
    assert refused is not None
    assert refused.message == "The session has ended, and this server asks for its access token again"


@pytest.mark.parametrize("hours, seconds", [(168, 604_800), (1e-9, 1), (1e12, 34_560_000), (float("inf"), 34_560_000)])
def test_a_session_lasts_no_longer_than_a_cookie(hours: float, seconds: int) -> None:
    assert door(Clock(), session_hours=hours).session_seconds == seconds


def test_no_session_can_be_made_up_or_changed() -> None:
    clock = Clock()
    access = door(clock)
    session = access.sign_in(TOKEN, "192.0.2.1")
    assert isinstance(session, str)
    end, _, seal = session.partition(".")
    later = str(int(end) + 1)
    forged = [
        "", ".", end, f"{end}.", f".{seal}", f"{later}.{seal}", f"0{end}.{seal}", f"+{end}.{seal}", f"-{end}.{seal}",
        f"{end}.{seal[:-1]}", f"{end}.{seal}0", f"{end}.{seal.upper()}", f"{end}.{'0' * 64}", f"{end} .{seal}",
        f'"{session}"', f"{session}.{seal}", f"{end}e9.{seal}", f"{'9' * 400}.{seal}", f"\u0661{end[1:]}.{seal}",
        f"{end}.{hmac.new(b'', end.encode(), 'sha256').hexdigest()}",
        f"{end}.{hmac.new(b'', f'groupscope session until {end}'.encode(), 'sha256').hexdigest()}",
    ]  # fmt: skip
    assert [value for value in forged if access.signed_in(scope(cookie(value)))] == []
    for at in range(len(session)):
        swapped = session[:at] + ("1" if session[at] != "1" else "2") + session[at + 1 :]
        assert not access.signed_in(scope(cookie(swapped)))


def test_wrong_tokens_are_slowed_down(fresh: FastAPI) -> None:
    session = session_of(sign_in(fresh, TOKEN))
    assert [sign_in(fresh, "wrong").status for _ in range(TRIES + 1)] == [401] * TRIES + [429]
    late = sign_in(fresh, TOKEN)
    assert late.status == 429
    assert 1 <= int(late.headers["retry-after"]) <= TRY_SECONDS
    assert f"5 wrong access tokens came from this address within {TRY_SECONDS} s; try again in " in late.body.decode()
    answer = ask(fresh, "/api/layer", bearer(TOKEN))
    assert (answer.status, answer.json()["error"]["code"]) == (429, "too_many_tries")
    assert int(answer.headers["retry-after"]) >= 1
    assert ask(fresh, "/api/layer").status == 401
    assert ask(fresh, "/api/layer", cookie(session)).status == 200


def test_a_program_with_an_old_token_locks_nobody_out(fresh: FastAPI) -> None:
    assert [ask(fresh, "/api/layer", bearer(OTHER)).status for _ in range(3 * TRIES)] == [401] * 3 * TRIES
    assert sign_in(fresh, TOKEN).status == 303
    guesses = [ask(fresh, "/api/layer", bearer(f"guess {n}")).status for n in range(TRIES)]
    assert guesses == [401] * (TRIES - 1) + [429]


def test_each_address_has_tries_of_its_own_for_a_minute() -> None:
    clock = Clock()
    tries = Tries(clock)
    for n in range(TRIES):
        assert tries.wait("192.0.2.1") == 0
        tries.count("192.0.2.1", b"%d" % n)
        clock.now += 1
    assert tries.wait("192.0.2.1") == TRY_SECONDS - TRIES
    assert tries.wait("192.0.2.2") == 0
    clock.now += TRY_SECONDS - TRIES - 0.5
    assert tries.wait("192.0.2.1") == 1
    clock.now += 0.5
    assert tries.wait("192.0.2.1") == 0
    tries.count("192.0.2.1", b"again")
    assert tries.wait("192.0.2.1") == 1


def test_what_is_remembered_of_wrong_tokens_is_bounded() -> None:
    tries = Tries(Clock())
    for n in range(REMEMBERED + 10):
        tries.count(f"198.51.{n}", b"")
    assert len(tries) == REMEMBERED


def test_a_person_is_led_to_the_page_and_back(fresh: FastAPI) -> None:
    answer = ask(fresh, "/stack", HTML, query=b"size=32&sizes=1x1,2x2")
    assert (answer.status, answer.headers["location"]) == (303, "/login?next=%2Fstack%3Fsize%3D32%26sizes%3D1x1%2C2x2")
    page = ask(fresh, "/login", HTML, query=answer.headers["location"].partition("?")[2].encode())
    action = re.search(r'<form method="post" action="/login\?([^"]*)">', page.body.decode())
    assert action
    wrong = sign_in(fresh, "wrong", action[1].encode())
    assert f'action="/login?{action[1]}"' in wrong.body.decode()
    right = sign_in(fresh, TOKEN, action[1].encode())
    assert (right.status, right.headers["location"]) == (303, "/stack?size=32&sizes=1x1,2x2")


def test_programs_and_forms_are_not_led_anywhere_they_did_not_ask_for(fresh: FastAPI) -> None:
    assert ask(fresh, "/", HTML).headers["location"] == "/login"
    assert ask(fresh, "/logout", HTML, method="POST").headers["location"] == "/login"
    assert ask(fresh, "/openapi.json", HTML).headers["location"] == "/login?next=%2Fopenapi.json"
    assert ask(fresh, "/api/layer", HTML).status == 401
    assert ask(fresh, "/", (b"accept", b"*/*")).status == 401


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
     "evil.example", "/\t/evil.example", "/\n/evil.example", "/\r\nSet-Cookie: a=b", "/a\r\n\r\n<script>", "",
     "javascript:alert(1)", " /", "/\x00", "/a//evil.example", "http:/evil.example", "\u2028/", "/\u2028", "/\x7f",
     "?next=/", "/..//evil.example"],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(fresh: FastAPI, elsewhere: str) -> None:
    assert within(elsewhere) == "/"
    query = f"next={quote(elsewhere, safe='')}".encode()
    assert 'action="/login"' in ask(fresh, "/login", query=query).body.decode()
    answer = sign_in(fresh, TOKEN, query)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert sum(name == "set-cookie" for name in answer.headers) == 1


def test_an_address_that_is_ours_stays_as_it_is(fresh: FastAPI) -> None:
    for address in (
        "/",
        "/stack?a=1",
        "/networks?edits=%7B%22a%2F%2Fb%22%7D",
        "/measure?x=a:b@c",
        "/%2F%2Fevil.example",
    ):
        assert within(address) == address
        answer = sign_in(fresh, TOKEN, f"next={quote(address, safe='')}".encode())
        assert answer.headers["location"] == address


@pytest.mark.parametrize(
    "hostile", ['/"><script>alert(1)</script>', "/'onfocus='x", "/<svg/onload=x>", "/{{7*7}}", "/%22%3E"]
)
def test_where_it_leads_is_text_on_the_page(fresh: FastAPI, hostile: str) -> None:
    page = ask(fresh, "/login", query=f"next={quote(hostile, safe='')}".encode()).body.decode()
    assert re.findall(r'action="([^"]*)"', page) == [f"/login?next={quote(hostile, safe='')}"]
    assert not re.search(r"<script>|onfocus=|<svg|49", page)


def test_who_is_signed_in_need_not_do_so_again(fresh: FastAPI) -> None:
    session = cookie(session_of(sign_in(fresh, TOKEN)))
    answer = ask(fresh, "/login", session, query=b"next=/stack")
    assert (answer.status, answer.headers["location"]) == (303, "/stack")


def test_signing_out_takes_the_cookie_away(fresh: FastAPI) -> None:
    session = cookie(session_of(sign_in(fresh, TOKEN)))
    answer = ask(fresh, "/logout", session, method="POST")
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert answer.headers["set-cookie"].startswith('groupscope=""; ')
    assert {"Max-Age=0", "Path=/", "HttpOnly"} <= set(answer.headers["set-cookie"].split("; "))
    assert ask(fresh, "/logout", session).status == 405


@pytest.mark.parametrize("declared", [True, False])
def test_a_form_too_large_is_refused_before_it_is_read(fresh: FastAPI, declared: bool) -> None:
    headers = [(b"content-length", b"1000000")] if declared else []
    answer = asyncio.run(request(fresh, "/login", method="POST", headers=headers, chunks=[b"token=" + b"x" * 5000]))
    assert (answer.status, answer.json()["error"]["code"]) == (413, "form_too_large")


@pytest.mark.parametrize(
    "body",
    [b"", b"token", b"token=", b"%", b"\xff\xfe", b"&&&=&", b"token=%ff%fe%00", b'{"token": "x"}', b"TOKEN=x",
     b"token%00=x", b"a=b&" * 1000],
)  # fmt: skip
def test_a_broken_form_is_no_token(fresh: FastAPI, body: bytes) -> None:
    answer = asyncio.run(request(fresh, "/login", method="POST", chunks=[body]))
    assert (answer.status, answer.headers["cache-control"]) == (401, "no-store")
    assert 'role="alert"' in answer.body.decode()


def test_the_page_and_the_bar_of_a_server_with_a_token(fresh: FastAPI) -> None:
    page = ask(fresh, "/login")
    assert page.headers["content-security-policy"]
    assert "stays signed in for 7 days" in page.body.decode()
    assert "<script" not in page.body.decode().replace('<script src="/static/js/core/theme-boot.js"></script>', "")
    assert 'action="/logout"' in ask(fresh, "/", bearer(TOKEN)).body.decode()


def test_a_server_without_a_token_asks_nobody(client: TestClient) -> None:
    assert client.get("/api/layer").status_code == 200
    assert "/logout" not in client.get("/").text
    answer = client.get("/login?next=/stack", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/stack")
    assert client.post("/login", data={"token": ""}).status_code == 405
    assert client.post("/logout").status_code == 404


def test_signing_in_is_no_part_of_the_api(guarded: FastAPI) -> None:
    assert not {"/login", "/logout"} & set(guarded.openapi()["paths"])


def test_times_are_told_as_people_say_them() -> None:
    assert [lasting(s) for s in (604_800, 172_799, 7200, 7199, 119)] == [
        "7 days", "47 hours", "2 hours", "119 minutes", "119 seconds",
    ]  # fmt: skip


def test_a_token_too_short_is_refused_and_not_repeated() -> None:
    environment = {**os.environ, "GROUPSCOPE_TOKEN": "too-short"}
    command = [sys.executable, "-m", "app", "--port", "0"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "token: Value should have at least 16 items" in done.stderr
    assert "too-short" not in done.stderr + done.stdout
