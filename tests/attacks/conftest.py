# SPDX-License-Identifier: Apache-2.0
"""What an attacker has: a key, and sometimes the agreement's own database login."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from openpars.shares.keys import ShareKeys
from openpars.shares.tables import role_name
from tests.conftest import RunningCity


@pytest.fixture
def stolen_login(city: RunningCity) -> Callable[[str], psycopg.Connection[Any]]:
    """Connects as an agreement's own login, as somebody would who stole its password."""
    secrets = json.loads((city.data_dir / "secrets" / "door.json").read_text(encoding="utf-8"))
    database = str(conninfo_to_dict(secrets["door_dsn"])["dbname"])

    def connect(agreement: str) -> psycopg.Connection[Any]:
        role = role_name(database, agreement)
        password = ShareKeys(secrets["share_key"]).password(agreement, role)
        dsn = make_conninfo(secrets["door_dsn"], user=role, password=password)
        return psycopg.connect(dsn, autocommit=True)

    return connect


def code(answer: Any) -> str:
    """The problem's code."""
    return str(answer.json()["type"]).rsplit("/", 1)[1]
