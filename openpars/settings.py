# SPDX-License-Identifier: Apache-2.0
"""Where a city lives, and its secrets.

A city is a data directory (`./var` unless told otherwise). Secrets are files in it that only their
own process reads: `secrets/desk.json` for the desk and the worker, `secrets/door.json` for the
process that serves recipients. The door's file holds no way to read the record. There are no
default secrets: they are made at the first start, and a missing one stops the start.
"""

from __future__ import annotations

import json
import os
import secrets as random
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What `openpars` is told: by flag, or by an environment variable `OPENPARS_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="OPENPARS_", frozen=True)

    data_dir: Path = Path("var")
    database_url: str | None = None
    port: int = 8080

    @property
    def keys_file(self) -> Path:
        """The person keys' own store, outside Postgres: its log and backups forget nothing."""
        return self.data_dir / "keys" / "persons.sqlite"

    @property
    def desk_socket(self) -> Path:
        """Where the desk process listens; only the door and the owner of the directory reach it."""
        return self.data_dir / "run" / "desk.sock"


@dataclass(frozen=True, slots=True)
class City:
    """`city.json`. `partner_access` is False when the server is below the version floor.

    `trusted_proxies`: the web servers in front, as networks, whose word about a client's address is taken.
    `public_share`: how much of one core all who are not signed in may have of the desks together.
    """

    base_url: str
    demo: bool
    partner_access: bool = True
    warning: str | None = None
    origin: str = "openpars.invalid/city"
    trusted_proxies: tuple[str, ...] | None = None
    public_share: float = 0.25


@dataclass(frozen=True, slots=True)
class DatabaseLogins:
    """Connection strings of the three logins. Each ends in the same database."""

    owner: str
    desk: str
    door: str


@dataclass(frozen=True, slots=True)
class DeskSecrets:
    """The desk's and the worker's secrets. Keys are 32 bytes as hex.

    `record_key` encrypts SSNs and indexes them blind. `share_key` keys the search hashes of the
    shares and the passwords of the agreements' logins. `acts_key` signs the acts tree.
    """

    owner_dsn: str
    desk_dsn: str
    record_key: str
    share_key: str
    acts_key: str


@dataclass(frozen=True, slots=True)
class DoorSecrets:
    """The door's secrets: no login here can read `record`.

    `disclosures_key` signs the disclosures tree. `token_key` seals resume tokens and sessions.
    """

    door_dsn: str
    share_key: str
    disclosures_key: str
    token_key: str


class MissingSecret(Exception):
    """A secrets file is not there or not whole. The start stops."""


def create_secrets(data_dir: Path, logins: DatabaseLogins) -> tuple[DeskSecrets, DoorSecrets]:
    """Make both secrets files (mode 600). MUST be called once per data directory: keys are not remade."""
    share_key = random.token_hex(32)
    desk = DeskSecrets(
        owner_dsn=logins.owner,
        desk_dsn=logins.desk,
        record_key=random.token_hex(32),
        share_key=share_key,
        acts_key=random.token_hex(32),
    )
    door = DoorSecrets(
        door_dsn=logins.door,
        share_key=share_key,
        disclosures_key=random.token_hex(32),
        token_key=random.token_hex(32),
    )
    write_private(data_dir / "secrets" / "desk.json", asdict(desk))
    write_private(data_dir / "secrets" / "door.json", asdict(door))
    return desk, door


def load_desk(data_dir: Path) -> DeskSecrets:
    """The desk's secrets. Raises MissingSecret."""
    return DeskSecrets(**_load(data_dir / "secrets" / "desk.json", DeskSecrets))


def load_door(data_dir: Path) -> DoorSecrets:
    """The door's secrets. Raises MissingSecret."""
    return DoorSecrets(**_load(data_dir / "secrets" / "door.json", DoorSecrets))


def load_city(data_dir: Path) -> City:
    """`city.json`. Raises MissingSecret when this is not a city's data directory."""
    return City(**_load(data_dir / "city.json", City))


def save_city(data_dir: Path, city: City) -> None:
    """Write `city.json` whole or not at all."""
    write_private(data_dir / "city.json", asdict(city))


def _load(path: Path, kind: type[City | DeskSecrets | DoorSecrets]) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingSecret(f"{path} is not there: start the city once with `openpars up`") from None
    known = {field.name: found[field.name] for field in fields(kind) if field.name in found}
    if any(not value and value is not None and value is not False for value in known.values()):
        raise MissingSecret(f"{path} is not whole")
    return known


def write_private(path: Path, content: object) -> None:
    """JSON to a file only its owner reads; whole or not at all, and on the disk before we go on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(path.suffix + ".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
