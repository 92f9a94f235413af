-- How often each key searched, for the agreement's limit per user and day. Append-only.
CREATE SCHEMA disclosure;

CREATE TABLE disclosure.use (
    agreement   text NOT NULL,
    key         uuid NOT NULL,
    day         date NOT NULL,          -- in the agreement's zone
    at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX use_key_day ON disclosure.use (key, day, agreement);

GRANT USAGE ON SCHEMA disclosure TO openpars_door, openpars_desk;
-- Which keys searched on which days: what stops when an agreement ends.
GRANT SELECT ON disclosure.use TO openpars_desk;
GRANT SELECT, INSERT ON disclosure.use TO openpars_door;
