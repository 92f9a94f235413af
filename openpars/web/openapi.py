# SPDX-License-Identifier: Apache-2.0
"""One OpenAPI document for the one address, whichever process answers a path."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from openpars.web import logs, recipient


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` tell the recipients' API and the log beside its own routes."""

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title="OpenPARS",
                version=app.version,
                routes=[*app.routes, *recipient.router.routes, *logs.router.routes],
            )
            document.setdefault("components", {})["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer"}
            }
            document["security"] = [{"key": []}, {}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]
