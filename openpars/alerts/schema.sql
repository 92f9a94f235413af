-- Standing requests and what has been told under them. No content of any record is kept here: ids,
-- keyed hashes and coarse criteria only, so that sealing a file leaves nothing behind in a feed.
CREATE SCHEMA alerts;

CREATE TABLE alerts.subscription (
    id          uuid PRIMARY KEY,
    recipient   text NOT NULL,
    organisation text,                      -- of the key that asked; null: the recipient itself
    key         uuid NOT NULL,
    agreement   text NOT NULL,
    purpose     text NOT NULL,
    case_number text,
    criteria    jsonb,                      -- null for a watch by keys
    expires     timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at    timestamptz
);
CREATE INDEX subscription_agreement ON alerts.subscription (agreement) WHERE ended_at IS NULL;

-- Watches by key, keyed hashes as in the shares: a million of them cost one index look-up.
CREATE TABLE alerts.watch (
    agreement    text NOT NULL,
    hash         bytea NOT NULL,
    subscription uuid NOT NULL REFERENCES alerts.subscription,
    PRIMARY KEY (agreement, hash, subscription)
);

-- What a subscription has been told and not yet been told the end of.
CREATE TABLE alerts.told (
    subscription uuid NOT NULL REFERENCES alerts.subscription,
    id           uuid NOT NULL,
    digest       bytea NOT NULL,
    PRIMARY KEY (id, subscription)
);

-- What happened, in the order it was told: for resuming. `sent` false: no stream was open then.
CREATE TABLE alerts.event (
    position     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recipient    text NOT NULL,
    agreement    text NOT NULL,
    epoch        int  NOT NULL,
    subscription uuid NOT NULL REFERENCES alerts.subscription,
    id           uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('appeared', 'changed', 'withdrawn')),
    sent         boolean NOT NULL,
    at           timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX event_recipient ON alerts.event (recipient, position);
CREATE INDEX event_unsent ON alerts.event (recipient, position) WHERE NOT sent;

GRANT USAGE ON SCHEMA alerts TO openpars_door;
GRANT SELECT, INSERT, UPDATE ON alerts.subscription, alerts.event TO openpars_door;
GRANT SELECT, INSERT, UPDATE, DELETE ON alerts.watch, alerts.told TO openpars_door;
