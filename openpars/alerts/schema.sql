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
    by_keys     boolean NOT NULL GENERATED ALWAYS AS (criteria IS NULL) STORED,
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

-- What subscriptions have been told of a record and not yet been told the end of: one row for all that were told
-- the same together. Here and below a subscription is no foreign key: nobody has the right to delete one.
CREATE TABLE alerts.told (
    agreement     text NOT NULL,
    purpose       text NOT NULL,
    id            uuid NOT NULL,
    digest        bytea NOT NULL,
    subscriptions uuid[] NOT NULL
);
ALTER TABLE alerts.told ALTER subscriptions SET STORAGE EXTERNAL;  -- random bytes do not shrink
CREATE INDEX told_id ON alerts.told (agreement, purpose, id);

-- What happened, in the order it was told: for resuming. One row for all who were told the same; each has a
-- position of its own, one after the other, and the last one's is the row's. `sent` false: no stream was open then,
-- and whoever was to hear it has a row alone.
CREATE TABLE alerts.event (
    position      bigint PRIMARY KEY,
    recipient     text NOT NULL,
    agreement     text NOT NULL,
    epoch         int  NOT NULL,
    id            uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('appeared', 'changed', 'withdrawn')),
    sent          boolean NOT NULL CHECK (sent OR cardinality(subscriptions) = 1),
    subscriptions uuid[] NOT NULL,
    at            timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE alerts.event ALTER subscriptions SET STORAGE EXTERNAL;
CREATE INDEX event_recipient ON alerts.event (recipient, position);
CREATE INDEX event_unsent ON alerts.event (recipient, position) WHERE NOT sent;

-- How many feeds are open, as the door last counted them: at most a second old, empty after it starts.
CREATE TABLE alerts.feed (
    recipient    text NOT NULL,
    agreement    text,                      -- null: a feed of everything the recipient holds
    feeds        int  NOT NULL
);

GRANT USAGE ON SCHEMA alerts TO openpars_door, openpars_desk;
GRANT SELECT, INSERT, DELETE ON alerts.feed TO openpars_door;
-- The desk says before a vote what stops. It learns who asked under which case, never for whom or for what.
GRANT SELECT ON alerts.feed TO openpars_desk;
GRANT SELECT (id, recipient, organisation, agreement, purpose, case_number, by_keys, expires, ended_at)
    ON alerts.subscription TO openpars_desk;
-- What was asked is never changed into something else: a subscription ends, and another is made.
GRANT SELECT, INSERT, UPDATE (ended_at) ON alerts.subscription TO openpars_door;
GRANT SELECT, INSERT, UPDATE (sent) ON alerts.event TO openpars_door;
GRANT SELECT, INSERT, DELETE ON alerts.watch TO openpars_door;
GRANT SELECT, INSERT, UPDATE (subscriptions), DELETE ON alerts.told TO openpars_door;
