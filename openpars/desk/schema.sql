-- The desks keep nothing but the answers they gave, so that a retry gets the same one.
CREATE SCHEMA desk;

CREATE TABLE desk.answered (
    jurisdiction text NOT NULL,
    key          uuid NOT NULL,                -- whose key asked: accounts.staff_key, or nil for our own imports
    idempotency_key text NOT NULL,
    request      bytea NOT NULL,               -- a keyed mark of method, address and body: no SSN can be guessed from it
    status       int,                          -- null while the act is under way
    answer       bytea,                        -- id, version and state; never a name
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (jurisdiction, key, idempotency_key)
);
CREATE INDEX answered_at ON desk.answered (at);

GRANT USAGE ON SCHEMA desk TO openpars_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON desk.answered TO openpars_desk;
