"""`make torture`: tries to break a real server for about ten minutes, and prints what it saw.

    python -m tests.torture [part ...] [--seconds 600] [--seed 1]

Exit status 1 where something did not hold. Nothing here is sent to another machine.
"""

import argparse
import importlib
import sys
import time
import traceback

from tests.torture.report import Row, table

# Part, and its share of the time.
SHARES = {"requests": 0.32, "uploads": 0.26, "overload": 0.2, "slow": 0.07, "faults": 0.15}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(SHARES)}; all without")
    parser.add_argument("--seconds", type=float, default=600, help="for all parts together")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if unknown := set(given.parts) - set(SHARES):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(SHARES)}")
    parts = given.parts or list(SHARES)
    rows = []
    for part in parts:
        began = time.monotonic()
        print(f"{part} …", file=sys.stderr, flush=True)
        rows += attempted(part, given.seconds * SHARES[part], given.seed)
        print(f"{part} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(table(rows))
    broken = [row for row in rows if not row.ok]
    print(f"\n{len(rows) - len(broken)} held or told, {len(broken)} broken; seed {given.seed}")
    return 1 if broken else 0


def attempted(part: str, seconds: float, seed: int) -> list[Row]:
    """What a part found; one that itself breaks is told as broken, and the next ones are still run."""
    try:
        return list(importlib.import_module(f"tests.torture.{part}").run(seconds, seed))
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        return [Row(part, "to its end", f"{type(error).__name__}: {error}", "an end", ok=False)]


if __name__ == "__main__":
    sys.exit(main())
