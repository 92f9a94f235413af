# SPDX-License-Identifier: Apache-2.0
"""One pool per agreement, each with the agreement's own login. No pool ever changes its role."""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from openpars.db.connect import Pool, pool
from openpars.shares.keys import ShareKeys
from openpars.shares.tables import role_name

IDLE = 15.0  # seconds: a hundred agreements need not hold a hundred connections


class AgreementPools:
    """Opens a pool at an agreement's first use; closing one cuts its statements off."""

    def __init__(self, door_dsn: str, keys: ShareKeys, *, max_size: int = 4) -> None:
        self._dsn = door_dsn
        self._database = str(conninfo_to_dict(door_dsn)["dbname"])
        self._keys = keys
        self._max_size = max_size
        self._open: dict[str, Pool] = {}

    async def of(self, agreement: str) -> Pool:
        """The agreement's pool."""
        known = self._open.get(agreement)
        if known is None:
            role = role_name(self._database, agreement)
            dsn = make_conninfo(self._dsn, user=role, password=self._keys.password(agreement, role))
            known = pool(
                dsn,
                min_size=0,
                max_size=self._max_size,
                name=f"share {agreement}",
                max_idle=IDLE,
                autocommit=True,
            )
            self._open[agreement] = known
            await known.open()
        return known

    async def close(self, agreement: str) -> None:
        """At the end of an agreement."""
        known = self._open.pop(agreement, None)
        if known is not None:
            await known.close(timeout=0.1)

    async def close_all(self) -> None:
        """At the end of the process."""
        for agreement in list(self._open):
            await self.close(agreement)
