# SPDX-License-Identifier: Apache-2.0
"""A real Chromium for the page tests: Debian's own, driven by selenium, silent on the network."""

from __future__ import annotations

import base64
import contextlib
import re
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import Select

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic", "--disable-dev-shm-usage",
    "--disable-default-apps", "--disable-extensions", "--force-color-profile=srgb", "--hide-scrollbars",
)  # fmt: skip
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa")
MISSING = "Chromium is not installed: `apt-get install chromium chromium-driver` to run the page tests."


def installed() -> bool:
    """Whether a browser and its driver are here. selenium must never fetch one itself."""
    return shutil.which("chromium") is not None and shutil.which("chromedriver") is not None


class Browser:
    """The few verbs the tests use."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.width = 0
        self.set_width(1280)

    def get(self, url: str) -> None:
        self.driver.get(url)
        self.driver.execute_async_script("document.fonts.ready.then(arguments[0])")

    def set_width(self, width: int, height: int = 900) -> None:
        self.width = width
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def whole_page(self, file: Path) -> None:
        """A picture of the whole page, below the fold too."""
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        file.write_bytes(base64.b64decode(shot["data"]))

    def run(self, script: str, *args: Any) -> Any:
        return self.driver.execute_script(script, *args)

    def until(self, script: str, seconds: float = 10) -> None:
        """Wait until a script says true. Between two pages a script has nowhere to run: that is not yet."""
        end = time.monotonic() + seconds
        while not self._true(script):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.05)

    def _true(self, script: str) -> bool:
        try:
            return bool(self.run(script))
        except WebDriverException:
            return False

    def press(self, *keys: str) -> None:
        """Keys to whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def fill(self, name: str, text: str) -> None:
        """Type into the field of that name, leaving the focus there."""
        field = self.driver.find_element("css selector", f"[name='{name}']")
        field.clear()
        field.send_keys(text)

    def value(self, name: str) -> str:
        """What stands in the field of that name."""
        return self.driver.find_element("css selector", f"[name='{name}']").get_attribute("value") or ""

    def choose(self, name: str, value: str) -> None:
        """Choose in the list of that name."""
        field = self.driver.find_element("css selector", f"select[name='{name}']")
        Select(field).select_by_value(value)

    def check(self, field: str) -> None:
        """Choose a radio button or a check box by its label."""
        self.driver.find_element("css selector", f"label[for='{field}']").click()

    @contextmanager
    def next_page(self) -> Iterator[None]:
        """What is done inside leads to another page, which has then loaded.

        The old page is marked, and the new one has no mark. Asking whether an element of the old page
        still stands would ask the driver about a document that is being torn down.
        """
        self.run("window.left = true")
        yield
        self.until("return window.left !== true && document.readyState === 'complete'")

    def submit(self) -> None:
        """Press the page's own large button, and wait for the next page."""
        with self.next_page():
            self.driver.find_element("css selector", ".op-submit .usa-button").click()

    def follow(self, words: str) -> None:
        """Follow the link that has these words; a live list may swap its rows meanwhile."""
        with self.next_page():
            for _ in range(20):
                with contextlib.suppress(StaleElementReferenceException):
                    self.driver.find_element("partial link text", words).click()
                    return
            raise AssertionError("the link never stood still")

    def text(self) -> str:
        """Everything a reader sees."""
        return str(self.run("return document.body.innerText"))

    def violations(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 A and AA, one line each, with where."""
        axe = Axe()
        found = axe.run(self.driver, options={"runOnly": {"type": "tag", "values": list(WCAG)}})
        return [
            f"{v['id']}: {n['target']} {n.get('failureSummary', '')}"
            for v in found["violations"]
            for n in v["nodes"]
        ]

    def complaints(self) -> list[str]:
        """What the console says, among it every Content-Security-Policy report.

        A page that answers 401, 403 or 422 is meant to: the console's line about it is left out.
        """
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        return [message for message in said if not re.search(r"status of (401|403|422) ", message)]

    def overflow(self) -> int:
        """Pixels by which the page is wider than the screen.

        A phone widens its window to fit a page, so the window's own width would hide it.
        """
        return int(self.run("return document.documentElement.scrollWidth")) - self.width


@contextmanager
def chromium() -> Iterator[Browser]:
    """A fresh browser with a fresh profile, gone afterwards."""
    options = Options()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(prefix="openpars-browser-") as profile:
        options.add_argument(f"--user-data-dir={profile}")
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver") or ""))
        try:
            driver.set_page_load_timeout(30)
            driver.set_script_timeout(30)
            yield Browser(driver)
        finally:
            driver.quit()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """An ASGI app on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
