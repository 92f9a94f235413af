-- Who may act. Tokens are 256 random bits and kept as SHA-256 only: a dump of this schema signs nobody in.
CREATE SCHEMA accounts;

CREATE TABLE accounts.staff_key (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    role        text NOT NULL CHECK (role IN ('police', 'district-attorney', 'courts', 'solicitor', 'auditor', 'records')),
    label       text NOT NULL,
    token_hash  bytea NOT NULL UNIQUE,
    link_hash   bytea UNIQUE,                 -- demo sign-in link; null outside demo mode
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at  timestamptz
);

CREATE TABLE accounts.recipient (
    id          text PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9-]{0,39}$'),
    name        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE accounts.recipient_key (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    recipient   text NOT NULL REFERENCES accounts.recipient,
    organisation text CHECK (organisation ~ '^[a-z][a-z0-9-]{0,39}$'),  -- null: the recipient itself
    label       text NOT NULL,
    token_hash  bytea NOT NULL UNIQUE,
    link_hash   bytea UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at  timestamptz
);

CREATE TABLE accounts.staff_session (
    token_hash  bytea PRIMARY KEY,
    key         uuid NOT NULL REFERENCES accounts.staff_key,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE accounts.recipient_session (
    token_hash  bytea PRIMARY KEY,
    key         uuid NOT NULL REFERENCES accounts.recipient_key,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT USAGE ON SCHEMA accounts TO openpars_desk, openpars_door;
GRANT SELECT, INSERT ON accounts.recipient TO openpars_desk;
-- A key never moves to another role, recipient or organisation: it is revoked, and another is made.
GRANT SELECT, INSERT, UPDATE (revoked_at) ON accounts.staff_key, accounts.recipient_key TO openpars_desk;
-- Nor does a session move to another key, or begin anew.
GRANT SELECT, INSERT, UPDATE (seen_at), DELETE ON accounts.staff_session TO openpars_desk;
-- The door never sees a staff key or a staff session.
GRANT SELECT ON accounts.recipient, accounts.recipient_key TO openpars_door;
GRANT SELECT, INSERT, UPDATE (seen_at), DELETE ON accounts.recipient_session TO openpars_door;
