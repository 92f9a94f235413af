# SPDX-License-Identifier: Apache-2.0
"""The register says where the sources disagree about the rule of the vote, and where there is no dispute."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import RunningCity


@pytest.mark.parametrize(("lang", "title"), [("en", "the sources disagree"), ("es", "no coinciden")])
def test_the_disputed_rule_is_shown_where_it_is_disputed(city: RunningCity, lang: str, title: str) -> None:
    pages = {
        name: httpx.get(f"{city.base_url}/public/agreements/{name}", params={"lang": lang}).text
        for name in ("ice-pars", "ice-felony-warrant")
    }
    assert title in pages["ice-pars"]
    assert title not in pages["ice-felony-warrant"]
