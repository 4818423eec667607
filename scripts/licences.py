"""Writes docs/dependencies.md: what Groupscope is made of, under which licences, and why. Run in an environment with
everything installed: .venv/bin/python scripts/licences.py

The table holds for Linux and macOS and each Python from 3.11 on: a package that only some of them need is in it too.
"""

import re
import textwrap
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires
from itertools import product
from pathlib import Path
from typing import Any

from packaging.markers import Environment, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs/dependencies.md"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = (("linux", "Linux", ("x86_64", "aarch64")), ("darwin", "Darwin", ("x86_64", "arm64")))
CUDA = ("nvidia-", "cuda-", "triton")  # what a CUDA build of torch brings, in versions that torch names
HEAD = """\
# What Groupscope is made of

Written by `scripts/licences.py`; a test holds it to what is installed. Versions are those of `constraints.txt`.

## At run time

| package | version | licence | why |
|---|---|---|---|
"""
TAIL = """
torch for a CUDA device brings NVIDIA's CUDA libraries, under NVIDIA's own licences, and Triton (MIT), both in the
versions that torch asks for. The CPU build brings neither.

## In the repository

| folder | what | licence | where it is said |
|---|---|---|---|
| `static/vendor/plotly` | {plotly}, trimmed, with what it bundles | MIT | `LICENSE`, `LICENSES.txt` |
| `static/vendor/source-sans-3` | {sans} | SIL Open Font License 1.1 | `LICENSE` |
| `static/vendor/thousands` | {thousands} | MIT, as Groupscope | `README.md` |
| `static/samples` | {samples} | {sample_licences} | `CREDITS.md`, picture by picture |
| `compute/datasets` | 12,000 pictures of Fashion-MNIST | MIT | `fashion-mnist-12k.LICENSE.md` |
| `compute/trained/files` | three networks trained on them | MIT, as Groupscope | `docs/trained.md` |

## For tests and builds only

Nothing of it is part of what is served.
{extras}
"""
ALONG = """\
and what these bring along, in the versions of `constraints.txt`. For the page's code: axe-core (MPL-2.0) and TypeScript
(Apache-2.0), in those of `package-lock.json`. setuptools (MIT) builds the package."""


def environments() -> Iterator[Environment]:
    """Those that Groupscope runs in, as markers see them."""
    for (platform, system, machines), python in product(SYSTEMS, PYTHONS):
        for machine in machines:
            environment = default_environment()
            environment.update(sys_platform=platform, platform_system=system, platform_machine=machine, os_name="posix")
            environment.update(python_version=python, python_full_version=f"{python}.0")
            yield environment


EVERYWHERE = list(environments())


def needed(requirement: Requirement, extras: frozenset[str] = frozenset({""})) -> bool:
    """In any of the environments."""
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate({**environment, "extra": extra}) for environment, extra in product(EVERYWHERE, extras)
    )


def closure(direct: list[Requirement]) -> dict[str, set[str]]:
    """{name: those that need it} of everything that `direct` bring along."""
    wanted_by: dict[str, set[str]] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(requirement, "") for requirement in direct if needed(requirement)]
    while waiting:
        requirement, by = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras or {""})
        if name.startswith(CUDA):
            continue
        wanted_by.setdefault(name, set()).add(by)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        lines = map(Requirement, requires(name) or ())
        waiting += [(line, name) for line in lines if needed(line, extras)]
    return wanted_by


def licence_of(name: str) -> str:
    """As its metadata say: the SPDX expression, else the classifiers, else the first line of the text."""
    metadata = distribution(name).metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classified = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or () if "License ::" in line]
    text = str(metadata.get("License") or "").strip().partition("\n")[0]
    return ", ".join(classified) or text or "see its files"


def project() -> dict[str, Any]:
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"])


def runtime() -> list[Requirement]:
    return [Requirement(line) for line in project()["dependencies"]]


def extras() -> str:
    """What only tests and builds need, in lines that fit."""
    names = sorted((Requirement(line).name for line in project()["optional-dependencies"]["test"]), key=str.lower)
    return textwrap.fill(f"Python: {', '.join(names)}, {ALONG}", 120, break_on_hyphens=False)


def reasons() -> dict[str, str]:
    """The comment beside each dependency in pyproject.toml."""
    lines = re.findall(r'^ +"([^"]+)", *# (.+)$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(Requirement(line).name): reason for line, reason in lines}


def version_of(name: str) -> str:
    """Without the part that names a build, such as torch's +cpu."""
    return Version(distribution(name).version).public


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Name, version, licence and reason of each package at run time."""
    why = reasons()
    for name, by in sorted(closure(runtime()).items()):
        reason = why[name] if "" in by else f"for {', '.join(sorted(by))}"
        try:
            yield name, version_of(name), licence_of(name), reason
        except PackageNotFoundError:
            raise SystemExit(f"{name} is not installed here: its licence can't be read") from None


def vendored() -> dict[str, str]:
    """What the folders' own pages say of themselves."""
    heads = {
        key: (ROOT / f"static/vendor/{folder}/README.md").read_text("utf-8").partition("\n")[0].removeprefix("# ")
        for key, folder in (("plotly", "plotly"), ("sans", "source-sans-3"), ("thousands", "thousands"))
    }
    lines = re.findall(r"^\| `.*$", (ROOT / "static/samples/CREDITS.md").read_text("utf-8"), re.MULTILINE)
    licences = sorted({line.split(" | ")[3] for line in lines})
    return {**heads, "samples": f"{len(lines)} photographs", "sample_licences": ", ".join(licences)}


def document() -> str:
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows())
    return HEAD + table + TAIL.format(extras=extras(), **vendored())


if __name__ == "__main__":
    TARGET.write_text(document(), "utf-8")
