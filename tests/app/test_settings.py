"""Settings: one table, three doors, each documented."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.serve import address, parse_flags
from app.settings import PROJECT, Settings, default_results, default_store


def test_a_flag_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUPSCOPE_PORT", "9001")
    monkeypatch.setenv("GROUPSCOPE_MAX_CHANNELS", "128")
    settings = parse_flags(["--port", "9002", "--host", "0.0.0.0"])
    assert (settings.port, settings.host, settings.max_channels) == (9002, "0.0.0.0", 128)
    assert parse_flags([]).port == 9001


@pytest.mark.parametrize(
    "flags",
    [["--port", "many"], ["--port", "70000"], ["--device", "abacus"], ["--store-hours", "0"], ["--colour", "1"]],
)
def test_a_bad_flag_is_said_aloud(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_flags(flags)
    assert flags[0].removeprefix("--").replace("-", "_") in capsys.readouterr().err.replace("-", "_")


def test_a_bad_variable_is_said_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUPSCOPE_THREADS", "-1")
    with pytest.raises(ValidationError, match="threads"):
        Settings()


def test_each_setting_has_a_sentence() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_readmes_table_is_the_table() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `GROUPSCOPE_([A-Z_]+)` \| (.*) \|$", readme, re.MULTILINE))
    assert list(rows) == [name.upper() for name in Settings.model_fields]
    for name, field in Settings.model_fields.items():
        default, sentence = rows[name.upper()].split(" | ", 1)
        assert sentence == field.description
        if name not in ("store", "results", "runs"):  # a folder of whoever runs it, put in words
            assert default == f"`{field.default}`"


def test_pictures_go_to_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert default_store() == tmp_path / "groupscope" / "images"


def test_measurements_go_to_the_users_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert default_results() == tmp_path / "groupscope" / "measurements.sqlite"


def test_addresses_can_be_opened() -> None:
    assert address("127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert address("::1", 8000) == "http://[::1]:8000"
    assert address("0.0.0.0", 9000).startswith("http://127.0.0.1:9000 ")
