# SPDX-License-Identifier: Apache-2.0
"""Names of the physical shares and the statements on them, composed through identifiers only.

schema   share_<agreement, dashes as underscores>
table    v<version>_<purpose>
columns  id, grant_no        primary key: one row per person and grant
         file_version        the arrest file's version it was projected from
         until               not served from this instant on, or null
         ways                search, alert, export
         alert_all           whether a catch-all subscription may hear of it
         body                the granted fields as JSON text, nothing else
         criteria            values of the alert_by fields, JSON
         subject             the person's log key id, sealed
         k0 … kn             one keyed hash per find_by combination, null where unknown
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from psycopg import sql

NAME_LIMIT = 63

FIXED_COLUMNS = 9
"""Columns before the keyed hashes."""


def _slug(prefix: str, name: str) -> str:
    plain = prefix + name.replace("-", "_")
    if len(plain) <= NAME_LIMIT:
        return plain
    return f"{plain[: NAME_LIMIT - 17]}_{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def schema_name(agreement: str) -> str:
    """The schema that holds all tables of one agreement."""
    return _slug("share_", agreement)


def role_name(database: str, agreement: str) -> str:
    """The login of one agreement. Roles belong to the whole server, so the database is part of it."""
    return "openpars_s_" + hashlib.sha256(f"{database}/{agreement}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Share:
    """One physical share. `combinations` are find_by combinations, fields joined by '+'."""

    agreement: str
    version: int
    purpose: str
    combinations: tuple[str, ...]

    @property
    def table(self) -> sql.Identifier:
        """The table, qualified."""
        return sql.Identifier(schema_name(self.agreement), _slug(f"v{self.version}_", self.purpose))

    def column(self, combination: str) -> sql.Identifier:
        """The column of one combination. Raises ValueError for one the agreement does not grant."""
        return sql.Identifier(f"k{self.combinations.index(combination)}")

    def create(self) -> sql.Composed:
        """The table and an index for each combination."""
        keys = sql.SQL("").join(
            sql.SQL(", {} bytea").format(self.column(combination)) for combination in self.combinations
        )
        table = sql.SQL(
            "CREATE TABLE {} (id uuid NOT NULL, grant_no int NOT NULL, file_version bigint NOT NULL,"
            " until timestamptz, ways text[] NOT NULL, alert_all boolean NOT NULL, body text NOT NULL,"
            " criteria jsonb NOT NULL, subject bytea{}, PRIMARY KEY (id, grant_no))"
        ).format(self.table, keys)
        indexes = sql.SQL("").join(
            sql.SQL("; CREATE INDEX ON {} ({}) WHERE {} IS NOT NULL").format(
                self.table, self.column(combination), self.column(combination)
            )
            for combination in self.combinations
        )
        return table + indexes

    @cache  # noqa: B019  (as many shares as purposes)
    def copy(self) -> bytes:
        """Take rows in the binary form of `shares.packed`, values in column order."""
        return sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(self.table).as_bytes()

    def clear(self) -> sql.Composed:
        """Delete every row. Readers go on reading what was there before: no lock they would wait for."""
        return sql.SQL("DELETE FROM {}").format(self.table)

    @cache  # noqa: B019  (as many shares as purposes)
    def find(self, combination: str) -> bytes:
        """Rows of keyed hashes. Parameters: hashes, a limit for each, way. Expired rows are never served.

        The last column is the place of the row's hash among those asked for, from 1.
        """
        return (
            sql.SQL(
                "SELECT row.*, asked.n FROM unnest(%b::bytea[], %s::int[]) WITH ORDINALITY"
                " AS asked (hash, most, n), LATERAL ("
                "SELECT encode(uuid_send(id), 'hex'), grant_no, file_version, body, subject FROM {}"
                " WHERE {} = asked.hash AND %s = ANY (ways)"
                " AND (until IS NULL OR until > clock_timestamp())"
                " ORDER BY id, grant_no LIMIT asked.most) AS row"
            )
            .format(self.table, self.column(combination))
            .as_bytes()
        )

    @cache  # noqa: B019  (as many shares as purposes)
    def by_id(self) -> bytes:
        """Rows of one public id. Parameters: id, way."""
        return (
            sql.SQL(
                "SELECT encode(uuid_send(id), 'hex'), grant_no, file_version, body, subject FROM {}"
                " WHERE id = %s AND %s = ANY (ways)"
                " AND (until IS NULL OR until > clock_timestamp()) ORDER BY grant_no"
            )
            .format(self.table)
            .as_bytes()
        )

    @cache  # noqa: B019  (as many shares as purposes)
    def for_alert(self) -> bytes:
        """What matching needs of public ids. Parameter: a list of ids."""
        keys = sql.SQL("").join(sql.SQL(", {}").format(self.column(name)) for name in self.combinations)
        return (
            sql.SQL(
                "SELECT id, grant_no, file_version, body, criteria, alert_all, subject{} FROM {}"
                " WHERE id = ANY (%s) AND 'alert' = ANY (ways)"
                " AND (until IS NULL OR until > clock_timestamp()) ORDER BY id, grant_no"
            )
            .format(keys, self.table)
            .as_bytes()
        )

    @cache  # noqa: B019  (as many shares as purposes)
    def moved(self) -> bytes:
        """Which of the given rows do not stand now at the given file version: their places, from 1.

        Parameters: ids, grants and file versions as array literals, which cost less than a value each.
        Compared with a value, not EXISTS: that becomes a join, which may read the whole share for a few rows.
        """
        return (
            sql.SQL(
                "SELECT n FROM unnest(%s::uuid[], %s::int[], %s::bigint[]) WITH ORDINALITY"
                " AS r (id, grant_no, file_version, n) WHERE r.file_version IS DISTINCT FROM ("
                "SELECT s.file_version FROM {} AS s WHERE s.id = r.id AND s.grant_no = r.grant_no"
                " AND (s.until IS NULL OR s.until > clock_timestamp()))"
            )
            .format(self.table)
            .as_bytes()
        )
