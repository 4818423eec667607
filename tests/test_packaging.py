"""What a fresh clone is made of: the pins, the installed packages, the vendored files, the shelf of samples."""

import gzip
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import brotli
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from PIL import Image

import app

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGE_JSON = json.loads((ROOT / "package.json").read_text("utf-8"))
SAMPLES = ROOT / "static" / "samples"
INDEX = json.loads((SAMPLES / "samples.json").read_text("utf-8"))
PLOTLY = ROOT / "static" / "vendor" / "plotly"
CUDA = ("nvidia-", "cuda-")  # only a CUDA build of torch brings these, and it names their versions itself


def script(name: str) -> ModuleType:
    """A file of scripts/ that is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins() -> dict[str, Version]:
    """constraints.txt as {canonical name: version}; anything but `name==version` fails."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    wanted = [re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9a-z.]+)", line) for line in lines if not line.startswith("#")]
    assert None not in wanted
    return {canonicalize_name(match[1]): Version(match[2]) for match in wanted if match}


def requirements() -> list[Requirement]:
    project = PYPROJECT["project"]
    found = [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["test"]]
    return [requirement for requirement in found if requirement.marker is None or requirement.marker.evaluate()]


def closure(requirement: Requirement) -> set[str]:
    """Names of everything the requirement brings along on this machine, itself included."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [requirement]
    while waiting:
        current = waiting.pop()
        key = (canonicalize_name(current.name), frozenset(current.extras))
        if key in seen:
            continue
        seen.add(key)
        for line in importlib.metadata.requires(current.name) or ():
            needed = Requirement(line)
            extras = current.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return {name for name, _ in seen if not name.startswith(CUDA)}


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_constraints_pin_each_dependency_and_what_it_needs(requirement):
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])
    assert not closure(requirement) - set(pins())


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_each_dependency_has_a_lower_bound_and_no_local_part(requirement):
    assert any(clause.operator == ">=" for clause in requirement.specifier)
    assert "+" not in str(requirement.specifier)


@pytest.mark.parametrize("name", ["torch", "numpy", "fastapi", "starlette", "pillow", "pytest", "playwright"])
def test_installed_versions_are_the_pinned_ones(name):
    installed = Version(importlib.metadata.version(name))
    assert Version(installed.public) == pins()[name]


def test_packages_import_from_any_directory(tmp_path):
    code = "import app, compute, app.settings, compute.grouping; print(app.__file__); print(compute.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(ROOT / "app" / "__init__.py"), str(ROOT / "compute" / "__init__.py")]


def test_no_other_folder_is_installed():
    assert importlib.metadata.distribution("groupscope").read_text("top_level.txt").split() == ["app", "compute"]


def test_version_is_that_of_the_distribution():
    assert importlib.metadata.version("groupscope") == app.__version__


@pytest.mark.parametrize("row", INDEX, ids=lambda row: row["file"])
def test_sample_is_what_the_index_says(row):
    body = (SAMPLES / row["file"]).read_bytes()
    assert hashlib.sha256(body).hexdigest() == row["id"]
    assert len(body) <= 60_000
    with Image.open(io.BytesIO(body)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (row["width"], row["height"]))
        assert not picture.getexif()
        assert "comment" not in picture.info
    assert all(row[key] for key in ("name", "credit", "licence", "source"))


def test_samples_are_all_indexed_and_credited():
    files = {row["file"] for row in INDEX}
    assert files == {path.name for path in SAMPLES.glob("*.jpg")}
    credits_page = (SAMPLES / "CREDITS.md").read_text("utf-8")
    assert all(f"`{row['file']}` | {row['name']} | {row['credit']} | {row['licence']}" in credits_page for row in INDEX)


def test_precompressed_plotly_is_the_same_script():
    script = (PLOTLY / "plotly.min.js").read_bytes()
    assert gzip.decompress((PLOTLY / "plotly.min.js.gz").read_bytes()) == script
    assert brotli.decompress((PLOTLY / "plotly.min.js.br").read_bytes()) == script


def test_plotly_is_vendored_with_licence_and_version():
    version = re.search(r'const PLOTLY = "([^"]+)"', (ROOT / "scripts" / "vendor-plotly.mjs").read_text("utf-8"))[1]
    head = (PLOTLY / "plotly.min.js").read_text("utf-8")[:200]
    assert head.startswith(f"/*! plotly.js {version} ")
    assert "MIT License" in (PLOTLY / "LICENSE").read_text("utf-8")
    assert f"# plotly.js {version}\n" in (PLOTLY / "README.md").read_text("utf-8")


def test_npm_lock_has_exact_versions_and_no_download_address():
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    for name, version in PACKAGE_JSON["devDependencies"].items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert all("resolved" not in package for package in lock["packages"].values())
    assert all(package.get("integrity") for path, package in lock["packages"].items() if path)


LISTED = (ROOT / "docs" / "dependencies.md").read_text("utf-8")


def listed_rows() -> list[list[str]]:
    table = LISTED.partition("## At run time")[2].partition("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines() if re.match(r"\| [a-z]", line)][1:]


def test_every_dependency_is_listed_as_it_is_installed():
    """Builds of torch bundle different libraries, and say so in their licence."""
    expected, found = [list(row) for row in script("licences").rows()], listed_rows()
    for row in (*expected, *found):
        if row[0] == "torch":
            row[2] = "as its build"
    assert found == expected
    assert {name: Version(version) for name, version, _, _ in found}.items() <= pins().items()
    assert all(licence and why for _, _, licence, why in found)


def test_what_is_listed_is_everything_that_runs_and_that_is_vendored():
    direct = {canonicalize_name(requirement.name) for requirement in script("licences").runtime()}
    listed = {row[0] for row in listed_rows()}
    installed = set().union(*(closure(Requirement(line)) for line in PYPROJECT["project"]["dependencies"]))
    assert direct <= listed
    assert installed - listed <= {"triton"}
    folders = {f"static/vendor/{path.name}" for path in (ROOT / "static" / "vendor").iterdir()}
    for folder in (*folders, "static/samples", "compute/datasets", "compute/trained/files"):
        assert f"| `{folder}` |" in LISTED
    for requirement in PYPROJECT["project"]["optional-dependencies"]["test"]:
        assert Requirement(requirement).name in LISTED
    for name in PACKAGE_JSON["devDependencies"]:
        assert name in LISTED.lower()


def test_the_list_is_what_its_script_writes():
    document = script("licences").document()
    table = re.compile(r"^\| torch \|.*$", re.MULTILINE)
    assert table.sub("", document) == table.sub("", LISTED)
