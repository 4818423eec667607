"""Compares the pinned versions with the advisories that are known: scripts/audit [--advisories FOLDER_OR_ZIP]

Without an argument it asks PyPI, by pip-audit in an environment of its own. Where that cannot be reached, it reads a
copy of the advisories that OSV publishes (https://google.github.io/osv.dev/data/): the zip of the ecosystem PyPI, or a
folder of its JSON files. Ends with 0 where nothing is known against any version, 1 where something is, and 2 where not
everything could be compared: silence is no answer.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
PIP_AUDIT = "pip-audit==2.10.1"
PIN = re.compile(r"([A-Za-z0-9._-]+)==(\S+)")
SHOWN = 20  # lines of what could not be compared
BEGINNING = "0"  # of a range: before every version


@dataclass
class Report:
    """hits: what is known. unchecked: what could not be compared, and why. looked_at: advisories, or packages."""

    hits: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    looked_at: str = ""

    @property
    def code(self) -> int:
        return 1 if self.hits else 2 if self.unchecked else 0


def pins(text: str) -> dict[str, Version]:
    """{canonical name: version} of `name==version` lines."""
    return {canonicalize_name(match[1]): Version(match[2]) for line in text.splitlines() if (match := PIN.match(line))}


def offline(source: Path, pinned: Mapping[str, Version]) -> Report:
    """By the advisories in a zip or in a folder."""
    report, count = Report(), 0
    for name, raw in _files(source, report):
        try:
            advisory = json.loads(raw)
            affected = [entry for entry in advisory["affected"] if entry["package"]["ecosystem"] == "PyPI"]
            concerned = [(canonicalize_name(entry["package"]["name"]), entry) for entry in affected]
        except (ValueError, KeyError, TypeError) as error:
            report.unchecked.append(f"{name}: no advisory in the format of OSV ({error!r})")
            continue
        count += 1
        if advisory.get("withdrawn"):
            continue
        for package, entry in concerned:
            if package in pinned:
                _compare(advisory, package, pinned[package], entry, report)
    if not count:
        report.unchecked.append(f"{source}: there are no advisories")
    report.looked_at = f"{count} advisories"
    return report


def _files(source: Path, report: Report) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each JSON file."""
    if source.is_dir():
        yield from ((str(path), path.read_bytes()) for path in sorted(source.rglob("*.json")))
        return
    try:
        with ZipFile(source) as archive:
            yield from ((name, archive.read(name)) for name in sorted(archive.namelist()) if name.endswith(".json"))
    except (OSError, BadZipFile) as error:
        report.unchecked.append(f"{source}: neither a folder nor a zip that can be read ({error})")


def _compare(
    advisory: Mapping[str, Any], package: str, version: Version, entry: Mapping[str, Any], report: Report
) -> None:
    """One package of one advisory, as OSV's schema says: it is affected where its version is listed, or in a range."""
    what = f"{package} {version}: {advisory.get('id', 'without an id')}"
    listed, ranges = entry.get("versions") or [], entry.get("ranges") or []
    known = [span for span in ranges if span.get("type") == "ECOSYSTEM"]
    try:
        hit = any(_equal(version, text) for text in listed) or any(_within(version, span["events"]) for span in known)
    except (InvalidVersion, KeyError, TypeError) as error:
        report.unchecked.append(f"{what}: {error}")
        return
    if hit:
        report.hits.append(_told(what, advisory, known))
    elif not listed and not known:
        kinds = ", ".join(sorted({str(span.get("type")) for span in ranges})) or "nothing"
        report.unchecked.append(f"{what}: it names no versions, only {kinds}")


def _equal(version: Version, text: str) -> bool:
    """Lists hold versions from before versions had rules: none of those is pinned."""
    try:
        return version == Version(text)
    except InvalidVersion:
        return False


def _within(version: Version, events: Iterable[Mapping[str, str]]) -> bool:
    """Whether the last event at or below `version`, in the order of versions, leaves it affected."""
    affected = False
    for kind, text in sorted(_events(events), key=lambda event: (event[1] != BEGINNING, _place(event[1]))):
        if kind == "introduced" and (text == BEGINNING or Version(text) <= version):
            affected = True
        elif (kind == "fixed" and Version(text) <= version) or (kind == "last_affected" and Version(text) < version):
            affected = False
    return affected


def _events(events: Iterable[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(kind, text) for event in events for kind, text in event.items() if kind != "limit"]


def _place(text: str) -> Version:
    return Version("0.dev0") if text == BEGINNING else Version(text)


def _told(what: str, advisory: Mapping[str, Any], ranges: Iterable[Mapping[str, Any]]) -> str:
    others = ", ".join(advisory.get("aliases") or [])
    fixed = ", ".join(text for span in ranges for kind, text in _events(span["events"]) if kind == "fixed")
    summary = " ".join(str(advisory.get("summary") or "").split())
    parts = [f"{what}{f' ({others})' if others else ''}", summary, f"fixed in {fixed}" if fixed else "not fixed"]
    return "; ".join(part for part in parts if part)


def online(constraints: Path) -> Report:
    """By pip-audit, which is installed for this once."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python, answer = Path(folder) / "bin/python", Path(folder) / "answer.json"
        installing = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PIP_AUDIT]
        if (installed := subprocess.run(installing, capture_output=True, text=True)).returncode:
            return Report(unchecked=[f"{PIP_AUDIT} could not be installed: {_last(installed.stderr)}"])
        asking = ["--requirement", str(constraints), "--no-deps", "--disable-pip", "--progress-spinner", "off"]
        command = [str(python), "-m", "pip_audit", *asking, "--format", "json", "--output", str(answer)]
        asked = subprocess.run(command, capture_output=True, text=True)
        if not answer.exists():
            return Report(unchecked=[f"pip-audit gave no answer: {_last(asked.stderr)}"])
        return answered(json.loads(answer.read_text("utf-8")))


def answered(answer: Mapping[str, Any]) -> Report:
    """What pip-audit told. It takes a package that it could not look up for one without a fault."""
    report = Report(looked_at=f"{len(answer['dependencies'])} packages")
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            report.unchecked.append(f"{package['name']}: {package['skip_reason']}")
        for known in package.get("vulns", ()):
            fixed = ", ".join(known.get("fix_versions", ()))
            others = ", ".join(known.get("aliases", ()))
            what = f"{package['name']} {package['version']}: {known['id']}{f' ({others})' if others else ''}"
            report.hits.append(f"{what}; {f'fixed in {fixed}' if fixed else 'not fixed'}")
    return report


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/audit", description="Compare constraints.txt with known advisories.")
    parser.add_argument("--advisories", type=Path, help="a zip or a folder of OSV's JSON files, to ask nobody")
    parser.add_argument("--constraints", type=Path, default=ROOT / "constraints.txt", help="the versions to compare")
    flags = parser.parse_args()
    pinned = pins(flags.constraints.read_text("utf-8"))
    report = offline(flags.advisories, pinned) if flags.advisories else online(flags.constraints)
    for hit in report.hits:
        print(f"VULNERABLE  {hit}")
    for line in report.unchecked[:SHOWN]:
        print(f"not checked  {line}")
    if len(report.unchecked) > SHOWN:
        print(f"not checked  and {len(report.unchecked) - SHOWN} more")
    known, unchecked = len(report.hits), len(report.unchecked)
    print(
        f"{len(pinned)} pinned versions, {report.looked_at or 'nothing'} read: {known} known, {unchecked} not checked"
    )
    if unchecked and not flags.advisories:
        print("Without PyPI: scripts/audit --advisories FOLDER_OR_ZIP, see SECURITY.md")
    return report.code


if __name__ == "__main__":
    sys.exit(main())
