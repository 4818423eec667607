"""Makes static/about/page.png, the README's picture, from a running server: scripts/make-screenshot.py URL"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

TARGET = Path(__file__).parents[1] / "static/about/page.png"
PAINTED = "() => document.querySelector('#maps').dataset.painted && document.querySelector('#depth').dataset.painted"


def main(url: str) -> None:
    chromium = os.environ.get("GROUPSCOPE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
        page = browser.new_page(viewport={"width": 1280, "height": 1560})
        page.goto(url)
        page.wait_for_function(PAINTED)
        TARGET.parent.mkdir(exist_ok=True)
        page.screenshot(path=TARGET)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
