"""Three rings, arrows inward: static/js talks HTTP to app, app imports compute, compute knows neither."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
WEB = {"app", "fastapi", "starlette", "uvicorn", "jinja2", "plotly", "pydantic", "orjson"}
MODULES = ("errors", "grouping", "spec", "counts", "describe", "formulas", "notes", "depth", "maps", "growth", "weber")
PACKAGES = ("measure", "network", "networks", "stack", "training")
# What app may know of compute; everything else may change without it.
PUBLIC = {
    "datasets", "device", "errors", "formulas", "grouping", "spec", "counts", "describe", "depth", "growth", "maps",
    "measure", "measurerun", "network", "networks", "picture", "run", "stack", "stackrun", "strategies", "trained",
    "training", "trainrun", "weber",
}  # fmt: skip


def imports(file: Path) -> Iterator[str]:
    """Every module, and every name of a module, that `file` imports anywhere."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def files(folder: str) -> list[Path]:
    return sorted((PROJECT / folder).rglob("*.py"))


@pytest.mark.parametrize("file", files("compute"), ids=lambda f: f.name)
def test_compute_knows_nothing_of_the_web(file: Path) -> None:
    assert not {module for module in imports(file) if module.split(".")[0] in WEB}


PURE = [
    *(PROJECT / "compute" / f"{name}.py" for name in MODULES),
    *(file for name in PACKAGES for file in files(f"compute/{name}")),
]


@pytest.mark.parametrize("file", PURE, ids=lambda f: f.stem)
def test_arithmetic_needs_no_torch(file: Path) -> None:
    modules = {module.split(".")[0] for module in imports(file)}
    assert not modules & {"torch", "numpy", "PIL"}


def test_packages_of_arithmetic_are_there() -> None:
    assert {file.parent.name for file in PURE} == {"compute", *PACKAGES}


@pytest.mark.parametrize("file", files("app"), ids=lambda f: f.stem)
def test_app_uses_public_modules_of_compute_and_torch_only_in_the_worker(file: Path) -> None:
    modules = set(imports(file))
    used = {module.split(".")[1] for module in modules if module.startswith("compute.")}
    assert used <= PUBLIC
    assert "plotly" not in {module.split(".")[0] for module in modules}
    if file.name not in ("worker.py", "trainworker.py", "answers.py"):  # they run in the engine's process
        torch = ("torch", *(f"compute.{name}" for name in ("run", "stackrun", "measurerun", "strategies", "trainrun")))
        assert not modules & set(torch)


def test_the_server_process_never_loads_torch(tmp_path: Path) -> None:
    code = (
        "import sys, app.serve; from app.main import create_app; from app.settings import Settings;"
        f"create_app(Settings(store={str(tmp_path)!r}));"
        "print(sorted({'torch', 'plotly'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_importing_compute_does_not_load_torch() -> None:
    code = "import sys, compute; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_the_page_talks_to_this_server_only() -> None:
    scripts = list((PROJECT / "static" / "js").rglob("*.js"))
    addresses = {url for file in scripts for url in re.findall(r"https?://[^\s'\"`)]+", file.read_text("utf-8"))}
    assert scripts
    assert {url for url in addresses if not url.startswith("http://www.w3.org/")} == set()
