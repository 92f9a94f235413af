# SPDX-License-Identifier: Apache-2.0
"""A projected row as it stands in its table, and as it is remembered in `shares.kept`."""

from __future__ import annotations

from uuid import UUID

import orjson

from openpars.agreements.project import ShareRow
from openpars.record.file import ArrestFile
from openpars.shares.keys import ShareKeys
from openpars.shares.tables import Share


def digest(share: Share, row: ShareRow, keys: ShareKeys) -> bytes:
    """Equal for two rows exactly when a recipient could not tell them apart."""
    content = [
        row.body,
        sorted(("+".join(fields), values) for fields, values in row.keys.items()),
        row.criteria,
        sorted(row.ways),
        row.alert_all,
        row.until,
    ]
    return keys.digest(share.agreement, orjson.dumps(content, option=orjson.OPT_SORT_KEYS))


def table_row(
    share: Share, file: ArrestFile, row: ShareRow, *, row_id: UUID, keys: ShareKeys
) -> tuple[object, ...]:
    """Values in the order of the table's columns (`shares.tables`)."""
    values = {"+".join(fields): value for fields, value in row.keys.items()}
    hashes = (
        keys.search(share.agreement, name, values[name]) if name in values else None
        for name in share.combinations
    )
    return (
        row_id,
        row.grant,
        file.version,
        row.until,
        sorted(row.ways),
        row.alert_all,
        orjson.dumps(row.body).decode(),
        orjson.dumps(row.criteria).decode(),
        keys.hide_subject(share.agreement, row_id, row.subject),
        *hashes,
    )


def kept_row(share: Share, row: ShareRow, *, row_id: UUID, keys: ShareKeys) -> tuple[object, ...]:
    """Values in the order of the columns of `shares.kept`, after the arrest."""
    return (
        share.agreement,
        share.version,
        share.purpose,
        row.slot,
        row.grant,
        row_id,
        digest(share, row, keys),
        row.until,
    )
