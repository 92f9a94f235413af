# SPDX-License-Identifier: Apache-2.0
"""One browser for the page tests; without Chromium they are skipped and say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import RunningCity, demo_city
from tests.pages import browser
from tests.pages.browser import Browser


@pytest.fixture(scope="session")
def city() -> Iterator[RunningCity]:
    """A city of the pages' own: elsewhere hundreds are booked, and a list shows the most urgent first."""
    with demo_city() as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A fresh Chromium with a fresh profile."""
    if not browser.installed():
        pytest.skip(browser.MISSING)
    with browser.chromium() as found:
        yield found
