# SPDX-License-Identifier: Apache-2.0
"""A key store and a signer for the log's tests. The database is the one of `tests/conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from openpars.log.keys import KeyStore
from openpars.log.note import Signer

ORIGIN = "log.openpars.invalid/test"


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    store = KeyStore(tmp_path / "keys" / "persons.sqlite")
    yield store
    store.close()


@pytest.fixture
def signer() -> Signer:
    return Signer(ORIGIN, bytes(range(32)))
