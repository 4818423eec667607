"""What the README shows is run: its Python prints what its comments say, its addresses answer."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from app.documentschema import DOCUMENT_SAMPLE
from compute.network import analyze, read

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
SAMPLES = PROJECT / "static/samples"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


BLOCKS = ["module", "strategies", "measuring", "maps", "stack", "networks"]


@pytest.mark.parametrize("block", blocks("python"), ids=BLOCKS)
def test_python_prints_what_its_comments_say(block: str) -> None:
    expected = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
    assert expected
    ran = subprocess.run([sys.executable, "-c", block], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == expected


def test_the_api_lines_answer(server: str) -> None:
    (lines,) = [block for block in blocks("sh") if "curl" in block]
    sample = json.loads((SAMPLES / "samples.json").read_text())[0]
    for line in lines.splitlines():
        address = re.search(r"'localhost:8000(/\S*)'", line)
        assert address, line
        request = Request(server + address[1].replace("ID", sample["id"]))
        if body := re.search(r"--json (?:'(.*?)'|@network\.json) ", line):
            request.data = (body[1] or blocks("json")[0]).encode()
            request.add_header("Content-Type", "application/json")
        if "-X POST" in line:
            request.method = "POST"
        if "-F image=@" in line:
            picture = (SAMPLES / sample["file"]).read_bytes()
            head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="photo.jpg"\r\n\r\n'
            request.data = head + picture + b"\r\n--b--\r\n"
            request.add_header("Content-Type", "multipart/form-data; boundary=b")
        with urlopen(request) as answer:
            assert answer.status == (201 if "-F" in line else 202 if "-X POST" in line else 200)
            assert answer.read()


def test_the_document_costs_what_the_text_says() -> None:
    totals = analyze(read(json.loads(blocks("json")[0])))["totals"]
    assert f"{totals['params']:,} params and\n{totals['macs']:,} MACs" in README
    assert json.loads(blocks("json")[0]) == DOCUMENT_SAMPLE
