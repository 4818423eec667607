"""Memory of the server and its device process after 1,000 different feature-map requests, beside the first 10."""

from http.client import HTTPConnection
from itertools import islice, product

from tests.benchmarks.maps import SAMPLE
from tests.benchmarks.report import Table
from tests.benchmarks.serving import serving

REQUESTS = 1000


def different() -> list[str]:
    """Sizes, widths, groupings and kernels of every kind, so that no two buffers are alike for long."""
    grid = product((3, 5, 1), ("logarithmic", "uniform", "standard"), (96, 224, 161, 320), (16, 64, 128), range(10))
    return [
        f"/api/feature-maps?image={SAMPLE}&size={size}&in_channels={channels}&out_channels={channels}"
        f"&kernel_size={kernel}&padding={kernel // 2}&scheme={scheme}&groups=4&seed={seed}"
        + ("&tile=64" if seed % 5 else "")
        for kernel, scheme, size, channels, seed in islice(grid, REQUESTS)
    ]


def stacks() -> list[str]:
    """The same of stacks: every request leaves outputs of modules that none before had."""
    grid = product(("logarithmic", "uniform"), ("none", "shuffle", "rotated"), (112, 64, 96), (64, 32), range(28))
    return [
        f"/api/stack/maps?image={SAMPLE}&size={size}&in_channels={channels}&scheme={scheme}&mixing={mixing}"
        f"&seed={seed}&modules=3&module=3&tile=56" + ("&b_scheme=standard&side=difference" if seed % 7 == 0 else "")
        for scheme, mixing, size, channels, seed in islice(grid, REQUESTS)
    ]


def measure(table: Table) -> None:
    for what, paths, first in (("feature maps", different(), 10), ("stacks, their cache filled", stacks(), 100)):
        with serving() as server:
            connection = server.connection()
            levels = {}
            for number, path in enumerate(paths, 1):
                _get(connection, path)
                if number in (10, 100, REQUESTS):
                    levels[number] = server.resident_bytes()
                    table.row(f"{what}: after {number} requests", f"{levels[number] / 1e6:.0f} MB")
            growth = (levels[REQUESTS] - levels[first]) / 1e6
            table.row(f"{what}: growth from number {first} to the last", f"{growth:.0f} MB", "at most 150 MB")


def _get(connection: HTTPConnection, path: str) -> None:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
