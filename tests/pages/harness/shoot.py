# SPDX-License-Identifier: Apache-2.0
"""Look at the pages: `python -m tests.pages.harness.shoot FOLDER [PATH...]`, a PNG per page and width."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.pages.browser import chromium, serving
from tests.pages.harness.app import PAGES, app

WIDTHS = (1280, 390)


def main(folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with serving(app) as base, chromium() as driver:
        for path in wanted or list(PAGES):
            for width in WIDTHS:
                driver.set_width(width)
                driver.get(base + path)
                name = path.strip("/").replace("/", "-").replace("?", "-") or "front"
                driver.whole_page(folder / f"{name}.{width}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
