"""scripts/audit, by advisories made up for it: who is told to be vulnerable, and what is told to be unknown."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

AUDIT = Path(__file__).parents[1] / "scripts/audit.py"
PINS = "# a comment\nalpha==1.5.0\nBeta_Package==2.0\ngamma==3.0rc1\n"


def advisory(name: str = "alpha", **affected: Any) -> dict[str, Any]:
    package = {"ecosystem": affected.pop("ecosystem", "PyPI"), "name": name}
    return {
        "id": "GHSA-0000", "aliases": ["CVE-2099-1"], "summary": "It\nbreaks",
        "affected": [{"package": package, **affected}],
    }  # fmt: skip


def within(*events: dict[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"ranges": [{"type": kind, "events": list(events)}]}


def audit(source: Path) -> tuple[int, list[str]]:
    pins = source.parent / "constraints.txt"
    pins.write_text(PINS)
    command = [sys.executable, str(AUDIT), "--constraints", str(pins), "--advisories", str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def audited(tmp_path: Path, *advisories: Any) -> tuple[int, list[str]]:
    folder = tmp_path / "osv"
    folder.mkdir()
    for number, one in enumerate(advisories):
        (folder / f"{number}.json").write_text(one if isinstance(one, str) else json.dumps(one))
    return audit(folder)


def test_a_version_in_a_range_is_told_with_its_names_and_its_mending(tmp_path: Path) -> None:
    code, lines = audited(tmp_path, advisory(**within({"introduced": "0"}, {"fixed": "1.5.1"})))
    assert code == 1
    assert lines == [
        "VULNERABLE  alpha 1.5.0: GHSA-0000 (CVE-2099-1); It breaks; fixed in 1.5.1",
        "3 pinned versions, 1 advisories read: 1 known, 0 not checked",
    ]


@pytest.mark.parametrize(
    "events, hit",
    [
        ([{"introduced": "0"}], True),
        ([{"introduced": "0"}, {"fixed": "1.5.0"}], False),
        ([{"introduced": "0"}, {"fixed": "1.5"}], False),
        ([{"introduced": "0"}, {"fixed": "1.10"}], True),
        ([{"introduced": "1.5.0"}], True),
        ([{"introduced": "1.5.1"}], False),
        ([{"introduced": "0"}, {"last_affected": "1.5.0"}], True),
        ([{"introduced": "0"}, {"last_affected": "1.4.9"}], False),
        ([{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "1.4"}, {"fixed": "1.6"}], True),
        ([{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "2.0"}], False),
        ([{"introduced": "2.0"}, {"introduced": "0"}, {"fixed": "1.1"}], False),  # the order is that of versions
        ([{"introduced": "0"}, {"limit": "1.0"}], True),
    ],
)
def test_ranges_are_read_as_the_schema_says(tmp_path: Path, events: list[dict[str, str]], hit: bool) -> None:
    code, _ = audited(tmp_path, advisory(**within(*events)))
    assert code == (1 if hit else 0)


@pytest.mark.parametrize(
    "name, versions, hit",
    [
        ("beta-package", ["1.0", "2.0.0"], True),
        ("Beta.Package", ["2"], True),
        ("beta-package", ["2.0.1", "not a version"], False),
        ("gamma", ["3.0.c1"], True),
        ("gamma", ["3.0"], False),
        ("delta", ["1.5.0"], False),
    ],
)
def test_versions_are_compared_as_versions_and_names_as_names(
    tmp_path: Path, name: str, versions: list[str], hit: bool
) -> None:
    code, _ = audited(tmp_path, advisory(name, versions=versions))
    assert code == (1 if hit else 0)


def test_what_is_withdrawn_or_of_another_ecosystem_is_left_out(tmp_path: Path) -> None:
    everything = within({"introduced": "0"})
    withdrawn = {**advisory(**everything), "withdrawn": "2099-01-01T00:00:00Z"}
    code, lines = audited(tmp_path, withdrawn, advisory(ecosystem="npm", **everything))
    assert (code, lines) == (0, ["3 pinned versions, 2 advisories read: 0 known, 0 not checked"])


@pytest.mark.parametrize(
    "one, said",
    [
        ("{", "no advisory in the format of OSV"),
        ("[]", "no advisory in the format of OSV"),
        ('{"id": "X"}', "no advisory in the format of OSV"),
        (advisory(**within({"introduced": "abc"}, kind="GIT")), "it names no versions, only GIT"),
        (advisory(), "it names no versions, only nothing"),
        (advisory(**within({"introduced": "one"})), "alpha 1.5.0: GHSA-0000: "),
        (advisory(ranges=[{"type": "ECOSYSTEM"}]), "alpha 1.5.0: GHSA-0000: "),
    ],
)
def test_what_cannot_be_compared_is_told_and_is_no_silence(tmp_path: Path, one: Any, said: str) -> None:
    code, lines = audited(tmp_path, one, advisory("delta", versions=["1"]))
    assert code == 2
    assert lines[0].startswith("not checked  ")
    assert said in lines[0]


def test_no_advisories_are_no_answer(tmp_path: Path) -> None:
    assert audited(tmp_path)[0] == 2
    code, lines = audit(tmp_path / "nothing.zip")
    assert code == 2
    assert "neither a folder nor a zip" in lines[0]


def test_a_zip_is_read_as_it_is_published(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("GHSA-0000.json", json.dumps(advisory(**within({"introduced": "0"}))))
        archive.writestr("README.md", "not an advisory")
    code, lines = audit(tmp_path / "all.zip")
    assert code == 1
    assert lines[0] == "VULNERABLE  alpha 1.5.0: GHSA-0000 (CVE-2099-1); It breaks; not fixed"


def test_a_package_that_could_not_be_looked_up_is_no_package_without_a_fault() -> None:
    """pip-audit ends well where it found nothing because it reached nobody."""
    spec = importlib.util.spec_from_file_location("audit", AUDIT)
    assert spec
    assert spec.loader
    audit = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = audit  # where dataclasses look for their module
    spec.loader.exec_module(audit)
    vulnerable = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2"], "description": "x"}
    report = audit.answered(
        {
            "dependencies": [
                {"name": "alpha", "version": "1", "vulns": [vulnerable]},
                {"name": "beta", "skip_reason": "Dependency not found on PyPI"},
                {"name": "gamma", "version": "3", "vulns": []},
            ]
        }
    )
    assert report.hits == ["alpha 1: PYSEC-1 (CVE-1); fixed in 2"]
    assert report.unchecked == ["beta: Dependency not found on PyPI"]
    assert (report.code, audit.Report(unchecked=["x"]).code, audit.Report().code) == (1, 2, 0)
