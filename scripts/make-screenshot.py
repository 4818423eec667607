"""Makes the README's pictures, static/about/*.png, from a running server: scripts/make-screenshot.py URL"""

import json
import os
import shutil
import sys
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

TARGET = Path(__file__).parents[1] / "static/about"
# Picture: address, height, and the panels that have to be there.
PICTURES = {
    "page.png": ("/", 1560, ("maps", "depth")),
    "stack.png": ("/stack?mixing=shuffle&module=3", 1480, ("module", "film", "maps")),
    "measure.png": ("/measure", 1180, ("latency", "roofline")),  # as it was measured before on this server
    "train.png": ("/train?run={run}", 1500, ("curves", "accuracy")),  # the last run of this server
    "networks.png": ("/networks?network=resnet-50&hold=params", 1480, ("layers", "curves", "policies")),
}
PAINTED = "(ids) => ids.every((id) => document.getElementById(id).dataset.painted)"


def main(url: str) -> None:
    chromium = os.environ.get("GROUPSCOPE_CHROMIUM") or shutil.which("chromium")
    TARGET.mkdir(exist_ok=True)
    with urlopen(f"{url.rstrip('/')}/api/trainings?limit=1") as answer:
        runs = json.load(answer)["trainings"]
    run = runs[0]["id"] if runs else ""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
        for name, (address, height, panels) in PICTURES.items():
            page = browser.new_page(viewport={"width": 1280, "height": height})
            page.goto(url.rstrip("/") + address.format(run=run))
            page.wait_for_function(PAINTED, arg=list(panels))
            page.screenshot(path=TARGET / name)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
